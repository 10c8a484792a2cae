/**
 * Finds figures with a currency, a unit or a scale, alone ("5 km") and as a range ("5–7 km"), and currency signs without figures.
 */
import { blank, pattern, read } from "../../WrittenNumber.ts"
import { beforeOf, type Language, match, oneOf, type Rule, type Spoken, stickyPattern, wordEnd } from "../Rule.ts"
import * as MeasureWords from "./MeasureWords.ts"
import { currencyCodes, currencySigns, units } from "./Symbols.ts"

/** The most digits of an amount. A longer row of digits is not an amount. */
const maxDigits = 15

const minus = "([-−–]?)"
const figure = `(${pattern})`
const dash = `${blank}?[-–—]${blank}?`
const currency = `(${oneOf([...Object.keys(currencySigns), ...currencyCodes])})`

/** Rules that each read one form of a measure. */
type Readers = ReadonlyArray<Rule>

const isTooLong = (written: string) => written.replace(/\D/g, "").length > maxDigits

/** Whether a minus makes the number negative. Directly after a word or a number it is a hyphen: "5-6", "covid-19". */
const isNegative = (sign: string | undefined, text: string, at: number) =>
  sign !== undefined && sign !== "" && /(?:^|[\s([{:;,"'“„«])$/.test(beforeOf(text, at))

/** Joins the words of a range in which only the second number has the unit. `first`: the words of the first number; unset if there is no range. */
const range = (first: string | undefined, to: string, last: string): string => first === undefined ? last : `${first} ${to} ${last}`

/** Reads a currency before its figures: "$5", "-$5", "$-5", "$5–7", "$5 million". */
const currencyBefore = (language: Language, say: MeasureWords.MeasureWords, scale: string): Rule => {
  const { decimal, rules: { signs }, words } = language
  const form = stickyPattern(`${minus}${currency}${blank}?${minus}${figure}(?:${dash}(?:\\3|${currency})?${blank}?${figure})?${scale}${wordEnd}`)
  return (text, at) => {
    const found = match(form, text, at)
    if (found === null || isTooLong(found[4])) return undefined
    const [written, minusBefore, name, minusAfter, first, , second, scaleName] = found
    const one = read(first, decimal, isNegative(minusBefore, text, at) || minusAfter !== "")
    const last = second === undefined ? one : read(second, decimal)
    return { length: written.length, words: range(second && words.number(one), signs.to, say.amount(last, name, scaleName)) }
  }
}

/** Reads a currency after its figures: "5 €", "5–7 €", "5 Mio. €". */
const currencyAfter = (language: Language, say: MeasureWords.MeasureWords, scale: string): Rule => {
  const { decimal, rules: { signs }, words } = language
  const form = stickyPattern(`${minus}${figure}(?:(?:${blank}?\\p{Sc})?${dash}${figure})?${scale}${blank}?${currency}${wordEnd}`)
  return (text, at) => {
    const found = match(form, text, at)
    if (found === null || isTooLong(found[2])) return undefined
    const [written, minusBefore, first, second, scaleName, name] = found
    const one = read(first, decimal, isNegative(minusBefore, text, at))
    const last = second === undefined ? one : read(second, decimal)
    return { length: written.length, words: range(second && words.number(one), signs.to, say.amount(last, name, scaleName)) }
  }
}

/** Reads a number with a scale: "3,5 Mio. Menschen". A single letter could be a unit, so it is not a scale here. */
const scaledNumber = ({ decimal, rules: { scales = {} } }: Language, say: MeasureWords.MeasureWords): Readers => {
  const names = Object.keys(scales).filter((name) => name.length > 1)
  if (names.length === 0) return []
  const form = stickyPattern(`${minus}${figure}${blank}?(${oneOf(names)})(?![\\p{L}\\p{N}])`)
  return [(text, at) => {
    const found = match(form, text, at)
    return found === null
      ? undefined
      : { length: found[0].length, words: say.scaled(read(found[2], decimal, isNegative(found[1], text, at)), found[3]) }
  }]
}

/** Reads a sign without figures: "in %", "prices in €". */
const signAlone = (say: MeasureWords.MeasureWords): Rule => {
  const form = stickyPattern("[%€£$¥₹]")
  return (text, at) => {
    const found = match(form, text, at)
    return found === null || /^\d/.test(text[at + 1] ?? "") ? undefined : { length: 1, words: say.signAlone(found[0]) }
  }
}

/** Reads a number with a unit: "5 km", "5–7 km", "5 %". */
const unitAfter = (language: Language, say: MeasureWords.MeasureWords): Rule => {
  const { decimal, rules: { signs, units: ownUnits = {} }, words } = language
  const symbol = `(${oneOf([...Object.keys(units).filter((key) => units[key] !== ""), ...Object.keys(ownUnits)])})`
  const symbolWithin = `(?:${oneOf([...Object.keys(units), ...Object.keys(ownUnits)])})`
  const form = stickyPattern(`${minus}${figure}(?:(?:${blank}?${symbolWithin})?${dash}${figure})?${blank}?${symbol}(?![\\p{L}\\p{M}\\p{N}²³])`)
  return (text, at): Spoken | undefined => {
    const found = match(form, text, at)
    if (found === null || isTooLong(found[2])) return undefined
    const [written, minusBefore, first, second, unit] = found
    const one = read(first, decimal, isNegative(minusBefore, text, at))
    const last = second === undefined ? one : read(second, decimal)
    const end = at + written.length
    // "10 min. later": the full stop belongs to the unit.
    const hasStop = unit.length > 1 && text[end] === "." && /^\s+\p{Ll}/u.test(text.slice(end + 1, end + 4))
    return { length: written.length + (hasStop ? 1 : 0), words: range(second && words.number(one), signs.to, say.measure(last, unit)) }
  }
}

export const make = (language: Language): Rule => {
  const { scales = {}, scaleWords } = language.rules
  const say = MeasureWords.make(language)
  const shortScales = Object.keys(scales).length === 0 ? "" : `|${oneOf(Object.keys(scales))}`
  const scale = `(?:${blank}?(${scaleWords}${shortScales})(?![\\p{L}\\p{N}]))?`
  const readers: Readers = [
    currencyBefore(language, say, scale),
    currencyAfter(language, say, scale),
    ...scaledNumber(language, say),
    signAlone(say),
    unitAfter(language, say)
  ]
  return (text, at) => {
    for (const reader of readers) {
      const spoken = reader(text, at)
      if (spoken !== undefined) return spoken
    }
    return undefined
  }
}
