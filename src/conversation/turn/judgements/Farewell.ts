/**
 * Decides when the agent hangs up after its last words, and whether it still answers the caller.
 *
 * A voice is detected some 100 ms after its first sample. So the agent notices a caller who speaks at the very end of a goodbye only after
 * the goodbye. Before it hangs up, it listens for a moment. If the caller speaks, the agent lets the caller finish, and answers.
 */
import * as PhonePhrases from "../../../definition/languages/PhonePhrases.ts"
import * as PhraseTiles from "../words/PhraseTiles.ts"

/** Both must be silent for this long (ms) before the agent hangs up. */
const silenceBeforeHangUpMillis = 200

/** A voice may go on for this long (ms) after a goodbye before its words are transcribed. */
const maxVoiceMillis = 10_000

/** If the caller is not answered any more, the agent hangs up after this long (ms): enough for "all right, bye". */
const maxUnansweredVoiceMillis = 3000

/** At most this many goodbyes of one call are taken back because the caller spoke. A person thinks of something once or twice; a radio never stops. */
const maxAnsweredFarewells = 2

/** The agent has said its last words. */
export interface Farewell {
  /** Why the call ends. */
  readonly reason: string
  /** The agent still answers the caller. */
  readonly mayBeAnswered: boolean
  /** The agent hangs up at this time at the latest, if the caller says no words; ms of the conversation. */
  readonly until: number
}

/** Begins when the last words were heard. All times are ms of the conversation. */
export const begin = (options: {
  readonly at: number
  readonly reason: string
  /** There is no time or no engine for an answer. */
  readonly isFinal: boolean
  /** How many goodbyes were answered before. */
  readonly answeredFarewells: number
  readonly maxDuration: number
}): Farewell => {
  const { answeredFarewells, at, isFinal, maxDuration, reason } = options
  const mayBeAnswered = !isFinal && answeredFarewells < maxAnsweredFarewells
  return { reason, mayBeAnswered, until: Math.min(maxDuration, at + (mayBeAnswered ? maxVoiceMillis : maxUnansweredVoiceMillis)) }
}

/** When the agent hangs up, if nothing happens before; ms of the conversation. */
export const due = ({ until }: Farewell, at: number, isCallerSpeaking: boolean): number =>
  isCallerSpeaking ? until : Math.min(until, at + silenceBeforeHangUpMillis)

/** Whether words after a goodbye need no answer: "Thanks, bye!" */
export type IsClosing = (text: string) => boolean

/** `language`: ISO 639-1. Unset: English. */
export const closingOf = (language = "en"): IsClosing => {
  const closings = PhraseTiles.make(PhonePhrases.of(language).closings)
  return (text) => {
    const all = PhraseTiles.tokens(text)
    return all.length > 0 && closings.strip(all).length === 0
  }
}
