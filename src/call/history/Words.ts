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

/**
 * The words of an agent's turn. The played words come first, with their times. The other words follow; their time is the end of playback. If
 * nothing was played, their time is `startedAt`.
 */
export const ofAgent = (
  text: string,
  played: ReadonlyArray<{ readonly text: string; readonly at: number; readonly millis: number }>,
  heard: string,
  startedAt: number
): ReadonlyArray<Word> => {
  const timed = played.flatMap((piece) => spread(piece.text, piece.at, piece.millis))
  const last = played.at(-1)
  const end = Math.round(last === undefined ? startedAt : last.at + last.millis)
  const heardCount = Math.max(timed.length, split(heard).length)
  const unplayed = split(text).slice(timed.length).map((word, index) => ({ text: word, at: end, isHeard: timed.length + index < heardCount }))
  return [...timed, ...unplayed]
}
