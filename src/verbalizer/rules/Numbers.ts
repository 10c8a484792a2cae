/**
 * Figures that no earlier rule of `Verbalizer` reads: fractions, ranges, products, years and plain numbers.
 */
import { blank, pattern, read } from "../WrittenNumber.ts"
import { afterOf, beforeOf, type Language, match, type Rule, stickyPattern } from "./Rule.ts"

const fractionSigns: Readonly<Record<string, string>> = {
  "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅒": "1/10"
}

/** A number from `firstYear` to `lastYear` is read as a year, if the language has a rule for years. */
const firstYear = 1100
const lastYear = 2099

export const make = ({ decimal, rules, words }: Language): Rule => {
  const { signs, year } = rules
  const fractionSign = stickyPattern(`(?:(\\d+)${blank}?)?([${Object.keys(fractionSigns).join("")}])`)
  const slashedFraction = stickyPattern(`(?:(\\d{1,3})${blank})?(\\d{1,2}/\\d{1,2})(?![\\p{L}\\p{N}/])`)
  const ratio = stickyPattern("(\\d+)\\/(\\d+)(?![\\p{L}\\p{N}/])")
  const range = stickyPattern(`(${pattern})${blank}?[-–—]${blank}?(${pattern})(?![\\p{L}\\p{N}-])`)
  const product = stickyPattern(`(${pattern})${blank}?[x×]${blank}?(?=\\d)`)
  const decimalsAlone = stickyPattern("[.,](\\d+)(?![\\p{L}\\p{N}]|[.,]\\d)")
  const digitRow = stickyPattern("\\d+")
  const number = stickyPattern(`([-−]?)(${pattern})`)

  const say = (written: string, before: string, after: string): string => {
    const value = Number(written)
    if (year !== undefined && /^\d{4}$/.test(written) && value >= firstYear && value <= lastYear) return year(value, before, after, words)
    return words.number(read(written, decimal), words.genderBefore(after))
  }

  return (text, at) => {
    const before = beforeOf(text, at)
    const withSign = match(fractionSign, text, at)
    if (withSign !== null) {
      const spoken = rules.fractions[fractionSigns[withSign[2]] ?? ""]
      if (spoken === undefined) return undefined
      return { length: withSign[0].length, words: withSign[1] === undefined ? spoken : rules.mixed(words.cardinal(withSign[1]), spoken) }
    }
    const divided = match(slashedFraction, text, at)
    const spokenFraction = divided === null ? undefined : rules.fractions[divided[2]]
    if (divided !== null && spokenFraction !== undefined) {
      const gender = words.genderBefore(afterOf(text, at + divided[0].length))
      if (divided[1] === undefined && divided[2] === "1/2" && gender !== undefined) return { length: divided[0].length, words: rules.half[gender] }
      return { length: divided[0].length, words: divided[1] === undefined ? spokenFraction : rules.mixed(words.cardinal(divided[1]), spokenFraction) }
    }
    const related = match(ratio, text, at)
    if (related !== null) {
      // The slash is said only in a fraction ("3/7"), not in "24/7", "50/50" or "2023/24".
      const joint = Number(related[1]) >= Number(related[2]) ? " " : ` ${signs.slash} `
      return { length: related[0].length, words: `${say(related[1], before, "")}${joint}${say(related[2], "", "")}` }
    }
    const both = match(range, text, at)
    if (both !== null) {
      const after = afterOf(text, at + both[0].length)
      return { length: both[0].length, words: `${say(both[1], before, "")} ${signs.to} ${say(both[2], "", after)}` }
    }
    const factor = match(product, text, at)
    if (factor !== null) return { length: factor[0].length, words: `${say(factor[1], before, "")} ${signs.times} ` }
    const decimals = match(decimalsAlone, text, at)
    if (decimals !== null && !/[\p{L}\p{N}.,]$/u.test(before)) {
      return { length: decimals[0].length, words: words.number({ isNegative: false, whole: "0", fraction: decimals[1] }) }
    }
    const found = match(number, text, at)
    if (found === null || (found[1] !== "" && /[\p{L}\p{N})]\s?$/u.test(before))) {
      // The figures are in a form that no rule knows, such as "10.1.5,2".
      const digits = match(digitRow, text, at)
      return digits === null ? undefined : { length: digits[0].length, words: words.digits(digits[0]) }
    }
    const after = afterOf(text, at + found[0].length)
    return { length: found[0].length, words: `${found[1] === "" ? "" : `${signs.minus} `}${say(found[2], before, after)}` }
  }
}
