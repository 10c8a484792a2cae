/**
 * Decides when the line is cut after the agent's last words, and whether the caller is still answered.
 *
 * A voice is detected some 100 ms after its first sample. So the agent notices a caller who speaks at the very end of a goodbye only after
 * the goodbye. It listens for a moment before it cuts the line, hears the caller out, and answers.
 */
import * as PhonePhrases from "../../../definition/languages/PhonePhrases.ts"
import * as PhraseTiles from "../words/PhraseTiles.ts"

/** Both must be silent for this long (ms) before the line is cut. */
const silenceBeforeHangUpMillis = 200

/** A voice may go on for this long (ms) after a goodbye before the agent asks for its words. */
const maxVoiceMillis = 10_000

/** The same, if the caller is not answered any more: enough for "all right, bye". */
const maxUnansweredVoiceMillis = 3000

/** How many goodbyes of one call are taken back because the caller spoke. People think of something once or twice; a radio never stops. */
const maxAnsweredFarewells = 2

/** The agent has said its last words. */
export interface Farewell {
  /** Why the call ends. */
  readonly reason: string
  /** The agent still answers the caller. */
  readonly mayBeAnswered: boolean
  /** The line is cut at this time at the latest, if the caller says no words; ms of the conversation. */
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

/** When the line is cut, if nothing happens before; ms of the conversation. */
export const due = ({ until }: Farewell, at: number, isCallerSpeaking: boolean): number =>
  isCallerSpeaking ? until : Math.min(until, at + silenceBeforeHangUpMillis)

/** Whether the words want no answer after a goodbye: "Thanks, bye!" */
export type IsClosing = (text: string) => boolean

/** `language`: ISO 639-1. Unset: English. */
export const closingOf = (language = "en"): IsClosing => {
  const closings = PhraseTiles.make(PhonePhrases.of(language).closings)
  return (text) => {
    const all = PhraseTiles.tokens(text)
    return all.length > 0 && closings.strip(all).length === 0
  }
}
