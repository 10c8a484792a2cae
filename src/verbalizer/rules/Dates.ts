/**
 * Dates: with the month's name, in figures in the language's order, or in the form of ISO 8601.
 */
import { beforeOf, type Language, match, oneOf, type Rule, stickyPattern } from "./Rule.ts"

interface Month {
  /** From 1. */
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
  for (let index = 0; index < 12; index++) {
    const day = dayOf(index)
    const name = monthIn(day, { month: "long", day: "numeric" })
    const long = monthIn(day, { month: "long" })
    const short = monthIn(day, { month: "short" })
    // "Sept" has four letters. The other short forms have three, or those of `Intl`.
    const sept = index === 8 ? [long.slice(0, 4)] : []
    for (const text of [name, long, short, short.slice(0, 3), ...sept, monthIn(day, { month: "short", day: "numeric" })]) {
      const key = text.toLowerCase()
      if (text.length >= 3 && !months.has(key)) months.set(key, { number: index + 1, name, isShort: text !== name && text !== long })
    }
  }
  return months
}

/** Whether a date in figures has its month before its day: "5/3/2024" is May 3. */
const isMonthFirstInFigures = (language: string): boolean =>
  new Intl.DateTimeFormat(language, { timeZone: "UTC" }).formatToParts(dayOf(4)).find(({ type }) => type === "day" || type === "month")?.type === "month"

const maxDay = 31

export const make = ({ rules, words }: Language): Rule => {
  const months = monthsOf(rules.language)
  // A short name may have a full stop.
  const monthName = `(${oneOf(months.keys())})\\.?(?![\\p{L}\\p{M}])`
  const yearAfter = "(?:,?\\s+(?:de\\s+|del\\s+)?(\\d{4})(?![\\p{L}\\p{N}])(?!(?::|[.,]\\d)))?"
  const marks = ["\\.", ...rules.ordinalMarks.map(([mark]) => mark.replace(/\./g, "\\."))].join("|")
  const dayFirst = stickyPattern(`(\\d{1,2})(?:${marks})?\\s+(?:de\\s+|of\\s+)?${monthName}${yearAfter}`, "i")
  const monthFirst = stickyPattern(`${monthName}\\s+(\\d{1,2})(?:st|nd|rd|th)?(?![\\p{L}\\p{N}]|[.:,]\\d)${yearAfter}`, "i")
  const iso = stickyPattern("(\\d{4})-(\\d{2})-(\\d{2})(?![\\p{L}\\p{N}-])")
  const figures = stickyPattern("(\\d{1,2})([./-])(\\d{1,2})\\2(\\d{4}|\\d{2})(?![\\p{L}\\p{N}]|[./-]\\d)")
  const dayAndMonth = stickyPattern("(\\d{1,2})\\.(\\d{1,2})\\.(?![\\d])")
  const usesMonthFirst = isMonthFirstInFigures(rules.language)
  const nameOf = (number: number) => [...months.values()].find((month) => month.number === number)?.name ?? ""

  const say = (before: string, day: number, month: string, year: string | undefined): string | undefined =>
    day < 1 || day > maxDay || month === ""
      ? undefined
      : rules.date({ before, day, month, ...(year === undefined ? {} : { year: Number(year) }) }, words)

  const spokenOf = (found: RegExpExecArray, spoken: string | undefined) =>
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
      return spokenOf(found, say(before, Number(found[2]), months.get(found[1].toLowerCase())?.name ?? "", found[3]))
    }
    const named = match(dayFirst, text, at)
    if (named !== null) {
      const month = months.get(named[2].toLowerCase())
      const isCapital = /^\p{Lu}/u.test(named[2])
      const isOtherWord = !isCapital && (rules.isMonthFirst === true || (month?.isShort === true && named[3] === undefined && !named[0].endsWith(".")))
      const spoken = isOtherWord ? undefined : say(before, Number(named[1]), month?.name ?? "", named[3])
      if (spoken !== undefined) return spokenOf(named, spoken)
    }
    const isoDate = match(iso, text, at)
    if (isoDate !== null) return spokenOf(isoDate, say(before, Number(isoDate[3]), nameOf(Number(isoDate[2])), isoDate[1]))
    const inFigures = match(figures, text, at)
    if (inFigures !== null) {
      const [one, other] = [Number(inFigures[1]), Number(inFigures[3])]
      const isMonthFirst = (usesMonthFirst && inFigures[2] !== "." && one <= 12) || other > 12
      return spokenOf(inFigures, say(before, isMonthFirst ? other : one, nameOf(isMonthFirst ? one : other), fullYear(inFigures[4])))
    }
    if (rules.ordinalWithStop === undefined) return undefined
    const withoutYear = match(dayAndMonth, text, at)
    return withoutYear === null
      ? undefined
      : spokenOf(withoutYear, say(before, Number(withoutYear[1]), nameOf(Number(withoutYear[2])), undefined))
  }
}
