/**
 * Figures with a unit: amounts of money, percentages, temperatures, lengths and the like, alone and as a range. Names and plurals
 * are `Intl`'s, the figures are put in as words.
 */
import type { Forms } from "../LanguageRules.ts"
import type { Gender } from "../Numerals.ts"
import { blank, pattern, read, valueOf, type WrittenNumber } from "../WrittenNumber.ts"
import { beforeOf, here, type Language, match, oneOf, type Rule, wordEnd } from "./Rule.ts"

/** Signs of currencies that mean one. `$` alone has a name of its own. */
const currencySigns: Readonly<Record<string, string>> = {
  "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₪": "ILS", "zł": "PLN", "Kč": "CZK", "R$": "BRL",
  "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "Fr.": "CHF", "$": "$"
}

/** Codes that stand beside figures; others may be words. */
const currencyCodes = [
  "EUR", "USD", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "PLN", "CZK", "SEK", "NOK", "DKK", "HUF", "RON", "BGN", "TRY", "INR", "CNY", "BRL", "MXN", "ARS", "CLP", "COP", "ZAR", "ILS", "KRW", "SGD", "HKD", "UAH"
]

const units: Readonly<Record<string, string>> = {
  "%": "percent", "°C": "celsius", "ºC": "celsius", "℃": "celsius", "°F": "fahrenheit", "℉": "fahrenheit", "°": "degree",
  km: "kilometer", m: "meter", cm: "centimeter", mm: "millimeter", mi: "mile", ft: "foot", yd: "yard",
  kg: "kilogram", g: "gram", lb: "pound", oz: "ounce", t: "", l: "liter", L: "liter", ml: "milliliter", mL: "milliliter", cl: "",
  h: "hour", hr: "hour", min: "minute", s: "second", sec: "second", ms: "millisecond",
  KB: "kilobyte", kB: "kilobyte", MB: "megabyte", GB: "gigabyte", TB: "terabyte", Mbit: "megabit", Gbit: "gigabit",
  "km/h": "kilometer-per-hour", kmh: "kilometer-per-hour", "m/s": "meter-per-second", mph: "mile-per-hour", "l/100km": "", ha: "hectare",
  "Mbit/s": "megabit-per-second", "Mb/s": "megabit-per-second", Mbps: "megabit-per-second", "MB/s": "megabyte-per-second"
}

const thousand = /^mil(?:le|a)?$/

/** Longer numbers are no amounts. */
const maxDigits = 15

export const make = ({ decimal, rules, words }: Language): Rule => {
  const { language, scales = {}, signs, units: ownUnits = {} } = rules
  const plurals = new Intl.PluralRules(language)
  const nameOf = (forms: Forms, value: number): string => forms[plurals.select(value)] ?? forms.other

  const formatters = new Map<string, Intl.NumberFormat>()
  const formatter = (key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat => {
    const known = formatters.get(key) ?? new Intl.NumberFormat(language, options)
    formatters.set(key, known)
    return known
  }

  /** The name of a unit as it stands behind (or before) this number. */
  const named = (number: WrittenNumber, figures: (gender: Gender) => string, key: string, options: Intl.NumberFormatOptions): string => {
    const decimals = number.fraction?.length ?? 0
    const format = formatter(`${key} ${decimals}`, { ...options, minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    const parts = format.formatToParts(Math.abs(valueOf(number)))
    const name = parts.filter(({ type }) => type === "unit" || type === "currency").map(({ value }) => value).join("").trim()
    const gender = rules.feminine?.test(name.split(/\s/)[0] ?? "") === true ? "feminine" : "masculine"
    let isSaid = false
    return parts.map(({ type, value }) => {
      if (type === "unit" || type === "currency" || type === "literal") return value.replace(/[\u00A0\u202F]/g, " ")
      if (isSaid) return ""
      isSaid = true
      return figures(gender)
    }).join("")
  }

  const withForms = (number: WrittenNumber, figures: (gender: Gender) => string, forms: Forms): string => {
    const name = nameOf(forms, Math.abs(valueOf(number)))
    return `${figures(rules.feminine?.test(name.split(/\s/)[0] ?? "") === true ? "feminine" : "masculine")} ${name}`
  }

  const inCurrency = (number: WrittenNumber, figures: (gender: Gender) => string, currency: string): string =>
    rules.currencies[currency] === undefined
      ? named(number, figures, currency, { style: "currency", currency, currencyDisplay: "name" })
      : withForms(number, figures, rules.currencies[currency])

  /** The name of a currency behind a large round number: "de euros" behind millions, but not behind thousands. */
  const nameBehindScale = (currency: string, isThousand: boolean): string => {
    const large: WrittenNumber = { isNegative: false, whole: "1000000" }
    const name = inCurrency(large, () => "", currency).trim()
    return `${isThousand ? " " : rules.scaleJoint?.(name) ?? " "}${name}`
  }

  const scaled = (number: WrittenNumber, scale: string, currency: string): string => {
    const forms = scales[scale]
    const name = forms === undefined ? scale : nameOf(forms, Math.abs(valueOf(number)))
    // "eine Million", "un millón": their gender is told by their ending.
    const gender = rules.feminine?.test(name) === true ? "feminine" : "masculine"
    return `${words.number(number, gender)} ${name}${nameBehindScale(currency, thousand.test(name))}`
  }

  const amount = (number: WrittenNumber, currency: string, scale: string | undefined): string => {
    if (scale !== undefined) return scaled(number, scale, currency)
    const { fraction, isNegative, whole } = number
    if (fraction === undefined && /[1-9]\d*0{6}$/.test(whole)) return `${words.number(number)}${nameBehindScale(currency, false)}`
    if (fraction?.length !== 2) return inCurrency(number, (gender) => words.number(number, gender), currency)
    const main: WrittenNumber = { isNegative, whole }
    const mainWords = inCurrency(main, (gender) => words.number(main, gender), currency)
    if (fraction === "00") return mainWords
    const forms = rules.cents[currency === "$" ? "USD" : currency]
    const cents = words.cardinal(fraction, "masculine")
    const name = forms === undefined ? undefined : nameOf(forms, Number(fraction))
    if (/^0+$/.test(whole) && name !== undefined) return `${isNegative ? `${signs.minus} ` : ""}${cents} ${name}`
    return rules.money(mainWords, name === undefined ? words.cardinal(fraction) : cents, name)
  }

  const measure = (number: WrittenNumber, symbol: string): string => {
    const own = ownUnits[symbol]
    const figures = (gender: Gender) => words.number(number, gender)
    if (own !== undefined) return withForms(number, figures, own)
    const unit = units[symbol]
    return named(number, figures, unit, { style: "unit", unit, unitDisplay: "long" })
  }

  const minus = "([-−–]?)"
  const figure = `(${pattern})`
  const dash = `${blank}?[-–—]${blank}?`
  const sign = `(${oneOf([...Object.keys(currencySigns), ...currencyCodes])})`
  const short = Object.keys(scales).length === 0 ? "" : `|${oneOf(Object.keys(scales))}`
  const scale = `(?:${blank}?(${rules.scaleWords}${short})(?![\\p{L}\\p{N}]))?`
  const symbol = `(${oneOf([...Object.keys(units).filter((key) => units[key] !== ""), ...Object.keys(ownUnits)])})`
  const signBefore = here(`${minus}${sign}${blank}?${minus}${figure}(?:${dash}(?:\\3|${sign})?${blank}?${figure})?${scale}${wordEnd}`)
  const signBehind = here(`${minus}${figure}(?:(?:${blank}?\\p{Sc})?${dash}${figure})?${scale}${blank}?${sign}${wordEnd}`)
  const unitBehind = here(`${minus}${figure}(?:(?:${blank}?(?:${oneOf([...Object.keys(units), ...Object.keys(ownUnits)])}))?${dash}${figure})?${blank}?${symbol}(?![\\p{L}\\p{M}\\p{N}²³])`)

  /** A sign without a figure: "in %", "prices in €". */
  const signAlone = here("[%€£$¥₹]")
  const nameAlone = (written: string): string =>
    written === "%"
      ? formatter("%", { style: "unit", unit: "percent", unitDisplay: "long" }).formatToParts(100).find(({ type }) => type === "unit")?.value.trim() ?? "%"
      : inCurrency({ isNegative: false, whole: "100" }, () => "", codeOf(written)).trim()

  /** "3,5 Mio. Menschen"; single letters may be units. */
  const scaleKeys = Object.keys(scales).filter((key) => key.length > 1)
  const scaledNumber = scaleKeys.length === 0 ? undefined : here(`${minus}${figure}${blank}?(${oneOf(scaleKeys)})(?![\\p{L}\\p{N}])`)

  const codeOf = (written: string) => currencySigns[written] ?? written
  const isNegative = (written: string | undefined, text: string, at: number) =>
    written !== undefined && written !== "" && /(?:^|[\s([{:;,"'“„«])$/.test(beforeOf(text, at))

  return (text, at) => {
    const prefixed = match(signBefore, text, at)
    if (prefixed !== null && prefixed[4].replace(/\D/g, "").length <= maxDigits) {
      const [written, minusBefore, name, minusBehind, first, , second, scaleName] = prefixed
      const currency = codeOf(name)
      const one = read(first, decimal, isNegative(minusBefore, text, at) || minusBehind !== "")
      const other = second === undefined ? one : read(second, decimal)
      const spoken = amount(other, currency, scaleName)
      return { length: written.length, words: second === undefined ? spoken : `${words.number(one)} ${signs.to} ${spoken}` }
    }
    const suffixed = match(signBehind, text, at)
    if (suffixed !== null && suffixed[2].replace(/\D/g, "").length <= maxDigits) {
      const [written, minusBefore, first, second, scaleName, name] = suffixed
      const one = read(first, decimal, isNegative(minusBefore, text, at))
      const other = second === undefined ? one : read(second, decimal)
      const spoken = amount(other, codeOf(name), scaleName)
      return { length: written.length, words: second === undefined ? spoken : `${words.number(one)} ${signs.to} ${spoken}` }
    }
    const large = scaledNumber === undefined ? null : match(scaledNumber, text, at)
    if (large !== null) {
      const number = read(large[2], decimal, isNegative(large[1], text, at))
      return { length: large[0].length, words: `${words.number(number)} ${nameOf(scales[large[3]] ?? { other: "" }, Math.abs(valueOf(number)))}` }
    }
    const measured = match(unitBehind, text, at)
    const alone = measured === null ? match(signAlone, text, at) : null
    if (alone !== null && !/^\d/.test(text[at + 1] ?? "")) return { length: 1, words: nameAlone(alone[0]) }
    if (measured === null || measured[2].replace(/\D/g, "").length > maxDigits) return undefined
    const [written, minusBefore, first, second, unit] = measured
    const one = read(first, decimal, isNegative(minusBefore, text, at))
    const other = second === undefined ? one : read(second, decimal)
    const spoken = measure(other, unit)
    const end = at + written.length
    // "10 min. later": the full stop is the unit's.
    const isUnitsStop = unit.length > 1 && text[end] === "." && /^\s+\p{Ll}/u.test(text.slice(end + 1, end + 4))
    return { length: written.length + (isUnitsStop ? 1 : 0), words: second === undefined ? spoken : `${words.number(one)} ${signs.to} ${spoken}` }
  }
}
