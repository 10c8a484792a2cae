/**
 * The end of a reply that was cut off: by the model's limit of tokens, or by a server's filter. Half a sentence and then
 * silence sounds like a broken line. So what ends no sentence is left out where a whole one was said before it.
 */
import * as ClauseChunker from "./ClauseChunker.ts"

const end = /[\p{Sentence_Terminal}…][\p{Ps}\p{Pe}\p{Pi}\p{Pf}"'*_~`]*\s*$/u

const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

/** Whether there is a line's end in the blanks behind a text. */
const endsLine = (text: string): boolean => text.slice(text.trimEnd().length).includes("\n")

/**
 * - `whole`: it ends with a sentence;
 * - `fragment`: whole sentences, and the beginning of one that can be left out;
 * - `unfinished`: no sentence is whole, or so much of the last one is there that it is being spoken already.
 */
export const endingOf = (text: string): "whole" | "fragment" | "unfinished" => {
  // Not the first piece, so that only sentences are cut, and no clauses.
  const [pieces, { pending }] = ClauseChunker.push({ pending: "", count: 1 }, text)
  const last = pieces.at(-1)
  const isWholeBefore = last !== undefined && (end.test(last) || endsLine(text.slice(0, text.length - pending.length)))
  if (!isSpoken(pending) ? isWholeBefore : end.test(pending)) return "whole"
  return isWholeBefore ? "fragment" : "unfinished"
}

/** Forgets the beginning of a sentence that will not be ended. */
export const leaveOut = (chunker: ClauseChunker.ClauseChunker): ClauseChunker.ClauseChunker => end.test(chunker.pending) ? chunker : { ...chunker, pending: "" }
