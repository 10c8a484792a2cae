/**
 * Amounts of money and measures in the words of a language. `Intl` names the units and most currencies and chooses the plural. Number
 * words replace the figures.
 */
import type { Forms } from "../../LanguageRules.ts"
import type { Gender } from "../../Numerals.ts"
import { valueOf, type WrittenNumber } from "../../WrittenNumber.ts"
import type { Language } from "../Rule.ts"
import { currencySigns, units } from "./Symbols.ts"

export interface MeasureWords {
  /** An amount of money. `currency`: a sign or a code. `scale`: the word for a large number in the text, such as "million" or "Mio.". */
  readonly amount: (number: WrittenNumber, currency: string, scale: string | undefined) => string
  /** A number with a unit. `symbol`: the unit's symbol. */
  readonly measure: (number: WrittenNumber, symbol: string) => string
  /** A number with an abbreviated scale of the language, such as "3,5 Mio.". */
  readonly scaled: (number: WrittenNumber, scale: string) => string
  /** A sign without a figure: "in %", "prices in €". */
  readonly signAlone: (sign: string) => string
}

/** Returns the number's words in the form that stands before a noun of this gender. */
type WordsBefore = (gender: Gender) => string

/** The word for a thousand in languages in which a preposition stands between "million" and a currency, but not after "thousand". */
const thousand = /^mil(?:le|a)?$/

/** Writes numbers with the names that `Intl` gives to units and currencies, and replaces the figures by words. */
const makeIntlWords = (language: string, genderOf: (name: string) => Gender) => {
  const formatters = new Map<string, Intl.NumberFormat>()
  const formatter = (key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat => {
    const known = formatters.get(key) ?? new Intl.NumberFormat(language, options)
    formatters.set(key, known)
    return known
  }
  const isName = ({ type }: Intl.NumberFormatPart) => type === "unit" || type === "currency"
  return {
    /** The number and the name of its unit or currency, in the order of the language. `key`: the unit's or currency's code. */
    withName: (number: WrittenNumber, wordsBefore: WordsBefore, key: string, options: Intl.NumberFormatOptions): string => {
      const decimals = number.fraction?.length ?? 0
      const format = formatter(`${key} ${decimals}`, { ...options, minimumFractionDigits: decimals, maximumFractionDigits: decimals })
      const parts = format.formatToParts(Math.abs(valueOf(number)))
      const gender = genderOf(parts.filter(isName).map(({ value }) => value).join("").trim())
      // The words replace the first part of the formatted number. Its other parts are dropped.
      let isReplaced = false
      return parts.map((part) => {
        if (isName(part) || part.type === "literal") return part.value.replace(/[\u00A0\u202F]/g, " ")
        if (isReplaced) return ""
        isReplaced = true
        return wordsBefore(gender)
      }).join("")
    },
    percent: (): string | undefined =>
      formatter("%", { style: "unit", unit: "percent", unitDisplay: "long" }).formatToParts(100).find(({ type }) => type === "unit")?.value.trim()
  }
}

export const make = ({ rules, words }: Language): MeasureWords => {
  const { language, scales = {}, signs, units: ownUnits = {} } = rules
  const plurals = new Intl.PluralRules(language)
  const nameOf = (forms: Forms, value: number): string => forms[plurals.select(value)] ?? forms.other
  const genderOf = (name: string): Gender => rules.feminine?.test(name.split(/\s/)[0] ?? "") === true ? "feminine" : "masculine"
  const intl = makeIntlWords(language, genderOf)
  const codeOf = (currency: string) => currencySigns[currency] ?? currency

  const withForms = (number: WrittenNumber, wordsBefore: WordsBefore, forms: Forms): string => {
    const name = nameOf(forms, Math.abs(valueOf(number)))
    return `${wordsBefore(genderOf(name))} ${name}`
  }

  const inCurrency = (number: WrittenNumber, wordsBefore: WordsBefore, code: string): string =>
    rules.currencies[code] === undefined
      ? intl.withName(number, wordsBefore, code, { style: "currency", currency: code, currencyDisplay: "name" })
      : withForms(number, wordsBefore, rules.currencies[code])

  /** The name of a currency after a large round number: " de euros" after millions, but " euros" after thousands. */
  const nameAfterScale = (code: string, isThousand: boolean): string => {
    const large: WrittenNumber = { isNegative: false, whole: "1000000" }
    const name = inCurrency(large, () => "", code).trim()
    return `${isThousand ? " " : rules.scaleJoint?.(name) ?? " "}${name}`
  }

  const scaledAmount = (number: WrittenNumber, scale: string, code: string): string => {
    const forms = scales[scale]
    const name = forms === undefined ? scale : nameOf(forms, Math.abs(valueOf(number)))
    // The ending of the name shows its gender: "eine Million", "un millón".
    const gender = rules.feminine?.test(name) === true ? "feminine" : "masculine"
    return `${words.number(number, gender)} ${name}${nameAfterScale(code, thousand.test(name))}`
  }

  /** An amount with two decimals, as people say it: "five dollars and twenty cents". */
  const wholeAndCents = ({ isNegative, whole }: WrittenNumber, hundredths: string, code: string): string => {
    const wholeNumber: WrittenNumber = { isNegative, whole }
    const wholeWords = inCurrency(wholeNumber, (gender) => words.number(wholeNumber, gender), code)
    if (hundredths === "00") return wholeWords
    const forms = rules.cents[code === "$" ? "USD" : code]
    if (forms === undefined) return rules.money(wholeWords, words.cardinal(hundredths), undefined)
    const cents = words.cardinal(hundredths, "masculine")
    const name = nameOf(forms, Number(hundredths))
    if (/^0+$/.test(whole)) return `${isNegative ? `${signs.minus} ` : ""}${cents} ${name}`
    return rules.money(wholeWords, cents, name)
  }

  return {
    amount: (number, currency, scale) => {
      const code = codeOf(currency)
      const { fraction, whole } = number
      if (scale !== undefined) return scaledAmount(number, scale, code)
      if (fraction === undefined && /[1-9]\d*0{6}$/.test(whole)) return `${words.number(number)}${nameAfterScale(code, false)}`
      return fraction?.length === 2
        ? wholeAndCents(number, fraction, code)
        : inCurrency(number, (gender) => words.number(number, gender), code)
    },
    measure: (number, symbol) => {
      const wordsBefore: WordsBefore = (gender) => words.number(number, gender)
      const ownForms = ownUnits[symbol]
      if (ownForms !== undefined) return withForms(number, wordsBefore, ownForms)
      const unit = units[symbol]
      return intl.withName(number, wordsBefore, unit, { style: "unit", unit, unitDisplay: "long" })
    },
    scaled: (number, scale) => `${words.number(number)} ${nameOf(scales[scale] ?? { other: "" }, Math.abs(valueOf(number)))}`,
    signAlone: (sign) => sign === "%" ? intl.percent() ?? "%" : inCurrency({ isNegative: false, whole: "100" }, () => "", codeOf(sign)).trim()
  }
}
