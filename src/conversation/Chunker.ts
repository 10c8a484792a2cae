/**
 * Cuts a reply, while it is being written, into pieces that can be spoken: the first clause as soon as it
 * can stand alone, then sentence by sentence.
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

/** A sentence that is longer is cut at a clause, at worst at a space. */
const longest = 200

/** Followed by a stop that ends no sentence. English, French, German and Spanish ones that meet in speech. */
const abbreviations = new Set([
  "dr", "mr", "mrs", "ms", "prof", "st", "sr", "jr", "rev", "gen", "col", "lt", "capt", "hon", "mme", "mlle", "m",
  "e.g", "i.e", "eg", "ie", "vs", "etc", "cf", "ca", "approx", "no", "nr", "ext", "tel", "dept", "est", "inc", "ltd", "co", "corp",
  "a.m", "p.m", "u.s", "u.k", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
  "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "ave", "blvd", "rd", "apt", "fig", "vol", "min", "max"
])

/** Of those, the ones that often do end a sentence: when a capital follows, they do. */
const mayEnd = new Set(["a.m", "p.m", "etc", "inc", "ltd", "co", "corp", "u.s", "u.k", "no"])

const closers = /["'”’)\]»*_]/

const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

const wordsIn = (text: string): number => (text.match(/[\p{L}\p{N}][^\s]*/gu) ?? []).length

type Cut = "none" | "clause" | "sentence" | "unknown"

/** What ends at the character `at`. `unknown`: that depends on text that has not come. */
const cutAt = (text: string, at: number): { readonly kind: Cut; readonly end: number } => {
  const character = text[at]
  const none = { kind: "none", end: at + 1 } as const
  if (character === "\n") return { kind: "sentence", end: at + 1 }
  if (character === "–" || character === "—") {
    return at + 1 < text.length ? { kind: /\s/.test(text[at + 1]) ? "clause" : "none", end: at + 1 } : { kind: "unknown", end: at + 1 }
  }
  if (!/[.!?…,;:]/.test(character)) return none

  let end = at + 1
  while (end < text.length && /[.!?…]/.test(text[end])) end++
  while (end < text.length && closers.test(text[end])) end++
  // What follows decides: "3.5", "10:30", "www.example.com" are no ends.
  if (end >= text.length) return { kind: "unknown", end }
  if (!/\s/.test(text[end])) return none
  if (/[,;:]/.test(character)) return { kind: "clause", end }
  if (character !== "." || end > at + 1 && text[at + 1] === ".") return { kind: "sentence", end }

  const word = (/([\p{L}\p{N}.]+)$/u.exec(text.slice(0, at))?.[1] ?? "").toLowerCase()
  const isInitial = /^\p{L}$/u.test(word) && /\p{Lu}$/u.test(text.slice(0, at)) && word !== "i"
  const isNumbering = /^\d{1,2}$/.test(word) && /^\s*$|\n\s*$/.test(text.slice(0, at - word.length))
  if (!isInitial && !isNumbering && !abbreviations.has(word)) return { kind: "sentence", end }
  if (isInitial || isNumbering || !mayEnd.has(word)) return none
  const next = /\S/.exec(text.slice(end))
  if (next === null) return { kind: "unknown", end }
  if (word === "no") return { kind: /\d/.test(next[0]) ? "none" : "sentence", end }
  return { kind: /\p{Lu}/u.test(next[0]) ? "sentence" : "none", end }
}

/** The end of the next piece, or 0 while it can't be told. */
const nextEnd = (text: string, isFirst: boolean): number => {
  let lastClause = 0
  for (let at = 0; at < text.length; at++) {
    const { end, kind } = cutAt(text, at)
    if (kind === "unknown") return 0
    if (end > longest) return lastClause > 0 ? lastClause : lastSpace(text)
    if (kind === "none") continue
    const piece = text.slice(0, end)
    if (kind === "sentence" && isSpoken(piece)) return end
    if (kind === "clause") {
      lastClause = end
      const spoken = piece.trim()
      if (isFirst && spoken.length >= firstClauseCharacters && wordsIn(spoken) >= firstClauseWords) return end
    }
    at = end - 1
  }
  return 0
}

const lastSpace = (text: string): number => {
  const space = text.lastIndexOf(" ", longest)
  return space > 0 ? space + 1 : longest
}

const tidy = (text: string): string => text.replace(/\s+/g, " ").trim()

/** Takes the next delta; answers the pieces that are ready, in order, none of them empty. */
export const push = (state: Chunker, text: string): readonly [ReadonlyArray<string>, Chunker] => {
  const pieces: Array<string> = []
  let pending = state.pending + text
  while (true) {
    const end = nextEnd(pending, state.count + pieces.length === 0)
    if (end === 0) break
    pieces.push(tidy(pending.slice(0, end)))
    pending = pending.slice(end)
  }
  return [pieces, { pending, count: state.count + pieces.length }]
}

/** The text is over: what is left. */
export const flush = (state: Chunker): ReadonlyArray<string> => {
  // A blank makes every end certain.
  const [pieces, { pending }] = push(state, " \n")
  const rest = tidy(pending)
  return isSpoken(rest) ? [...pieces, rest] : pieces
}
