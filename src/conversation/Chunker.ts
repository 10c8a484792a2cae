/**
 * Cuts a reply, while it is being written, into pieces that can be spoken: the first clause as soon as it
 * can stand alone, then sentence by sentence.
 *
 * Sentences are `Intl.Segmenter`'s (UAX #29): it knows decimals, closing quotes, that nothing ends before a
 * small letter ("5 ft. tall"), and the stops of all scripts. It knows no abbreviations ("Dr. | Smith") and
 * cuts addresses ("a?|b=c"): those ends are taken back by the rules below. Neither alone is right as often
 * as both together; the cases are in the test.
 *
 * A value, not an object, so that the turn machine can hold it. Where the text is cut into deltas changes
 * nothing: a place is cut only when no text still to come could change the decision.
 */
export interface Chunker {
  readonly pending: string
  /** Pieces that have left. */
  readonly count: number
}

export const empty: Chunker = { pending: "", count: 0 }

/** A first clause has at least this many characters and words: "Well," alone would be followed by a gap. */
const firstClauseCharacters = 12
const firstClauseWords = 3

/** A sentence that is longer is cut at a clause, at worst between two words. */
const longest = 200

/** The rules hardly differ between languages; that of the machine must not matter. */
const sentences = new Intl.Segmenter("en", { granularity: "sentence" })
const words = new Intl.Segmenter("en", { granularity: "word" })

/** Before a name, whose capital does not begin a sentence. English, French, German and Spanish ones that meet in speech. */
const titles = new Set([
  "dr", "mr", "mrs", "ms", "prof", "st", "rev", "gen", "col", "lt", "capt", "sgt", "hon", "mme", "mlle", "sr", "sra", "hr", "fr",
  "e.g", "i.e", "eg", "ie", "vs", "cf", "ca", "z.b", "p.ej", "p.ex"
])

/** Before a number; elsewhere many of them are words that may end a sentence. */
const counters = new Set([
  "no", "nr", "ext", "tel", "fig", "vol", "min", "max", "approx", "art", "p", "pp", "ch", "sec", "apt", "rm", "jan", "feb", "mar",
  "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun"
])

/** May stand between a stop and the blank behind it: quotes, brackets, markup. */
const closers = "[\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\"'*_~`]*"

const stop = /[\p{Sentence_Terminal}…\n]/u
const endsWithStop = new RegExp(`([.!?…]+)(${closers})\\s*$`, "u")
const startsWithClosers = new RegExp(`^${closers}(?=\\s)`, "u")
const clauseStop = new RegExp(`(?:(?:[,;:…]|\\.{3})${closers}|[–—])(?=\\s)|[、，；：،؛]`, "gu")

/** With one of these behind a stop UAX #29 has decided (rules SB8 to SB11). */
const deciding = /[\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{Sentence_Terminal}\n]/u

const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

const wordsIn = (text: string): number => (text.match(/[\p{L}\p{N}][^\s]*/gu) ?? []).length

/** Whether the sentence goes on behind a stop, though what follows looks like another. */
const isTakenBack = (before: string, stops: string, closing: string, following: string): boolean => {
  // He asked "Why?" and left.
  if (/["”’»]/.test(closing) && /^\p{Ll}/u.test(following)) return true
  if (stops !== ".") return false
  const word = /[\p{L}\p{N}.]*$/u.exec(before)?.[0] ?? ""
  const isNumbering = /^\d{1,2}$/.test(word) && before === word
  const isInitial = /^\p{Lu}$/u.test(word) && word !== "I"
  const plain = word.toLowerCase()
  return isNumbering || isInitial || titles.has(plain) || (counters.has(plain) && /^\d/.test(following))
}

interface End {
  /** One past the last character. */
  readonly at: number
  /** No text still to come moves it. */
  readonly isCertain: boolean
}

/** The first end of a sentence that has words, or of a line. */
const sentenceEnd = (text: string): End => {
  const open: End = { at: text.length, isCertain: false }
  if (!stop.test(text)) return open
  // An ellipsis ends what a full stop would end; the segmenter takes no notice of it.
  for (const { index, segment } of sentences.segment(text.replaceAll("…", "."))) {
    const end = index + segment.length
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
      if (isTakenBack(piece.slice(0, stopped.index), stopped[1], stopped[2], following)) continue
    }
    return { at, isCertain: deciding.test(following) }
  }
  return open
}

/** Where a text that never pauses is cut. */
const wordEnd = (text: string): number => {
  // A length of its own: what lies behind it must not move the cut.
  const head = text.slice(0, longest + 1)
  const blank = head.search(/\s\S*$/)
  if (blank >= 0) return blank + 1
  const last = [...words.segment(head)].at(-1)?.index ?? 0
  if (last > 0) return last
  return /[\uD800-\uDBFF]/.test(text[longest - 1]) ? longest - 1 : longest
}

/** The end of the next piece, or 0 while it can't be told. */
const nextEnd = (text: string, isFirst: boolean): number => {
  const sentence = sentenceEnd(text)
  let clause = 0
  for (const { 0: { length }, index } of text.matchAll(clauseStop)) {
    const end = index + length
    if (end >= sentence.at || end > longest) break
    clause = end
    const spoken = text.slice(0, end)
    if (isFirst && end >= firstClauseCharacters && wordsIn(spoken) >= firstClauseWords) return end
  }
  if (sentence.at <= longest) return sentence.isCertain ? sentence.at : 0
  return clause > 0 ? clause : wordEnd(text)
}

const tidy = (text: string): string => text.replace(/\s+/g, " ").trim()

/** Takes the next delta; answers the pieces that are ready, in order, none of them empty. */
export const push = (state: Chunker, text: string): readonly [ReadonlyArray<string>, Chunker] => {
  const pieces: Array<string> = []
  let pending = (state.pending + text).trimStart()
  while (true) {
    const end = nextEnd(pending, state.count + pieces.length === 0)
    if (end === 0) break
    const piece = tidy(pending.slice(0, end))
    if (isSpoken(piece)) pieces.push(piece)
    pending = pending.slice(end).trimStart()
  }
  return [pieces, { pending, count: state.count + pieces.length }]
}

/** The text is over: what is left. */
export const flush = (state: Chunker): ReadonlyArray<string> => {
  // A line's end makes every other end certain.
  const [pieces, { pending }] = push(state, " \n")
  const rest = tidy(pending)
  return isSpoken(rest) ? [...pieces, rest] : pieces
}
