/**
 * Times of day, alone and as a range: "18:00", "9 a.m.", "9–17 Uhr", "18h30".
 */
import { blank } from "../WrittenNumber.ts"
import { beforeOf, here, type Language, match, type Rule, wordEnd } from "./Rule.ts"

const dash = "\\s?[-–—]\\s?"

export const make = ({ rules, words }: Language): Rule => {
  // The pattern has small and capital letters, because some expressions that use it have no flag `i`.
  const half = rules.hasHalves === true ? `(?:${blank}?([aApP])\\.?${blank}?[mM]${wordEnd})` : undefined
  const word = rules.hourWord === undefined ? undefined : `(?:${blank}?(?:${rules.hourWord})${wordEnd})`
  const mark = rules.hourMark === undefined ? ":" : rules.hourMark === "h" ? "[:h]" : "[:.]"
  const colon = "([01]?\\d|2[0-4]):([0-5]\\d)"
  const behind = `${half === undefined ? "()" : `${half}?`}${word === undefined ? "" : `${word}?`}`
  const range = here(`${colon}${behind}\\.?${dash}${colon}${behind}(?!:?\\d)${wordEnd}`)
  const halfRange = half === undefined ? undefined : here(`([01]?\\d)(?::([0-5]\\d))?${half}?\\.?${dash}([01]?\\d)(?::([0-5]\\d))?${half}`)
  // In languages without an hour mark, "2 horas" is a duration and not a time.
  const hasMark = word !== undefined && rules.hourMark !== undefined
  const wordRange = !hasMark
    ? undefined
    : here(`([01]?\\d|2[0-4])(?:${mark}([0-5]\\d))?${word}?${dash}([01]?\\d|2[0-4])(?:${mark}([0-5]\\d))?${word}`, "i")
  const full = here(`${colon}(?::([0-5]\\d))?(?!:?\\d)(?![.,]\\d)${behind}`)
  const halfAlone = half === undefined ? undefined : here(`([01]?\\d)(?:\\.([0-5]\\d))?${half}`)
  const wordAlone = !hasMark ? undefined : here(`([01]?\\d|2[0-4])(?:${mark}([0-5]\\d))?${word}`, "i")
  const hourMinute = rules.hourMark === "h" ? here(`([01]?\\d|2[0-4])${blank}?[hH]${blank}?([0-5]\\d)${wordEnd}`) : undefined

  const halfOf = (letter: string | undefined) => letter === undefined || letter === "" ? {} : { half: letter.toLowerCase() === "a" ? "am" as const : "pm" as const }
  const say = (before: string, hours: string, minutes: string | undefined, letter?: string, isHourWordLater?: boolean) =>
    rules.clock({ before, hours: Number(hours), minutes: Number(minutes ?? 0), ...halfOf(letter), ...(isHourWordLater === undefined ? {} : { isHourWordLater }) }, words)
  const between = (one: string, other: string) => `${one} ${rules.signs.to} ${other}`

  const find: Rule = (text, at) => {
    const before = beforeOf(text, at)
    const to = `${rules.signs.to} `
    const both = match(range, text, at)
    if (both !== null) {
      return { length: both[0].length, words: between(say(before, both[1], both[2], both[3] || both[6]), say(to, both[4], both[5], both[6])) }
    }
    const halves = halfRange === undefined ? null : match(halfRange, text, at)
    if (halves !== null) {
      // "9–5 pm" begins in the morning, but "1–5 pm" in the afternoon.
      const first = halves[3] ?? (Number(halves[4]) > Number(halves[1]) ? halves[6] : "a")
      return { length: halves[0].length, words: between(say(before, halves[1], halves[2], first), say(to, halves[4], halves[5], halves[6])) }
    }
    const named = wordRange === undefined ? null : match(wordRange, text, at)
    if (named !== null) {
      return { length: named[0].length, words: between(say(before, named[1], named[2], undefined, true), say(to, named[3], named[4])) }
    }
    const minute = hourMinute === undefined ? null : match(hourMinute, text, at)
    if (minute !== null) return { length: minute[0].length, words: say(before, minute[1], minute[2]) }
    const one = match(full, text, at)
    if (one !== null) {
      const seconds = one[3] === undefined ? "" : ` ${words.cardinal(Number(one[3]))}`
      return { length: one[0].length, words: say(before, one[1], one[2], one[4]) + seconds }
    }
    const short = halfAlone === undefined ? null : match(halfAlone, text, at)
    if (short !== null && Number(short[1]) <= 12) return { length: short[0].length, words: say(before, short[1], short[2], short[3]) }
    const alone = wordAlone === undefined ? null : match(wordAlone, text, at)
    return alone === null ? undefined : { length: alone[0].length, words: say(before, alone[1], alone[2]) }
  }

  return (text, at) => {
    if (!/\d/.test(text[at])) return undefined
    const found = find(text, at)
    if (found === undefined) return undefined
    const end = at + found.length
    // If the sentence goes on after "a.m.", the last full stop belongs to "a.m." and is dropped.
    const isOfHalf = /\.\s?[mM]$/.test(text.slice(at, end)) && text[end] === "." && /^(?:\s+[^\s\p{Lu}]|[,;:!?)])/u.test(text.slice(end + 1, end + 4))
    return isOfHalf ? { ...found, length: found.length + 1 } : found
  }
}
