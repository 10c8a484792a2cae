/**
 * After the agent's last words: when is the line cut, and is the caller still answered?
 *
 * A detector reports a voice some 100 ms after its first sample, so a caller who speaks at the very end of a goodbye is noticed after it.
 * Hence the agent listens for a moment before it cuts the line. It hears the caller out, and answers them.
 */
import * as PhonePhrases from "../../../definition/languages/PhonePhrases.ts"
import * as PhraseTiles from "../words/PhraseTiles.ts"

/** Both must be silent for so long (ms) before the line is cut. */
const silenceBeforeHangUpMillis = 200

/** A voice may go on for so long (ms) after a goodbye before the agent asks for its words. */
const maxVoiceMillis = 10_000

/** The same where nothing is answered any more: it is enough for "all right, bye". */
const maxUnansweredVoiceMillis = 3000

/** So many goodbyes of one call are taken back because the caller spoke. People think of something once or twice; a radio never stops. */
const maxAnsweredFarewells = 2

/** The agent has said its last words. */
export interface Farewell {
  /** Why the call ends. */
  readonly reason: string
  /** Words of the caller are answered. */
  readonly mayBeAnswered: boolean
  /** A voice without words may keep the line until then; ms of the conversation. */
  readonly until: number
}

/** Begins when the last words were heard. All times are ms of the conversation. */
export const begin = (options: {
  readonly at: number
  readonly reason: string
  /** The last words were a final line: there is no time or no engine for an answer. */
  readonly isFinal: boolean
  /** How many goodbyes were answered before. */
  readonly answeredFarewells: number
  readonly maxDuration: number
}): Farewell => {
  const { answeredFarewells, at, isFinal, maxDuration, reason } = options
  const mayBeAnswered = !isFinal && answeredFarewells < maxAnsweredFarewells
  return { reason, mayBeAnswered, until: Math.min(maxDuration, at + (mayBeAnswered ? maxVoiceMillis : maxUnansweredVoiceMillis)) }
}

/** When the line is cut, unless something happens before; ms of the conversation. */
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
