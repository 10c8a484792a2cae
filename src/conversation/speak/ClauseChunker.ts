/**
 * Cuts a reply, while it is being written, into pieces that can be spoken: the first clause as soon as it
 * can stand alone, then sentence by sentence.
 *
 * Sentences are `Intl.Segmenter`'s (UAX #29): it knows decimals, closing quotes, that nothing ends before a
 * small letter ("5 ft. tall"), and the stops of all scripts. It knows no abbreviations ("Dr. | Smith") and
 * cuts addresses ("a?|b=c"), and takes an ordinal for an end ("Am 3. | Mai"): those ends are taken back by the rules below. Neither
 * alone is right as often as both together; the cases are in the test.
 *
 * A value, not an object, so that the turn machine can hold it. Where the text is cut into deltas changes
 * nothing: a place is cut only when no text still to come could change the decision.
 */
import * as FullStops from "../../verbalizer/FullStops.ts"
import * as Words from "../../definition/languages/Words.ts"

export interface ClauseChunker {
  /** BCP 47; unset: only what all languages share is known of full stops. */
  readonly language?: string
  readonly pending: string
  /** Pieces that have left. */
  readonly count: number
}

export const empty: ClauseChunker = { pending: "", count: 0 }

export const begin = (language: string | undefined): ClauseChunker => language === undefined ? empty : { ...empty, language }

/** A first clause has at least this many Latin letters and words: "Well," alone would be followed by a gap. */
const firstClauseLetters = 12
const firstClauseWords = 3

/** A sentence that is longer than this many Latin letters is cut at a clause, at worst between two words. */
const longest = 200

/** The rules hardly differ between languages; that of the machine must not matter. */
const sentences = new Intl.Segmenter("en", { granularity: "sentence" })
const words = new Intl.Segmenter("en", { granularity: "word" })

/** May stand between a stop and the blank behind it: quotes, brackets, markup. */
const closers = "[\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\"'*_~`]*"

const stop = /[\p{Sentence_Terminal}…\n]/u
const endsWithStop = new RegExp(`([.!?…]+)(${closers})\\s*$`, "u")
const startsWithClosers = new RegExp(`^${closers}(?=\\s)`, "u")
/** Scripts that put a blank between clauses, and none between words. */
const spacedClauses = "[\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]"
const clauseStop = new RegExp(
  `(?:(?:[,;:…]|\\.{3})${closers}|[–—])(?=\\s)|[、，；：،؛]${closers}|(?<=${spacedClauses}\\p{M}*)(?=\\s+${spacedClauses})`,
  "gu"
)

/** A key of a telephone, which goes with the words before it: "Press 1 for sales, * to return." */
const key = /^[*#](?:\s|$)/

/** With one of these behind a stop UAX #29 has decided (rules SB8 to SB11). */
const deciding = /[\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{Sentence_Terminal}\n]/u

const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)


/** Whether the sentence goes on behind a stop, though what follows looks like another. */
const decide = (language: string | undefined, before: string, stops: string, closing: string, following: string): FullStops.Decision => {
  // He asked "Why?" and left.
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
  /** No text still to come moves it. */
  readonly isCertain: boolean
}

/** The first end of a sentence that has words, or of a line; one that lies beyond `limit` is as good as any other there. */
const sentenceEnd = (text: string, language: string | undefined, limit: number): End => {
  const open: End = { at: text.length, isCertain: false }
  if (!stop.test(text)) return open
  // An ellipsis ends what a full stop would end; the segmenter takes no notice of it.
  for (const { index, segment } of sentences.segment(text.replaceAll("…", "."))) {
    const end = index + segment.length
    if (end > limit) return { at: end, isCertain: true }
    if (segment.endsWith("\n")) return { at: end, isCertain: true }
    // Markup closes nothing for the segmenter: it cuts "**Yes.|** We are open."
    const at = end + (/\S$/.test(segment) ? (startsWithClosers.exec(text.slice(end))?.[0].length ?? 0) : 0)
    const following = text.slice(at).trimStart()
    if (following === "") return open
    const piece = text.slice(0, at)
    if (!isSpoken(piece)) continue
    const stopped = endsWithStop.exec(piece)
    if (stopped !== null) {
      // "www.example.com", "a?b=c"
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

/** Where a text that never pauses is cut. */
const wordEnd = (text: string): number => {
  // A length of its own: what lies behind it must not move the cut.
  const limit = Words.lengthWithin(text, longest)
  const head = text.slice(0, limit + 1)
  const blank = head.search(/\s\S*$/)
  if (blank >= 0) return blank + 1
  const last = [...words.segment(head)].at(-1)?.index ?? 0
  if (last > 0) return last
  return limit
}

/** The end of the next piece, or 0 while it can't be told. */
const endWithin = (text: string, isFirst: boolean, language: string | undefined): number => {
  const limit = Words.lengthWithin(text, longest)
  const sentence = sentenceEnd(text, language, limit)
  let clause = 0
  for (const { 0: { length }, index } of text.matchAll(clauseStop)) {
    const end = index + length
    if (end >= sentence.at || end > limit) break
    const following = text.slice(end).trimStart()
    if (key.test(following) && following.length > 1) continue
    const spoken = text.slice(0, end)
    if (isFirst && Words.weight(spoken) >= firstClauseLetters && Words.count(spoken) >= firstClauseWords) {
      // What follows decides whether the clause may end here.
      return following === "" || key.test(following) ? 0 : end
    }
    clause = end
  }
  if (sentence.at <= limit) return sentence.isCertain ? sentence.at : 0
  return clause > 0 ? clause : wordEnd(text)
}

/** Characters that are looked at first: those of the longest piece, and what as a rule decides where it ends. */
const firstWindow = 512

/**
 * The same of a text of any length. No more than a window of it is looked at while that tells the end, or a text of many pieces
 * would be read to its end for each of them. Since nothing that is still to come changes an end that is known, it is the same
 * one that the whole text has.
 */
const nextEnd = (text: string, isFirst: boolean, language: string | undefined): number => {
  for (let window = firstWindow; window < text.length; window *= 2) {
    // Not within a character of two units.
    const end = endWithin(text.slice(0, /[\uD800-\uDBFF]/.test(text[window - 1]) ? window - 1 : window), isFirst, language)
    if (end > 0) return end
  }
  return endWithin(text, isFirst, language)
}

const tidy = (text: string): string => text.replace(/\s+/g, " ").trim()

/** Takes the next delta; answers the pieces that are ready, in order, none of them empty. */
export const push = (state: ClauseChunker, text: string): readonly [ReadonlyArray<string>, ClauseChunker] => {
  const pieces: Array<string> = []
  let pending = (state.pending + text).trimStart()
  while (true) {
    const end = nextEnd(pending, state.count + pieces.length === 0, state.language)
    if (end === 0) break
    const piece = tidy(pending.slice(0, end))
    if (isSpoken(piece)) pieces.push(piece)
    pending = pending.slice(end).trimStart()
  }
  return [pieces, { ...state, pending, count: state.count + pieces.length }]
}

/** The text is over: what is left. */
export const flush = (state: ClauseChunker): ReadonlyArray<string> => {
  // A line's end makes every other end certain.
  const [pieces, { pending }] = push(state, " \n")
  const rest = tidy(pending)
  return isSpoken(rest) ? [...pieces, rest] : pieces
}
