/**
 * A rule looks at one place of a text and says what stands there in words, or that it is not its matter.
 */
import type { LanguageRules } from "../LanguageRules.ts"
import type { Numerals } from "../Numerals.ts"

export interface Language {
  readonly rules: LanguageRules
  readonly words: Numerals
  /** Between whole and decimals. */
  readonly decimal: string
}

export interface Spoken {
  /** How much of the text it stands for. */
  readonly length: number
  readonly words: string
}

/** Looks at `text` from `at` on. */
export type Rule = (text: string, at: number) => Spoken | undefined

/** A regular expression that matches from a given place only. */
export const here = (source: string, flags = ""): RegExp => new RegExp(source, `yu${flags}`)

export const match = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** How far a rule looks back: far enough for a few words. */
const lookBack = 48

export const beforeOf = (text: string, at: number): string => text.slice(Math.max(0, at - lookBack), at)

export const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")

/** Alternatives of a regular expression, the longest first. */
export const oneOf = (texts: Iterable<string>): string => [...new Set(texts)].sort((one, other) => other.length - one.length).map(escape).join("|")

export const capitalised = (text: string): string => text.replace(/^\p{L}/u, (letter) => letter.toUpperCase())

/** Not within a longer word or number. */
export const wordEnd = "(?![\\p{L}\\p{M}\\p{N}])"
