/**
 * The facts about a language that are not in CLDR: its names for signs, its forms of dates and times, its abbreviations.
 * Numbers come from CLDR's rule-based number formats; months, units, currencies, plurals and separators from `Intl`.
 */
import type { Gender, Numerals } from "./Numerals.ts"

/** Where an abbreviation may stand, and so whether its full stop may end a sentence. */
export type AbbreviationKind =
  /** Before a name; its full stop may be missing: "Dr. Smith", "Mme Dupont". Never ends a sentence. */
  | "title"
  /** Counts only before a figure: "no. 5". Elsewhere it may be a word. */
  | "number"
  /** Inside a sentence: "i.e.", "z. B.". Never ends a sentence. */
  | "inner"
  /** After a name: "Baker St.". In "St. James" the same abbreviation is a title. */
  | "street"
  /** The end of a longer word: "Hauptstr.". */
  | "suffix"
  /** Anywhere, also at a sentence's end: "etc.". */
  | "any"

/** An abbreviation. If it is in lower case, it may also begin with a capital. A blank may follow each full stop inside it. */
export type Abbreviation = readonly [written: string, spoken: string, kind: AbbreviationKind]

/** The words for signs. */
interface Signs {
  /** Said between the two numbers of a range: "5–7". */
  readonly to: string
  readonly plus: string
  readonly minus: string
  readonly times: string
  /** Said for the slash of a rate: "$5/month". */
  readonly per: string
  readonly equals: string
  readonly less: string
  readonly greater: string
  readonly plusMinus: string
  /** Said for the tilde: "~5". */
  readonly about: string
  /** `star` and `hash`: the keys of a telephone. */
  readonly star: string
  readonly hash: string
  /** Said for the number sign: "#5", "№ 5". */
  readonly number: string
  readonly hashtag: string
  /** Said for the section sign: "§ 5". */
  readonly section: string
  /** From `at` to `colon`: the signs `@`, `.`, `/`, `-`, `_` and `:` in an address. */
  readonly at: string
  readonly dotInAddress: string
  readonly slash: string
  readonly dash: string
  readonly underscore: string
  readonly colon: string
  /** Said between the numbers of a version: "2.0.1". Also before decimals, if CLDR has no word for the language's decimal separator. */
  readonly dotInNumber: string
  /** Said for the "v" of a version: "v2". */
  readonly version: string
}

interface Clock {
  readonly hours: number
  readonly minutes: number
  /** The half of the day, if the text says it: "9 a.m.". */
  readonly dayPeriod?: "am" | "pm"
  /** The time is the first of a range, and the word for the hour follows only the second: "9–17 Uhr". */
  readonly isHourWordLater?: boolean
  /** The text before the time. */
  readonly before: string
}

interface DateParts {
  readonly day: number
  /** The month's name in the form that `Intl` uses within a date. */
  readonly month: string
  readonly year?: number
  /** The text before the date. */
  readonly before: string
}

/** The forms of a word by plural category. If a form is missing, `other` is used. */
export type Forms = { readonly other: string } & { readonly [Category in Intl.LDMLPluralRule]?: string }

export interface LanguageRules {
  /** The language code (BCP 47). CLDR's file of number rules has the same name. */
  readonly language: string
  /** The names of CLDR's rule sets. `number` is for a number without a noun. */
  readonly ruleSets: { readonly number: string; readonly masculine: string; readonly feminine: string; readonly year?: string }
  /** Wrong words in CLDR's data, and the right ones. */
  readonly corrections?: ReadonlyArray<readonly [wrong: string, right: string]>
  /** Matches feminine nouns. Set for languages in which numbers agree with nouns. */
  readonly feminine?: RegExp
  readonly signs: Signs
  /** The marks after an ordinal's figures, each with its rule set. `beforeNoun`: the rule set before a noun, if it differs. */
  readonly ordinalMarks: ReadonlyArray<readonly [mark: string, ruleSet: string, beforeNoun?: string]>
  /**
   * For languages that write ordinals with a full stop: chooses the rule set by the text before and after the ordinal. `undefined`: the number
   * is not an ordinal.
   */
  readonly ordinalWithStop?: (before: string, after: string) => string | undefined
  /** Whether the month stands before the day: "May 3". */
  readonly isMonthFirst?: boolean
  readonly date: (parts: DateParts, words: Numerals) => string
  readonly clock: (clock: Clock, words: Numerals) => string
  /** The word after the figures of a time: "Uhr", "heures". The source of a regular expression. */
  readonly hourWord?: string
  /** Besides the colon, this mark stands between hours and minutes: "18h30", or "18.30 Uhr" (only with the hour word). */
  readonly hourMark?: "h" | "."
  /** Whether the language writes the half of the day: "9 am". */
  readonly hasDayPeriods?: boolean
  /** The words for a year within a sentence. Unset: a year is said like any other number. */
  readonly year?: (year: number, before: string, after: string, words: Numerals) => string
  /** "the 1990s": the mark after the figures, and a function from the number's words to the decade's name. */
  readonly decade?: readonly [mark: string, name: (words: string) => string]
  /** Whether telephone numbers that are written in pairs are read in pairs: "zéro un, quarante-deux". */
  readonly readsPairs?: boolean
  /** Fractions by their written form: "1/2". */
  readonly fractions: Readonly<Record<string, string>>
  /** "Half" before a noun, by the noun's gender: "une demi heure". */
  readonly half: Readonly<Record<Gender, string>>
  /** Joins a whole number and a fraction: "two and a half". */
  readonly mixed: (whole: string, fraction: string) => string
  /** Names of currencies by their code or `$`, since people say "dollars" and not "US dollars". `Intl` names all other currencies. */
  readonly currencies: Readonly<Record<string, Forms>>
  /** Names of a currency's hundredths, by the currency's code. */
  readonly cents: Readonly<Record<string, Forms>>
  /** Joins the words for the whole and for the hundredths of an amount of money. `centsName`: the name of the hundredths, if there is one. */
  readonly money: (whole: string, cents: string, centsName: string | undefined) => string
  /** Abbreviations of large numbers after a figure: "Mio.", "k". */
  readonly scales?: Readonly<Record<string, Forms>>
  /** Large numbers as words, between a figure and its currency: "5 million". A regular expression's source. */
  readonly scaleWords: string
  /** The text between a large number and its currency: "5 millions d'euros". Unset: a blank. */
  readonly scaleJoint?: (currency: string) => string
  /** Words that announce a number that is read digit by digit. A regular expression's source. */
  readonly codeWords: string
  /** Words that may stand between one of `codeWords` and the number. A regular expression's source. */
  readonly codeFillers: string
  /** Codes whose figures look like a number. A regular expression's source. */
  readonly postcode?: string
  /** Words before Roman numerals that are read as numbers. A regular expression's source. */
  readonly romanWords?: string
  readonly abbreviations: ReadonlyArray<Abbreviation>
  /** Units that `Intl` does not have or names differently, by their symbols. */
  readonly units?: Readonly<Record<string, Forms>>
}
