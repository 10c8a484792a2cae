/**
 * Somebody who speaks for long. While their voice is on the agent waits; what they say is taken in parts, so that the sound that a
 * recognizer is given stays bounded (Whisper takes 30 s at once), and the turn ends at the pause with the words of all parts.
 *
 * A part ends between two words, where there is a gap between them; where there is none, it ends all the same.
 */
import * as Words from "../../../definition/languages/Words.ts"

/** From this length on (ms) a part ends at the next gap between words. */
export const partAtGap = 20_000

/** At this length (ms) it ends. With the second that may lie before it, it is within Whisper's 30 s. */
export const maxPart = 27_000

/** After so long (ms) without a pause the agent may speak: hardly anybody would, and a radio does not wait to be answered. */
export const maxTurn = 180_000

/** A part of a turn whose words are not known yet, or are and wait for those of the part before. */
export interface Part {
  readonly utterance: number
  readonly attempt: number
  readonly isRetried: boolean
  /** Empty: no words, or they are lost. */
  readonly text?: string
}

export const find = (parts: ReadonlyArray<Part>, utterance: number, attempt: number): Part | undefined =>
  parts.find((part) => part.utterance === utterance && part.attempt === attempt && part.text === undefined)

const replaced = (parts: ReadonlyArray<Part>, by: Part): ReadonlyArray<Part> =>
  parts.map((part) => part.utterance === by.utterance ? by : part)

/** The words of a part are known. */
export const heard = (parts: ReadonlyArray<Part>, part: Part, text: string): ReadonlyArray<Part> =>
  replaced(parts, { ...part, text: text.trim() })

/** The recognition of a part failed: it is tried once more, and then its words are lost. */
export const failed = (parts: ReadonlyArray<Part>, part: Part): { readonly parts: ReadonlyArray<Part>; readonly again?: Part } => {
  if (part.isRetried) return { parts: heard(parts, part, "") }
  const again = { ...part, isRetried: true, attempt: part.attempt + 1 }
  return { parts: replaced(parts, again), again }
}

/** The words that are known in their order, and the parts from the first on whose words are not. */
export const settle = (parts: ReadonlyArray<Part>): { readonly text: string; readonly parts: ReadonlyArray<Part> } => {
  const unknown = parts.findIndex(({ text }) => text === undefined)
  const known = unknown < 0 ? parts : parts.slice(0, unknown)
  return { text: Words.join(...known.map(({ text = "" }) => text)), parts: parts.slice(known.length) }
}
