/**
 * Decides when the agent hangs up after its last words, and whether it still answers the caller.
 *
 * A voice is detected some 100 ms after its first sample. So if the caller speaks at the very end of a goodbye, the agent notices this only
 * after the goodbye. Before the agent hangs up, it listens for a moment. If the caller speaks, the agent waits for the end and answers.
 */
import * as PhonePhrases from "../../../definition/languages/PhonePhrases.ts"
import * as PhraseTiles from "../words/PhraseTiles.ts"

/** Both sides must be silent for this long (ms) before the agent hangs up. */
const silenceBeforeHangUpMillis = 200

/** If a voice lasts this long (ms) after a goodbye, its words so far are transcribed. */
const maxVoiceMillis = 10_000

/** If the agent no longer answers the caller, it hangs up after this time (ms), which is enough for "all right, bye". */
const maxUnansweredVoiceMillis = 3000

/** At most this many goodbyes of one call are taken back because somebody spoke. A person speaks again once or twice, but a radio never stops. */
const maxAnsweredFarewells = 2

/** The state after the agent's last words. */
export interface Farewell {
  /** Why the call ends. */
  readonly reason: string
  /** The agent still answers the caller. */
  readonly mayBeAnswered: boolean
  /** If the caller says no words, the agent hangs up at this time at the latest, ms of the conversation. */
  readonly until: number
}

/** `at`: when the caller heard the agent's last words. All times are ms of the conversation. */
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

/** When the agent hangs up if no voice starts or stops before, ms of the conversation. */
export const hangUpAt = ({ until }: Farewell, at: number, isCallerSpeaking: boolean): number =>
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
