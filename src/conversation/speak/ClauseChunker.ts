/**
 * Cuts a reply into speakable pieces while the model writes it: the first clause as soon as it can stand alone, then sentence by sentence.
 *
 * `Intl.Segmenter` (UAX #29) finds the sentences. The segmenter handles decimals, closing quotes and the full stops of all scripts, and it
 * ends no sentence before a lower-case letter ("5 ft. tall"). It makes mistakes at abbreviations ("Dr. | Smith"), addresses ("a?|b=c") and
 * ordinals ("Am 3. | Mai"). The rules below correct these mistakes. The test lists the cases.
 *
 * The chunker is plain data, so that the turn machine can hold it. The pieces do not depend on the lengths of the model's deltas, because
 * the text is cut only if no later text can change the decision.
 */
import * as FullStops from "../../verbalizer/FullStops.ts"
import * as Words from "../../definition/languages/Words.ts"

export interface ClauseChunker {
  /** BCP 47. Unset: only the rules that all languages share are used. */
  readonly language?: string
  /** The text that is in no piece yet. */
  readonly pending: string
  /** How many pieces were cut so far. */
  readonly count: number
}

export const empty: ClauseChunker = { pending: "", count: 0 }

export const begin = (language: string | undefined): ClauseChunker => language === undefined ? empty : { ...empty, language }

/** A first clause has at least this many Latin letters and words. A shorter first clause, such as "Well,", would end before the next piece is ready. */
const minFirstClauseLetters = 12
const minFirstClauseWords = 3

/** A sentence of more than this many Latin letters is cut after a clause. Without a clause it is cut between two words. */
const maxPieceLetters = 200

/** The rules hardly differ between languages. English is fixed here, so that the locale of the machine does not matter. */
const sentences = new Intl.Segmenter("en", { granularity: "sentence" })
const words = new Intl.Segmenter("en", { granularity: "word" })

/** Quotes, brackets and markup that may stand between a stop and the blank after it. */
const closers = "[\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\"'*_~`]*"

/** A character that ends a sentence or a line. */
const stop = /[\p{Sentence_Terminal}…\n]/u
const endsWithStop = new RegExp(`([.!?…]+)(${closers})\\s*$`, "u")
const startsWithClosers = new RegExp(`^${closers}(?=\\s)`, "u")
/** Scripts that write blanks between clauses, but not between words. */
const spacedClauses = "[\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]"
const clauseStop = new RegExp(
  `(?:(?:[,;:…]|\\.{3})${closers}|[–—])(?=\\s)|[、，；：،؛]${closers}|(?<=${spacedClauses}\\p{M}*)(?=\\s+${spacedClauses})`,
  "gu"
)

/** A telephone key belongs to the words before it: "Press 1 for sales, * to return." */
const key = /^[*#](?:\s|$)/

/** If one of these characters follows a stop, later text does not change UAX #29's decision (rules SB8 to SB11). */
const deciding = /[\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{Sentence_Terminal}\n]/u

const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

/** Whether the sentence may end at a stop that the segmenter takes for the end. */
const decide = (language: string | undefined, before: string, stops: string, closing: string, following: string): FullStops.Decision => {
  // An example: He asked "Why?" and left.
  if (/["”’»]/.test(closing) && /^\p{Ll}/u.test(following)) return "goesOn"
  if (stops !== ".") return "mayEnd"
  const word = /[\p{L}\p{N}.]*$/u.exec(before)?.[0] ?? ""
  const isNumbering = /^\d{1,2}$/.test(word) && before === word
  const isInitial = /^\p{Lu}$/u.test(word) && word !== "I"
  if (isNumbering || isInitial) return "goesOn"
  return FullStops.of(language ?? "").decide(before, following)
}

interface End {
  /** One past the last character. */
  readonly at: number
  /** No later text can move the end. */
  readonly isCertain: boolean
}

/** The first end of a line, or of a sentence with words. Beyond `limit` (characters) every end that the segmenter finds counts. */
const sentenceEnd = (text: string, language: string | undefined, limit: number): End => {
  const open: End = { at: text.length, isCertain: false }
  if (!stop.test(text)) return open
  // An ellipsis ends a sentence as a full stop does, but the segmenter ignores it.
  for (const { index, segment } of sentences.segment(text.replaceAll("…", "."))) {
    const end = index + segment.length
    if (end > limit) return { at: end, isCertain: true }
    if (segment.endsWith("\n")) return { at: end, isCertain: true }
    // The segmenter does not treat markup as a closing sign: it cuts "**Yes.|** We are open."
    const at = end + (/\S$/.test(segment) ? (startsWithClosers.exec(text.slice(end))?.[0].length ?? 0) : 0)
    const following = text.slice(at).trimStart()
    if (following === "") return open
    const piece = text.slice(0, at)
    if (!isSpoken(piece)) continue
    const stopped = endsWithStop.exec(piece)
    if (stopped !== null) {
      // The stop is within "www.example.com" or "a?b=c".
      if (/\S$/.test(piece) && /^\S/.test(text.slice(at))) continue
      const decision = decide(language, piece.slice(0, stopped.index), stopped[1], stopped[2], following)
      if (decision === "undecided") return open
      if (decision === "goesOn") continue
    }
    if (key.test(following)) {
      if (following.length === 1) return open
      if (!/\n\s*$/.test(text.slice(0, text.length - text.slice(at).trimStart().length))) continue
    }
    return { at, isCertain: deciding.test(following) }
  }
  return open
}

/** Where a piece of a text without clauses ends: between two words if possible. */
const wordEnd = (text: string): number => {
  // Text beyond the limit must not move the cut.
  const limit = Words.lengthWithin(text, maxPieceLetters)
  const head = text.slice(0, limit + 1)
  const blank = head.search(/\s\S*$/)
  if (blank >= 0) return blank + 1
  const last = [...words.segment(head)].at(-1)?.index ?? 0
  if (last > 0) return last
  return limit
}

/** Where the next piece ends. 0: only later text can decide this. */
const endWithin = (text: string, isFirst: boolean, language: string | undefined): number => {
  const limit = Words.lengthWithin(text, maxPieceLetters)
  const sentence = sentenceEnd(text, language, limit)
  let clause = 0
  for (const { 0: { length }, index } of text.matchAll(clauseStop)) {
    const end = index + length
    if (end >= sentence.at || end > limit) break
    const following = text.slice(end).trimStart()
    if (key.test(following) && following.length > 1) continue
    const spoken = text.slice(0, end)
    if (isFirst && Words.spokenLetters(spoken) >= minFirstClauseLetters && Words.count(spoken) >= minFirstClauseWords) {
      // The following text decides whether the clause may end here.
      return following === "" || key.test(following) ? 0 : end
    }
    clause = end
  }
  if (sentence.at <= limit) return sentence.isCertain ? sentence.at : 0
  return clause > 0 ? clause : wordEnd(text)
}

/** The first window of `nextEnd`, in characters: the longest piece, and usually enough text after it to decide its end. */
const firstWindowLength = 512

/**
 * The same as `endWithin`, for a text of any length. The function searches a growing window, since a search of the whole text for each piece
 * would take quadratic time. The result is the same, because later text does not change a decided end.
 */
const nextEnd = (text: string, isFirst: boolean, language: string | undefined): number => {
  for (let window = firstWindowLength; window < text.length; window *= 2) {
    // The window must not end within a surrogate pair.
    const end = endWithin(text.slice(0, /[\uD800-\uDBFF]/.test(text[window - 1]) ? window - 1 : window), isFirst, language)
    if (end > 0) return end
  }
  return endWithin(text, isFirst, language)
}

const withSingleBlanks = (text: string): string => text.replace(/\s+/g, " ").trim()

/** Takes the model's next delta. Returns the finished pieces in order, none of them empty, and the new state. */
export const push = (state: ClauseChunker, text: string): readonly [ReadonlyArray<string>, ClauseChunker] => {
  const pieces: Array<string> = []
  let pending = (state.pending + text).trimStart()
  while (true) {
    const end = nextEnd(pending, state.count + pieces.length === 0, state.language)
    if (end === 0) break
    const piece = withSingleBlanks(pending.slice(0, end))
    if (isSpoken(piece)) pieces.push(piece)
    pending = pending.slice(end).trimStart()
  }
  return [pieces, { ...state, pending, count: state.count + pieces.length }]
}

/** Returns the remaining pieces after the end of the text. */
export const flush = (state: ClauseChunker): ReadonlyArray<string> => {
  // A line break decides all ends before it.
  const [pieces, { pending }] = push(state, " \n")
  const lastPiece = withSingleBlanks(pending)
  return isSpoken(lastPiece) ? [...pieces, lastPiece] : pieces
}
