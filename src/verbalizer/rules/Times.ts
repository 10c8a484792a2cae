/**
 * Times of day, alone and as a range: "18:00", "9 a.m.", "9–17 Uhr", "18h30".
 */
import { blank } from "../WrittenNumber.ts"
import { beforeOf, type Language, match, type Rule, stickyPattern, wordEnd } from "./Rule.ts"

const dash = "\\s?[-–—]\\s?"

export const make = ({ rules, words }: Language): Rule => {
  // The pattern has small and capital letters, because some expressions that use it have no flag `i`.
  const dayPeriod = rules.hasDayPeriods === true ? `(?:${blank}?([aApP])\\.?${blank}?[mM]${wordEnd})` : undefined
  const hourWord = rules.hourWord === undefined ? undefined : `(?:${blank}?(?:${rules.hourWord})${wordEnd})`
  const separator = rules.hourMark === undefined ? ":" : rules.hourMark === "h" ? "[:h]" : "[:.]"
  const hoursAndMinutes = "([01]?\\d|2[0-4]):([0-5]\\d)"
  const dayPeriodOrWord = `${dayPeriod === undefined ? "()" : `${dayPeriod}?`}${hourWord === undefined ? "" : `${hourWord}?`}`
  const range = stickyPattern(`${hoursAndMinutes}${dayPeriodOrWord}\\.?${dash}${hoursAndMinutes}${dayPeriodOrWord}(?!:?\\d)${wordEnd}`)
  const dayPeriodRange = dayPeriod === undefined ? undefined : stickyPattern(`([01]?\\d)(?::([0-5]\\d))?${dayPeriod}?\\.?${dash}([01]?\\d)(?::([0-5]\\d))?${dayPeriod}`)
  // In languages without an hour mark, "2 horas" is a duration and not a time.
  const hasHourMark = hourWord !== undefined && rules.hourMark !== undefined
  const hourWordRange = !hasHourMark
    ? undefined
    : stickyPattern(`([01]?\\d|2[0-4])(?:${separator}([0-5]\\d))?${hourWord}?${dash}([01]?\\d|2[0-4])(?:${separator}([0-5]\\d))?${hourWord}`, "i")
  const timeWithColon = stickyPattern(`${hoursAndMinutes}(?::([0-5]\\d))?(?!:?\\d)(?![.,]\\d)${dayPeriodOrWord}`)
  const dayPeriodAlone = dayPeriod === undefined ? undefined : stickyPattern(`([01]?\\d)(?:\\.([0-5]\\d))?${dayPeriod}`)
  const hourWordAlone = !hasHourMark ? undefined : stickyPattern(`([01]?\\d|2[0-4])(?:${separator}([0-5]\\d))?${hourWord}`, "i")
  const hourMinute = rules.hourMark === "h" ? stickyPattern(`([01]?\\d|2[0-4])${blank}?[hH]${blank}?([0-5]\\d)${wordEnd}`) : undefined

  const dayPeriodOf = (letter: string | undefined) => letter === undefined || letter === "" ? {} : { dayPeriod: letter.toLowerCase() === "a" ? "am" as const : "pm" as const }
  const say = (before: string, hours: string, minutes: string | undefined, letter?: string, isHourWordLater?: boolean) =>
    rules.clock({ before, hours: Number(hours), minutes: Number(minutes ?? 0), ...dayPeriodOf(letter), ...(isHourWordLater === undefined ? {} : { isHourWordLater }) }, words)
  const rangeOf = (one: string, other: string) => `${one} ${rules.signs.to} ${other}`

  const find: Rule = (text, at) => {
    const before = beforeOf(text, at)
    const beforeSecond = `${rules.signs.to} `
    const both = match(range, text, at)
    if (both !== null) {
      return { length: both[0].length, words: rangeOf(say(before, both[1], both[2], both[3] || both[6]), say(beforeSecond, both[4], both[5], both[6])) }
    }
    const withPeriod = dayPeriodRange === undefined ? null : match(dayPeriodRange, text, at)
    if (withPeriod !== null) {
      // "9–5 pm" begins in the morning, but "1–5 pm" in the afternoon.
      const first = withPeriod[3] ?? (Number(withPeriod[4]) > Number(withPeriod[1]) ? withPeriod[6] : "a")
      return { length: withPeriod[0].length, words: rangeOf(say(before, withPeriod[1], withPeriod[2], first), say(beforeSecond, withPeriod[4], withPeriod[5], withPeriod[6])) }
    }
    const withHourWord = hourWordRange === undefined ? null : match(hourWordRange, text, at)
    if (withHourWord !== null) {
      return { length: withHourWord[0].length, words: rangeOf(say(before, withHourWord[1], withHourWord[2], undefined, true), say(beforeSecond, withHourWord[3], withHourWord[4])) }
    }
    const minute = hourMinute === undefined ? null : match(hourMinute, text, at)
    if (minute !== null) return { length: minute[0].length, words: say(before, minute[1], minute[2]) }
    const one = match(timeWithColon, text, at)
    if (one !== null) {
      const seconds = one[3] === undefined ? "" : ` ${words.cardinal(Number(one[3]))}`
      return { length: one[0].length, words: say(before, one[1], one[2], one[4]) + seconds }
    }
    const periodOnly = dayPeriodAlone === undefined ? null : match(dayPeriodAlone, text, at)
    if (periodOnly !== null && Number(periodOnly[1]) <= 12) return { length: periodOnly[0].length, words: say(before, periodOnly[1], periodOnly[2], periodOnly[3]) }
    const alone = hourWordAlone === undefined ? null : match(hourWordAlone, text, at)
    return alone === null ? undefined : { length: alone[0].length, words: say(before, alone[1], alone[2]) }
  }

  return (text, at) => {
    if (!/\d/.test(text[at])) return undefined
    const found = find(text, at)
    if (found === undefined) return undefined
    const end = at + found.length
    // If the sentence goes on after "a.m.", the last full stop belongs to "a.m." and is dropped.
    const isOfDayPeriod = /\.\s?[mM]$/.test(text.slice(at, end)) && text[end] === "." && /^(?:\s+[^\s\p{Lu}]|[,;:!?)])/u.test(text.slice(end + 1, end + 4))
    return isOfDayPeriod ? { ...found, length: found.length + 1 } : found
  }
}
