/**
 * A rule reads a text at one place. It returns the words for the figures or signs at that place, or `undefined` if it does not match.
 */
import type { LanguageRules } from "../LanguageRules.ts"
import type { Numerals } from "../Numerals.ts"

export interface Language {
  readonly rules: LanguageRules
  readonly words: Numerals
  /** The decimal separator. */
  readonly decimal: string
}

export interface Spoken {
  /** How many characters of the text the words replace. */
  readonly length: number
  readonly words: string
}

/** Reads `text` from the character `at` on. */
export type Rule = (text: string, at: number) => Spoken | undefined

/** A regular expression that matches only at a given place. Use it with {@link match}. */
export const stickyPattern = (source: string, flags = ""): RegExp => new RegExp(source, `yu${flags}`)

export const match = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** How many characters a rule may read before its place and after its match: a few words. */
const lookBack = 48
const lookAhead = 24

export const beforeOf = (text: string, at: number): string => text.slice(Math.max(0, at - lookBack), at)

/** `end`: the index after the match. */
export const afterOf = (text: string, end: number): string => text.slice(end, end + lookAhead)

export const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")

/** Alternatives of a regular expression, the longest first. */
export const oneOf = (texts: Iterable<string>): string => [...new Set(texts)].sort((one, other) => other.length - one.length).map(escape).join("|")

export const capitalize = (text: string): string => text.replace(/^\p{L}/u, (letter) => letter.toUpperCase())

/** Matches where a word or number ends. */
export const wordEnd = "(?![\\p{L}\\p{M}\\p{N}])"
