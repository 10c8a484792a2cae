/**
 * Ordinals, decades and versions, and Roman numerals after certain words, such as "Chapter".
 */
import { afterOf, beforeOf, escape, type Language, match, type Rule, stickyPattern, wordEnd } from "./Rule.ts"

/** Matches the Roman numerals from I to XXXIX. */
const roman = /^X{0,3}(?:IX|IV|V?I{0,3})$/

const romanValue = (text: string): number =>
  Array.from(text, (letter) => ({ I: 1, V: 5, X: 10 })[letter] ?? 0)
    .reduce((sum, value, index, all) => value < (all[index + 1] ?? 0) ? sum - value : sum + value, 0)

export const make = ({ rules, words }: Language): Rule => {
  const { decade, ordinalMarks, signs } = rules
  const marks = ordinalMarks.map(([mark]) => mark).sort((one, other) => other.length - one.length).map(escape).join("|")
  const ordinal = stickyPattern(`(\\d{1,4})(${marks})${wordEnd}`)
  const ordinalWithStop = stickyPattern("(\\d{1,3})\\.(?=\\s)")
  const decadePattern = decade === undefined ? undefined : stickyPattern(`['’]?(\\d{2}|\\d{4})${decade[0]}${wordEnd}`)
  const version = stickyPattern("[vV]?(\\d+(?:\\.\\d+){2,})(?![\\p{L}\\p{N}])")
  const versionWithV = stickyPattern("[vV](\\d+(?:\\.\\d+)*)(?![\\p{L}\\p{N}])")
  const numeral = stickyPattern(`[IVX]{1,6}${wordEnd}`)
  const romanWord = rules.romanWords === undefined ? undefined : new RegExp(`(?:^|[^\\p{L}])(?:${rules.romanWords})\\s$`, "iu")

  return (text, at) => {
    const before = beforeOf(text, at)
    if (/[IVX]/.test(text[at])) {
      const found = romanWord === undefined ? null : match(numeral, text, at)
      if (found !== null && roman.test(found[0]) && romanWord?.test(before) === true) {
        return { length: found[0].length, words: words.cardinal(romanValue(found[0])) }
      }
    }
    // Many languages separate thousands by full stops, so "1.250.000" is not a version.
    const versioned = match(version, text, at) ?? match(versionWithV, text, at)
    if (versioned !== null && !/^\d{1,3}(?:\.\d{3})+$/.test(versioned[0])) {
      const spoken = versioned[1].split(".").map((part) => words.cardinal(part)).join(` ${signs.dotInNumber} `)
      return { length: versioned[0].length, words: /^[vV]/.test(versioned[0]) ? `${signs.version} ${spoken}` : spoken }
    }
    const years = decadePattern === undefined ? null : match(decadePattern, text, at)
    if (years !== null && decade !== undefined && years[1].endsWith("0")) {
      const value = Number(years[1])
      return { length: years[0].length, words: decade[1](years[1].length === 4 ? words.year(value) : words.cardinal(value)) }
    }
    const place = match(ordinal, text, at)
    if (place !== null) {
      const [, alone, beforeNoun = alone] = ordinalMarks.find(([mark]) => mark === place[2]) ?? ["", ""]
      const hasNoun = words.genderBefore(afterOf(text, at + place[0].length)) !== undefined
      return { length: place[0].length, words: words.ordinal(Number(place[1]), hasNoun ? beforeNoun : alone) }
    }
    const withStop = rules.ordinalWithStop === undefined ? null : match(ordinalWithStop, text, at)
    if (withStop === null) return undefined
    const ruleSet = rules.ordinalWithStop?.(before, afterOf(text, at + withStop[0].length))
    return ruleSet === undefined ? undefined : { length: withStop[0].length, words: words.ordinal(Number(withStop[1]), ruleSet) }
  }
}
