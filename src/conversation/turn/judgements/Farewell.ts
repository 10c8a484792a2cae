/**
 * Behind the agent's last words: when is the call ended, and is what the caller says now still answered?
 *
 * A detector tells of a voice some 100 ms after its first sample, so who begins to speak just before the end of a goodbye is noticed
 * behind it. The line is listened to for a moment before it is cut; who speaks is heard out, and answered.
 */
import * as PhonePhrases from "../../../definition/languages/PhonePhrases.ts"
import * as PhraseTiles from "../words/PhraseTiles.ts"

/** So long (ms) both must be silent before the line is cut. */
export const silenceBefore = 200

/** How long (ms) a voice may go on behind a goodbye before it is asked whether it says words at all. */
export const graceForWords = 10_000

/** The same where nothing can be answered any more: enough for "all right, bye", and no more. */
export const graceForVoice = 3000

/** Goodbyes of one call that are taken back because the caller spoke: people think of something once or twice; a radio does all the time. */
export const maxAnswered = 2

export interface Farewell {
  /** Why the call ends. */
  readonly reason: string
  /** What the caller says now is answered. */
  readonly mayBeAnswered: boolean
  /** A voice without words may keep the line until then, ms. */
  readonly until: number
}

/** All times in ms. */
export const begin = (options: {
  readonly at: number
  readonly reason: string
  /** There is no time or no engine for an answer: what was said was a fixed line that ends the call. */
  readonly isFinal: boolean
  /** Goodbyes that were answered before. */
  readonly answered: number
  readonly maxDuration: number
}): Farewell => {
  const { answered, at, isFinal, maxDuration, reason } = options
  const mayBeAnswered = !isFinal && answered < maxAnswered
  return { reason, mayBeAnswered, until: Math.min(maxDuration, at + (mayBeAnswered ? graceForWords : graceForVoice)) }
}

/** When the line is cut, unless something happens before; ms. */
export const due = ({ until }: Farewell, at: number, isCallerSpeaking: boolean): number =>
  isCallerSpeaking ? until : Math.min(until, at + silenceBefore)

/** Whether this wants no answer behind a goodbye: "Thanks, bye!" */
export type IsClosing = (text: string) => boolean

/** `language`: ISO 639-1. Unset: English. */
export const closingOf = (language = "en"): IsClosing => {
  const closings = PhraseTiles.make(PhonePhrases.of(language).closings)
  return (text) => {
    const all = PhraseTiles.tokens(text)
    return all.length > 0 && closings.strip(all).length === 0
  }
}
