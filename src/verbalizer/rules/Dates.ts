/**
 * Dates: with the month's name, in figures in the language's order, or in the form of ISO 8601.
 */
import { beforeOf, here, type Language, match, oneOf, type Rule } from "./Rule.ts"

interface Month {
  readonly number: number
  /** The name in the form that is used within a date. */
  readonly name: string
  /** Whether the text is a short form, which may also be another word: "set", "mar". */
  readonly isShort: boolean
}

/** A day in this month of some year. `month`: from 0. */
const dayOf = (month: number) => new Date(Date.UTC(2024, month, 3))

const monthsOf = (language: string): ReadonlyMap<string, Month> => {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options })
  const monthIn = (date: Date, options: Intl.DateTimeFormatOptions) =>
    format(options).formatToParts(date).find(({ type }) => type === "month")?.value.replace(/\.$/, "") ?? ""
  const months = new Map<string, Month>()
  for (let number = 0; number < 12; number++) {
    const day = dayOf(number)
    const name = monthIn(day, { month: "long", day: "numeric" })
    const long = monthIn(day, { month: "long" })
    const short = monthIn(day, { month: "short" })
    for (const text of [name, long, short, short.slice(0, 3), ...(number === 8 ? [long.slice(0, 4)] : []), monthIn(day, { month: "short", day: "numeric" })]) {
      const key = text.toLowerCase()
      if (text.length >= 3 && !months.has(key)) months.set(key, { number: number + 1, name, isShort: text !== name && text !== long })
    }
  }
  return months
}

const isMonthBefore = (language: string): boolean =>
  new Intl.DateTimeFormat(language, { timeZone: "UTC" }).formatToParts(dayOf(4)).find(({ type }) => type === "day" || type === "month")?.type === "month"

const maxDay = 31

export const make = ({ rules, words }: Language): Rule => {
  const months = monthsOf(rules.language)
  const all = [...months.keys()]
  // A short name may have a full stop.
  const name = `(${oneOf(all)})\\.?(?![\\p{L}\\p{M}])`
  const year = "(?:,?\\s+(?:de\\s+|del\\s+)?(\\d{4})(?![\\p{L}\\p{N}])(?!(?::|[.,]\\d)))?"
  const marks = ["\\.", ...rules.ordinalMarks.map(([mark]) => mark.replace(/\./g, "\\."))].join("|")
  const dayFirst = here(`(\\d{1,2})(?:${marks})?\\s+(?:de\\s+|of\\s+)?${name}${year}`, "i")
  const monthFirst = here(`${name}\\s+(\\d{1,2})(?:st|nd|rd|th)?(?![\\p{L}\\p{N}]|[.:,]\\d)${year}`, "i")
  const iso = here("(\\d{4})-(\\d{2})-(\\d{2})(?![\\p{L}\\p{N}-])")
  const figures = here("(\\d{1,2})([./-])(\\d{1,2})\\2(\\d{4}|\\d{2})(?![\\p{L}\\p{N}]|[./-]\\d)")
  const dotted = here("(\\d{1,2})\\.(\\d{1,2})\\.(?![\\d])")
  const hasMonthBefore = isMonthBefore(rules.language)
  const nameOf = (number: number) => [...months.values()].find((month) => month.number === number)?.name ?? ""

  const say = (before: string, day: number, month: string, spoken: string | undefined): string | undefined =>
    day < 1 || day > maxDay || month === ""
      ? undefined
      : rules.date({ before, day, month, ...(spoken === undefined ? {} : { year: Number(spoken) }) }, words)

  const answer = (found: RegExpExecArray, spoken: string | undefined) =>
    spoken === undefined ? undefined : { length: found[0].length, words: spoken }

  /** Completes a year of two digits: "24" is 2024, "95" is 1995. */
  const fullYear = (digits: string) => digits.length === 4 ? digits : `${Number(digits) < 50 ? 20 : 19}${digits}`

  return (text, at) => {
    const before = beforeOf(text, at)
    if (/\p{L}/u.test(text[at])) {
      if (rules.isMonthFirst !== true) return undefined
      const found = match(monthFirst, text, at)
      // The names of months begin with a capital. In "may 3 people come", "may" is not a month.
      if (found === null || !/^\p{Lu}/u.test(found[1])) return undefined
      return answer(found, say(before, Number(found[2]), months.get(found[1].toLowerCase())?.name ?? "", found[3]))
    }
    const named = match(dayFirst, text, at)
    if (named !== null) {
      const month = months.get(named[2].toLowerCase())
      const isCapital = /^\p{Lu}/u.test(named[2])
      const isWord = !isCapital && (rules.isMonthFirst === true || (month?.isShort === true && named[3] === undefined && !named[0].endsWith(".")))
      const spoken = isWord ? undefined : say(before, Number(named[1]), month?.name ?? "", named[3])
      if (spoken !== undefined) return answer(named, spoken)
    }
    const standard = match(iso, text, at)
    if (standard !== null) return answer(standard, say(before, Number(standard[3]), nameOf(Number(standard[2])), standard[1]))
    const short = match(figures, text, at)
    if (short !== null) {
      const [one, other] = [Number(short[1]), Number(short[3])]
      const isMonthFirst = (hasMonthBefore && short[2] !== "." && one <= 12) || other > 12
      return answer(short, say(before, isMonthFirst ? other : one, nameOf(isMonthFirst ? one : other), fullYear(short[4])))
    }
    if (rules.ordinalWithStop === undefined) return undefined
    const open = match(dotted, text, at)
    return open === null ? undefined : answer(open, say(before, Number(open[1]), nameOf(Number(open[2])), undefined))
  }
}
