/**
 * What the rules have to know of a language and no data of CLDR tells: how its people name signs, join a date, read a clock
 * and write abbreviations. Numbers come from CLDR's rule-based number formats; months, units, currencies, plurals and
 * separators from `Intl`.
 */
import type { Gender, Numerals } from "./Numerals.ts"

/** Where an abbreviation may stand, and so whether a sentence may end with its full stop. */
export type AbbreviationKind =
  /** Before a name; its full stop may be missing: "Dr. Smith", "Mme Dupont". Never ends a sentence. */
  | "title"
  /** Counts only before a figure: "no. 5". Elsewhere it may be a word. */
  | "number"
  /** Always goes on: "i.e.", "z. B.". Never ends a sentence. */
  | "inner"
  /** Behind a name, and not before another: "Baker St.", where "St. James" is a title. */
  | "street"
  /** The end of a longer word: "Hauptstr.". */
  | "suffix"
  /** Anywhere, also at a sentence's end: "etc.". */
  | "any"

/** Written in lower case it may also begin with a capital; a blank may stand behind each full stop within. */
export type Abbreviation = readonly [written: string, spoken: string, kind: AbbreviationKind]

interface Signs {
  /** Between two ends of a range: "5–7". */
  readonly to: string
  readonly plus: string
  readonly minus: string
  readonly times: string
  /** "$5/month" */
  readonly per: string
  readonly equals: string
  readonly less: string
  readonly greater: string
  readonly plusMinus: string
  /** "~5" */
  readonly about: string
  /** The keys of a telephone. */
  readonly star: string
  readonly hash: string
  /** "#5", "№ 5" */
  readonly number: string
  readonly hashtag: string
  /** "§ 5" */
  readonly section: string
  /** In an address: `@`, `.`, `/`, `-`, `_`, `:`. */
  readonly at: string
  readonly dot: string
  readonly slash: string
  readonly dash: string
  readonly underscore: string
  readonly colon: string
  /** Between the numbers of a version, and what is said for its "v": "v2.0.1". */
  readonly point: string
  readonly version: string
}

interface Clock {
  readonly hours: number
  readonly minutes: number
  /** As written: "9 a.m.". */
  readonly half?: "am" | "pm"
  /** The first end of a range whose second end names the hour: "9–17 Uhr". */
  readonly isOpen?: boolean
  /** What stands before it. */
  readonly before: string
}

interface DateParts {
  readonly day: number
  /** As `Intl` names it within a date. */
  readonly month: string
  readonly year?: number
  /** What stands before it. */
  readonly before: string
}

/** Forms by plural category; `other` stands for those that are missing. */
export type Forms = { readonly other: string } & { readonly [Category in Intl.LDMLPluralRule]?: string }

export interface LanguageRules {
  /** BCP 47; also the name of CLDR's file of number rules. */
  readonly language: string
  /** Rule sets of CLDR: `number` is that of a number alone. */
  readonly ruleSets: { readonly number: string; readonly masculine: string; readonly feminine: string; readonly year?: string }
  /** Mistakes in CLDR's data, and the words that they stand for. */
  readonly corrections?: ReadonlyArray<readonly [wrong: string, right: string]>
  /** Nouns that are feminine, by their endings; for languages whose numbers agree with them. */
  readonly feminine?: RegExp
  readonly signs: Signs
  /** What stands behind the figures of an ordinal, and the rule set for it, or another before its noun; `.` counts only where `ordinalBefore` says so. */
  readonly ordinalMarks: ReadonlyArray<readonly [mark: string, ruleSet: string, beforeNoun?: string]>
  /** A language that writes ordinals with a full stop: the rule set by what stands around, or unset where it is no ordinal. */
  readonly ordinalWithStop?: (before: string, after: string) => string | undefined
  /** Months stand before days: "May 3". */
  readonly isMonthFirst?: boolean
  readonly date: (parts: DateParts, words: Numerals) => string
  readonly clock: (clock: Clock, words: Numerals) => string
  /** Behind the figures of a time: "Uhr", "heures". A regular expression's source. */
  readonly hourWord?: string
  /** Between hours and minutes besides the colon: "18h30", "18.30 Uhr" (with the hour word only). */
  readonly hourMark?: "h" | "."
  /** "9 am" is written. */
  readonly hasHalves?: boolean
  /** A year within a sentence; unset: as any number. */
  readonly year?: (year: number, before: string, after: string, words: Numerals) => string
  /** "the 1990s": from the number's words; with the sign that is written behind the figures. */
  readonly decade?: readonly [mark: string, name: (words: string) => string]
  /** Telephone numbers are read in pairs where they are written so: "zéro un, quarante-deux". */
  readonly readsPairs?: boolean
  /** By their written form: "1/2". */
  readonly fractions: Readonly<Record<string, string>>
  /** Half of the thing behind it, by its gender: "une demi heure". */
  readonly half: Readonly<Record<Gender, string>>
  /** Joins a whole number and a fraction: "two and a half". */
  readonly mixed: (whole: string, fraction: string) => string
  /** By code, and `$` alone: people name the country only where there is doubt. `Intl` names the others. */
  readonly currencies: Readonly<Record<string, Forms>>
  /** Hundredths of currencies by their code. */
  readonly cents: Readonly<Record<string, Forms>>
  /** Whole and hundredths of an amount of money; `cents` with its name where `cents` has one. */
  readonly money: (whole: string, cents: string, centsName: string | undefined) => string
  /** Short for large numbers, behind a figure: "Mio.", "k". */
  readonly scales?: Readonly<Record<string, Forms>>
  /** Large numbers as words, between a figure and its currency: "5 million". A regular expression's source. */
  readonly scaleWords: string
  /** Joins a large number and a currency: "5 millions d'euros". Default: a blank. */
  readonly scaleJoint?: (currency: string) => string
  /** Words that announce a number that is read digit by digit. A regular expression's source. */
  readonly codeWords: string
  /** Words that may stand between one of `codeWords` and the number. A regular expression's source. */
  readonly copulas: string
  /** Codes whose figures look like a number. A regular expression's source. */
  readonly postcode?: string
  /** Words before Roman numerals that are read as numbers. A regular expression's source. */
  readonly romanWords?: string
  readonly abbreviations: ReadonlyArray<Abbreviation>
  /** Units that `Intl` does not have, by their symbols. */
  readonly units?: Readonly<Record<string, Forms>>
}
