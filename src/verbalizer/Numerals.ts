/**
 * The numbers of a language in words, in all forms that the rules use.
 */
import type { WrittenNumber } from "./WrittenNumber.ts"

export type Gender = "masculine" | "feminine"

export interface Numerals {
  /** The form before a noun of this gender. Without a gender: the form for a number without a noun. */
  readonly cardinal: (number: number | string, gender?: Gender) => string
  readonly ordinal: (number: number, ruleSet: string) => string
  readonly year: (year: number) => string
  /** The words for each digit. */
  readonly digits: (digits: string) => string
  /** A number with its sign and its decimals. */
  readonly number: (written: WrittenNumber, gender?: Gender) => string
  /** The gender of a number before this text, by the text's first word. `undefined`: no word follows. */
  readonly genderBefore: (after: string) => Gender | undefined
}
