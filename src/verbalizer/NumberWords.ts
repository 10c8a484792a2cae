/**
 * Writes a language's numbers in words, in the forms that its grammar requires.
 */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { LanguageRules } from "./LanguageRules.ts"
import type { Gender, Numerals } from "./Numerals.ts"
import * as RuleBasedNumbers from "./RuleBasedNumbers.ts"

const packageFile = createRequire(import.meta.url).resolve("cldr-rbnf/package.json")

/** Reads the number rules of a language from CLDR's data: 8 to 75 KB. */
const load = (language: string): RuleBasedNumbers.RuleSets => {
  const file = JSON.parse(readFileSync(packageFile.replace(/package\.json$/, `rbnf/${language}.json`), "utf8")) as {
    readonly rbnf: { readonly rbnf: { readonly SpelloutRules: RuleBasedNumbers.RuleSets } }
  }
  return file.rbnf.rbnf.SpelloutRules
}

/** A number with more digits than this may not be a safe integer. It is read digit by digit. */
const maxDigits = 15

const nounPattern = /^[\s\u00A0\u202F]+(\p{L}[\p{L}\p{M}'’-]*)/u

export const make = (rules: LanguageRules): Numerals => {
  const { corrections = [], feminine, language, ruleSets } = rules
  const numbers = RuleBasedNumbers.make(language, load(language))
  const { decimal: separator } = Object.fromEntries(new Intl.NumberFormat(language).formatToParts(1.5).map(({ type, value }) => [type, value]))
  const decimalWord = [ruleSets.number, ruleSets.masculine].map((set) => numbers.decimalWord(set, separator === "," ? "," : ".")).find((word) =>
    word !== undefined
  ) ?? numbers.decimalWord("spellout-cardinal", ".") ?? rules.signs.dotInNumber

  const format = (number: number, ruleSet: string): string =>
    corrections.reduce((words, [wrong, right]) => words.replaceAll(wrong, right), numbers.format(number, ruleSet))

  const digits = (text: string) => Array.from(text, (digit) => format(Number(digit), ruleSets.number)).join(" ")

  const cardinal = (number: number | string, gender?: Gender) => {
    if (typeof number === "string" && number.length > maxDigits) return digits(number)
    return format(Number(number), gender === undefined ? ruleSets.number : ruleSets[gender])
  }

  return {
    cardinal,
    ordinal: format,
    year: (year) => format(year, ruleSets.year ?? ruleSets.number),
    digits,
    number: ({ fraction, isNegative, whole }, gender) => {
      // Before decimals, a number has the form without a noun: "eins Komma fünf Kilometer".
      const words = fraction === undefined ? cardinal(whole, gender) : `${cardinal(whole)} ${decimalWord} ${digits(fraction)}`
      return isNegative ? `${rules.signs.minus} ${words}` : words
    },
    genderBefore: (after) => {
      const noun = nounPattern.exec(after)?.[1]
      if (noun === undefined) return undefined
      return feminine?.test(noun) === true ? "feminine" : "masculine"
    }
  }
}
