/**
 * All other figures: fractions, ranges, products, years and plain numbers.
 */
import { blank, pattern, read } from "../WrittenNumber.ts"
import { beforeOf, here, type Language, match, type Rule } from "./Rule.ts"

const fractionSigns: Readonly<Record<string, string>> = {
  "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅒": "1/10"
}

/** A number from `firstYear` to `lastYear` is read as a year, if the language has a rule for years. */
const firstYear = 1100
const lastYear = 2099

export const make = ({ decimal, rules, words }: Language): Rule => {
  const { signs, year } = rules
  const fraction = here(`(?:(\\d+)${blank}?)?([${Object.keys(fractionSigns).join("")}])`)
  const slashed = here(`(?:(\\d{1,3})${blank})?(\\d{1,2}/\\d{1,2})(?![\\p{L}\\p{N}/])`)
  const ratio = here("(\\d+)\\/(\\d+)(?![\\p{L}\\p{N}/])")
  const range = here(`(${pattern})${blank}?[-–—]${blank}?(${pattern})(?![\\p{L}\\p{N}-])`)
  const product = here(`(${pattern})${blank}?[x×]${blank}?(?=\\d)`)
  const bareFraction = here("[.,](\\d+)(?![\\p{L}\\p{N}]|[.,]\\d)")
  const row = here("\\d+")
  const number = here(`([-−]?)(${pattern})`)

  const say = (written: string, before: string, after: string): string => {
    const value = Number(written)
    if (year !== undefined && /^\d{4}$/.test(written) && value >= firstYear && value <= lastYear) return year(value, before, after, words)
    return words.number(read(written, decimal), words.genderBefore(after))
  }

  return (text, at) => {
    const before = beforeOf(text, at)
    const part = match(fraction, text, at)
    if (part !== null) {
      const spoken = rules.fractions[fractionSigns[part[2]] ?? ""]
      if (spoken === undefined) return undefined
      return { length: part[0].length, words: part[1] === undefined ? spoken : rules.mixed(words.cardinal(part[1]), spoken) }
    }
    const divided = match(slashed, text, at)
    const spokenFraction = divided === null ? undefined : rules.fractions[divided[2]]
    if (divided !== null && spokenFraction !== undefined) {
      const gender = words.genderBefore(text.slice(at + divided[0].length, at + divided[0].length + 24))
      if (divided[1] === undefined && divided[2] === "1/2" && gender !== undefined) return { length: divided[0].length, words: rules.half[gender] }
      return { length: divided[0].length, words: divided[1] === undefined ? spokenFraction : rules.mixed(words.cardinal(divided[1]), spokenFraction) }
    }
    const parts = match(ratio, text, at)
    if (parts !== null) {
      // "24/7", "50/50" and "2023/24" are said without a word for the slash.
      const joint = Number(parts[1]) >= Number(parts[2]) ? " " : ` ${signs.slash} `
      return { length: parts[0].length, words: `${say(parts[1], before, "")}${joint}${say(parts[2], "", "")}` }
    }
    const both = match(range, text, at)
    if (both !== null) {
      const after = text.slice(at + both[0].length, at + both[0].length + 24)
      return { length: both[0].length, words: `${say(both[1], before, "")} ${signs.to} ${say(both[2], "", after)}` }
    }
    const factor = match(product, text, at)
    if (factor !== null) return { length: factor[0].length, words: `${say(factor[1], before, "")} ${signs.times} ` }
    const bare = match(bareFraction, text, at)
    if (bare !== null && !/[\p{L}\p{N}.,]$/u.test(before)) {
      return { length: bare[0].length, words: words.number({ isNegative: false, whole: "0", fraction: bare[1] }) }
    }
    const found = match(number, text, at)
    if (found === null || (found[1] !== "" && /[\p{L}\p{N})]\s?$/u.test(before))) {
      // The figures are in a form that no rule knows, such as "10.1.5,2".
      const digits = match(row, text, at)
      return digits === null ? undefined : { length: digits[0].length, words: words.digits(digits[0]) }
    }
    const after = text.slice(at + found[0].length, at + found[0].length + 24)
    return { length: found[0].length, words: `${found[1] === "" ? "" : `${signs.minus} `}${say(found[2], before, after)}` }
  }
}
