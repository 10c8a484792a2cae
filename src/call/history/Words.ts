/**
 * Estimates when each word of a turn was said, on the call's axis (ms since the call's first media stream began).
 *
 * The beginning and the length of a whole text are known. The time of a word is estimated from the number of letters before it.
 */
import type { StoreWrite } from "../../store/StoreWrite.ts"

type Word = Extract<StoreWrite, { readonly _tag: "TurnWritten" }>["words"][number]

const split = (text: string): ReadonlyArray<string> => text.split(/\s+/).filter((word) => word.length > 0)

/** The words of a text that begins at `at` and lasts `millis`. */
export const spread = (text: string, at: number, millis: number, isHeard = true): ReadonlyArray<Word> => {
  const words = split(text)
  const letters = words.reduce((sum, { length }) => sum + length, 0)
  let before = 0
  return words.map((word) => {
    const start = at + (letters === 0 ? 0 : (millis * before) / letters)
    before += word.length
    return { text: word, at: Math.round(start), isHeard }
  })
}

const startsWith = (words: ReadonlyArray<string>, beginning: ReadonlyArray<string>): boolean => beginning.every((word, index) => words[index] === word)

/** Divides the words of a turn at a played piece: the words before the piece and the words after it. */
const divideAt = (words: ReadonlyArray<string>, piece: ReadonlyArray<string>): { readonly before: ReadonlyArray<string>; readonly after: ReadonlyArray<string> } => {
  const at = words.findIndex((_, index) => startsWith(words.slice(index), piece))
  if (at >= 0) return { before: words.slice(0, at), after: words.slice(at + piece.length) }
  // Texts without spaces are cut inside of what counts as a word here.
  const beginning = piece.slice(0, -1)
  const cut = piece.at(-1) ?? ""
  const cutAt = words.findIndex((_, index) => startsWith(words.slice(index), beginning) && words[index + beginning.length]?.startsWith(cut))
  if (cutAt >= 0) {
    const last = cutAt + beginning.length
    return { before: words.slice(0, cutAt), after: [words[last].slice(cut.length), ...words.slice(last + 1)] }
  }
  // The piece may repeat words of the piece before it. If no word of the piece is found, as many words of the turn count as played.
  const repeated = piece.findIndex((_, index) => startsWith(words, piece.slice(index)))
  return { before: [], after: words.slice(repeated < 0 ? piece.length : piece.length - repeated) }
}

/**
 * The words of an agent's turn, in their order. The played words have their times. The words before a played piece have the time of its
 * beginning, and the words after the last piece have the time of its end. If nothing was played, the time of all words is `startedAt`.
 *
 * @param heard the heard words, which may be more than the played ones: the first words that were not played count as heard, too
 */
export const ofAgent = (
  text: string,
  played: ReadonlyArray<{ readonly text: string; readonly at: number; readonly millis: number }>,
  heard: string,
  startedAt: number
): ReadonlyArray<Word> => {
  const pieces = played.map((piece) => ({ at: piece.at, said: split(piece.text), words: spread(piece.text, piece.at, piece.millis) }))
  let heardLeft = split(heard).length - pieces.reduce((sum, { said }) => sum + said.length, 0)
  const unplayed = (words: ReadonlyArray<string>, at: number) => words.map((word): Word => ({ text: word, at: Math.round(at), isHeard: heardLeft-- > 0 }))

  const all: Array<Word> = []
  let rest: ReadonlyArray<string> = split(text)
  for (const { at, said, words } of pieces) {
    const { after, before } = divideAt(rest, said)
    all.push(...unplayed(before, at), ...words)
    rest = after
  }
  const last = played.at(-1)
  return [...all, ...unplayed(rest, last === undefined ? startedAt : last.at + last.millis)]
}
