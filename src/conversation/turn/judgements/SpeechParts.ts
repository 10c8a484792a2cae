/**
 * The parts of long speech. Long speech is transcribed in parts while the caller is still speaking, because Whisper takes at most 30 s of
 * sound at once. The turn ends at a pause, with the words of all parts.
 *
 * A part ends in a gap between two words. If no gap comes, the part ends within a word.
 */
import * as Words from "../../../definition/languages/Words.ts"

/** A part of this length (ms) ends at the next gap between words. */
export const partAtGapMillis = 20_000

/** A part of this length (ms) ends at once. With a second of pre-speech sound, it still fits into Whisper's 30 s. */
export const maxPartMillis = 27_000

/** After this time (ms) without a pause the turn ends at once. Hardly any person speaks for so long, and a radio expects no answer. */
export const maxTurnMillis = 180_000

/** A part whose words are not known yet, or whose words wait for the words of an earlier part. */
export interface Part {
  readonly utterance: number
  /** Number of the request for its transcript. */
  readonly attempt: number
  /** The request for its transcript failed, and was repeated. */
  readonly isRetried: boolean
  /** Unset: not known yet. Empty: the part had no words, or they are lost. */
  readonly text?: string
}

/** The part that waits for this transcript. */
export const find = (parts: ReadonlyArray<Part>, utterance: number, attempt: number): Part | undefined =>
  parts.find((part) => part.utterance === utterance && part.attempt === attempt && part.text === undefined)

const replacePart = (parts: ReadonlyArray<Part>, by: Part): ReadonlyArray<Part> =>
  parts.map((part) => part.utterance === by.utterance ? by : part)

/** The parts, with the words of one part added. */
export const withWords = (parts: ReadonlyArray<Part>, part: Part, text: string): ReadonlyArray<Part> =>
  replacePart(parts, { ...part, text: text.trim() })

/** Recognition of a part failed. `again`: the part to transcribe once more. Unset: its words are lost. */
export const afterFailure = (parts: ReadonlyArray<Part>, part: Part): { readonly parts: ReadonlyArray<Part>; readonly again?: Part } => {
  if (part.isRetried) return { parts: withWords(parts, part, "") }
  const again = { ...part, isRetried: true, attempt: part.attempt + 1 }
  return { parts: replacePart(parts, again), again }
}

/** The words of all parts before the first one whose words are not known, and the remaining parts. */
export const takeKnown = (parts: ReadonlyArray<Part>): { readonly text: string; readonly parts: ReadonlyArray<Part> } => {
  const unknown = parts.findIndex(({ text }) => text === undefined)
  const known = unknown < 0 ? parts : parts.slice(0, unknown)
  return { text: Words.join(...known.map(({ text = "" }) => text)), parts: parts.slice(known.length) }
}
