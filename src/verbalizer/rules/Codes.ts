/**
 * Figures that identify something and are not a quantity: ZIP codes, order numbers, PINs, serial numbers. They are read digit by digit.
 */
import { beforeOf, type Language, match, type Rule, stickyPattern } from "./Rule.ts"

/** A number of this many digits or more without separators is a code, unless it is round (ends with three zeros). */
const minCodeDigits = 5
const roundNumber = /0{3}$/

/** A number of more digits is a code, even if it is round. `NumberWords` has no words for it. */
const maxRoundDigits = 15

/** A number of this many digits or more is a code after a word such as "PIN". */
const minAnnouncedDigits = 3

/** Whether a token is a name: letters with one or two figures, such as "A4", "MP3", "B12". Its figures are read as a number. */
const isName = (token: string): boolean => /^(?:\p{L}+-?\d{1,2}|\d{1,2}-?\p{L}+)$/u.test(token) && !/(?:^|\D)0\d/.test(token)

export const make = ({ rules, words }: Language): Rule => {
  const announced = new RegExp(`(?:^|[^\\p{L}])(?:${rules.codeWords})s?(?:[\\s:#.,"'“„«-]+(?:${rules.codeFillers}))*[\\s:#."'“„«-]+$`, "iu")
  const postcode = rules.postcode === undefined ? undefined : stickyPattern(`(?:${rules.postcode})(?![\\p{L}\\p{N}])`)
  const hyphenated = stickyPattern("\\d+(?:-\\d+){2,}(?![\\p{L}\\p{N}-])")
  const lettersAndDigits = stickyPattern("(?=[\\p{L}-]*\\d)(?=[\\d-]*\\p{L})[\\p{L}\\d]+(?:-[\\p{L}\\d]*\\d[\\p{L}\\d]*|-(?=\\p{Lu})\\p{Lu}+(?!\\p{L}))*(?![\\p{L}\\p{N}])")
  const digitsOnly = stickyPattern("\\d+(?![\\p{L}\\p{N}])(?![.,:/]\\d)")

  const spell = (token: string): string => {
    const runs = token.match(/\p{L}+|\d+/gu) ?? []
    const isCode = !isName(token)
    // Letters between figures are read one by one. A word before figures stays a word.
    const isInterleaved = runs.length > 2
    return runs.map((run) => {
      if (/\d/.test(run)) return isCode || run.length > 2 ? words.digits(run) : words.cardinal(run)
      return isInterleaved && run === run.toUpperCase() && run.length <= 4 ? Array.from(run).join(" ") : run
    }).join(" ")
  }

  return (text, at) => {
    const code = postcode === undefined ? null : match(postcode, text, at)
    if (code !== null) {
      const parts = code[0].match(/\p{L}+|\d+/gu) ?? []
      return { length: code[0].length, words: parts.map((part) => /\d/.test(part) ? words.digits(part) : Array.from(part).join(" ")).join(" ") }
    }
    const groups = match(hyphenated, text, at)
    if (groups !== null) return { length: groups[0].length, words: groups[0].split("-").map(words.digits).join(", ") }
    const token = match(lettersAndDigits, text, at)
    if (token !== null && /\p{L}/u.test(token[0]) && /\d/.test(token[0])) return { length: token[0].length, words: spell(token[0]) }
    const digits = match(digitsOnly, text, at)
    if (digits === null) return undefined
    const [written] = digits
    const isCode = (written.length > 1 && written.startsWith("0")) || (written.length >= minCodeDigits && !roundNumber.test(written)) ||
      written.length > maxRoundDigits || (written.length >= minAnnouncedDigits && announced.test(beforeOf(text, at)))
    return isCode ? { length: written.length, words: words.digits(written) } : undefined
  }
}
