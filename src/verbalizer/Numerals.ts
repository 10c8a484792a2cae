/**
 * A language's numbers in words, in the forms that the rules need.
 */
import type { WrittenNumber } from "./WrittenNumber.ts"

export type Gender = "masculine" | "feminine"

export interface Numerals {
  /** The form before a noun of this gender; without a gender, the form of a number without a noun. */
  readonly cardinal: (number: number | string, gender?: Gender) => string
  readonly ordinal: (number: number, ruleSet: string) => string
  readonly year: (year: number) => string
  /** Digit by digit. */
  readonly digits: (digits: string) => string
  /** With its sign and its decimals. */
  readonly number: (written: WrittenNumber, gender?: Gender) => string
  /** The gender that a number takes before this text. */
  readonly genderBefore: (after: string) => Gender | undefined
}
