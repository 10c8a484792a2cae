/**
 * Writes abbreviations in full: "Baker St.," becomes "Baker Street,". A short word such as "Mon" is read as a weekday only in a
 * range or, in a language that writes the month before the day (English), before digits.
 */
import type { Abbreviation } from "../LanguageRules.ts"
import { afterOf, beforeOf, capitalize, escape, type Language, match, oneOf, type Rule, stickyPattern, wordEnd } from "./Rule.ts"

/**
 * The weekdays' long names, by their long and short names and, except in English, by the first two letters of the short name ("Mo"). 1 January
 * 2024 was a Monday.
 */
const weekdaysOf = (language: string): ReadonlyMap<string, string> => {
  const days = new Map<string, string>()
  for (let day = 1; day <= 7; day++) {
    const date = new Date(Date.UTC(2024, 0, day))
    const name = (weekday: "long" | "short") => new Intl.DateTimeFormat(language, { timeZone: "UTC", weekday }).format(date)
    const short = name("short").replace(/\.$/, "")
    for (const text of [short, name("long"), ...(language === "en" ? [] : [short.slice(0, 2)])]) if (!days.has(text.toLowerCase())) days.set(text.toLowerCase(), name("long"))
  }
  return days
}

/** A title without its full stop must be followed by a capital. With the full stop, a word such as "and" or "de" may follow, too. */
const afterTitle = "(?:\\.(?=[\\s\\u00A0]+\\p{L})|(?=[\\s\\u00A0]+\\p{Lu}))"

/** Matches an abbreviation. A blank may follow each full stop inside it. A small first letter also matches its capital. */
const patternOf = ([written, , kind]: Abbreviation): RegExp => {
  const hasFullStop = written.endsWith(".")
  const body = (hasFullStop ? written.slice(0, -1) : written).split(".").map(escape).join("\\.[\\s\\u00A0]?")
  const bodyInEitherCase = /^\p{Ll}/u.test(body) ? `[${body[0]}${body[0].toUpperCase()}]${body.slice(1)}` : body
  // "Mr Smith", "Dr Jones": British and French titles have no full stop. A single letter must have one.
  const mayLackStop = kind === "title" && written.length > 2
  const end = hasFullStop ? (mayLackStop ? "" : "\\.") : wordEnd
  const follows = kind === "title" && hasFullStop
    ? (mayLackStop ? afterTitle : "(?=[\\s\\u00A0]+\\p{Lu})")
    : kind === "number"
    ? "(?=[\\s\\u00A0]*[\\d+(])"
    : kind === "street"
    ? "(?![\\p{L}\\p{N}])"
    : hasFullStop
    ? "(?![\\p{L}])"
    : ""
  return stickyPattern(`${kind === "suffix" ? "([\\p{L}-]+)" : ""}${bodyInEitherCase}${end}${follows}`)
}

/** Matches the text after a sentence's full stop: nothing, or a capital. */
const afterSentence = /^\s*$|^\s+["“„«(]?\p{Lu}/u

export const make = ({ rules }: Language): Rule => {
  const entries = rules.abbreviations.map((entry) => ({ entry, pattern: patternOf(entry) }))
    .sort((one, other) => other.entry[0].length - one.entry[0].length)
  const byFirstLetter = new Map<string, typeof entries>()
  for (const item of entries) {
    const letter = item.entry[0][0].toLowerCase()
    byFirstLetter.set(letter, [...byFirstLetter.get(letter) ?? [], item])
  }
  const suffixes = entries.filter(({ entry }) => entry[2] === "suffix")

  const days = weekdaysOf(rules.language)
  const day = `(${oneOf(days.keys())})`
  const dayRange = stickyPattern(`${day}\\.?\\s?[-–—]\\s?${day}(?:\\.(?=\\s*[\\p{Ll}\\d,:]))?${wordEnd}`, "i")
  const dayBeforeFigure = stickyPattern(`${day}\\.?,?(?=\\s+\\d)`, "i")

  return (text, at) => {
    if (!/[\p{L}№]/u.test(text[at])) return undefined
    const range = match(dayRange, text, at)
    if (range !== null) {
      return { length: range[0].length, words: `${days.get(range[1].toLowerCase())} ${rules.signs.to} ${days.get(range[2].toLowerCase())}` }
    }
    if (rules.isMonthFirst === true && /^\p{Lu}/u.test(text[at])) {
      const found = match(dayBeforeFigure, text, at)
      if (found !== null && found[1].length > 2) return { length: found[1].length + (found[0].includes(".") ? 1 : 0), words: days.get(found[1].toLowerCase()) ?? found[1] }
    }
    const before = beforeOf(text, at)
    for (const { entry: [written, spoken, kind], pattern } of [...byFirstLetter.get(text[at].toLowerCase()) ?? [], ...suffixes]) {
      const found = match(pattern, text, at)
      if (found === null) continue
      const [matched] = found
      const after = afterOf(text, at + matched.length)
      const isAfterName = /(?:^|\s)(?:\p{Lu}[\p{L}\p{M}'’-]*|\d+(?:st|nd|rd|th))\s$/u.test(before)
      if (kind === "street" && !isAfterName) continue
      // "St." is a title before a name ("St. James"). In "Baker St. is near" it is not.
      if (kind === "title" && entries.some(({ entry }) => entry[0] === written && entry[2] === "street") && !/^\s+\p{Lu}/u.test(after) && !/^\s+(?:and|&)\s/.test(after)) continue
      const words = kind === "suffix" ? `${found[1]}${spoken}` : /^\p{Lu}/u.test(matched) && /^\p{Ll}/u.test(written) ? capitalize(spoken) : spoken
      const isEnd = matched.endsWith(".") && (kind === "any" || kind === "street" || kind === "suffix") && afterSentence.test(after)
      return { length: matched.length, words: isEnd ? `${words}.` : words }
    }
    return undefined
  }
}
