/**
 * Figures that identify something and are not a quantity: ZIP codes, order numbers, PINs, serial numbers. They are read digit by digit.
 */
import { beforeOf, here, type Language, match, type Rule } from "./Rule.ts"

/** A number of this many digits or more without separators is a code, unless it is round (ends with three zeros). */
const longDigits = 5
const roundNumber = /0{3}$/

/** Whether a token is a name: letters with one or two figures, such as "A4", "MP3", "B12". Its figures are read as a number. */
const isName = (token: string): boolean => /^(?:\p{L}+-?\d{1,2}|\d{1,2}-?\p{L}+)$/u.test(token) && !/(?:^|\D)0\d/.test(token)

export const make = ({ rules, words }: Language): Rule => {
  const announced = new RegExp(`(?:^|[^\\p{L}])(?:${rules.codeWords})s?(?:[\\s:#.,"'“„«-]+(?:${rules.codeFillers}))*[\\s:#."'“„«-]+$`, "iu")
  const postcode = rules.postcode === undefined ? undefined : here(`(?:${rules.postcode})(?![\\p{L}\\p{N}])`)
  const hyphenated = here("\\d+(?:-\\d+){2,}(?![\\p{L}\\p{N}-])")
  const mixed = here("(?=[\\p{L}-]*\\d)(?=[\\d-]*\\p{L})[\\p{L}\\d]+(?:-[\\p{L}\\d]*\\d[\\p{L}\\d]*|-(?=\\p{Lu})\\p{Lu}+(?!\\p{L}))*(?![\\p{L}\\p{N}])")
  const plain = here("\\d+(?![\\p{L}\\p{N}])(?![.,:/]\\d)")

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
    const token = match(mixed, text, at)
    if (token !== null && /\p{L}/u.test(token[0]) && /\d/.test(token[0])) return { length: token[0].length, words: spell(token[0]) }
    const digits = match(plain, text, at)
    if (digits === null) return undefined
    const [written] = digits
    const isCode = (written.length > 1 && written.startsWith("0")) || (written.length >= longDigits && !roundNumber.test(written)) ||
      written.length > 15 || (written.length >= 3 && announced.test(beforeOf(text, at)))
    return isCode ? { length: written.length, words: words.digits(written) } : undefined
  }
}
