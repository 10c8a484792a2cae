/**
 * Leaves out the last words of a reply that was cut off by the model's token limit or by a server's filter.
 *
 * Half a sentence before a silence sounds like a broken line. So the half sentence is left out if a whole sentence comes before it.
 */
import * as ClauseChunker from "./ClauseChunker.ts"

const sentenceEnd = /[\p{Sentence_Terminal}…][\p{Ps}\p{Pe}\p{Pi}\p{Pf}"'*_~`]*\s*$/u

const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

/** Whether the blanks at the end of a text contain a line break. */
const endsLine = (text: string): boolean => text.slice(text.trimEnd().length).includes("\n")

/**
 * How a reply's text ends:
 * - `whole`: the text ends with a whole sentence;
 * - `fragment`: the text ends with a part of a sentence, which can be left out because whole sentences come before it;
 * - `unfinished`: no sentence is whole, or the last sentence is so long that its beginning went to speech already.
 */
export const endingOf = (text: string): "whole" | "fragment" | "unfinished" => {
  // `count` is 1, as after a first piece. So the chunker cuts between sentences, not between clauses.
  const [pieces, { pending }] = ClauseChunker.push({ pending: "", count: 1 }, text)
  const last = pieces.at(-1)
  const isWholeBefore = last !== undefined && (sentenceEnd.test(last) || endsLine(text.slice(0, text.length - pending.length)))
  if (!isSpoken(pending) ? isWholeBefore : sentenceEnd.test(pending)) return "whole"
  return isWholeBefore ? "fragment" : "unfinished"
}

/** Drops the pending beginning of a sentence that will not be finished. */
export const leaveOut = (chunker: ClauseChunker.ClauseChunker): ClauseChunker.ClauseChunker =>
  sentenceEnd.test(chunker.pending) ? chunker : { ...chunker, pending: "" }
