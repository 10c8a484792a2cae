/**
 * Telephone numbers, and other digits in groups (card and account numbers). They are read digit by digit, with a comma between groups.
 */
import { parsePhoneNumberFromString } from "libphonenumber-js"
import { blank } from "../WrittenNumber.ts"
import { type Language, match, type Rule, stickyPattern } from "./Rule.ts"

/** The separator of two groups of digits: a blank, or a hyphen, dot or slash. */
const between = "(?:[ \\u00A0]?[\\u2010\\u2011\\/.-][ \\u00A0]?|[ \\u00A0])"

/** A row of digits in groups. A `+` may stand before it, and one group may be in brackets. */
const grouped = stickyPattern(
  `(?:\\+\\d{1,15}(?:${between}?\\(\\d{1,5}\\))?(?:${between}?\\d{1,15}){0,7}|(?:\\(\\d{1,5}\\)[ \\u00A0.\\/-]?)?\\d{1,15}(?:${between}\\d{2,8}){0,6})(?![\\p{L}\\p{N}])(?![.,:]\\d)`
)

/** Keys to dial: stars, digits, `#`. */
const dialled = stickyPattern("(?:[*#]+\\d[\\d*#]*|\\d+#)(?![\\p{L}\\p{N}])")

/** A unit or a currency sign. The digits before it are an amount, not a telephone number. */
const unitAfter = new RegExp(`^${blank}?(?:[%€$£¥°]|zł)`)

const groupsOf = (text: string): ReadonlyArray<string> => text.match(/\d+/g) ?? []

/** Divides digits into groups of three, which are easy to write down. The last group has one to four digits. */
const divide = (digits: string): ReadonlyArray<string> => {
  const groups: Array<string> = []
  let remaining = digits
  while (remaining.length > 4) {
    groups.push(remaining.slice(0, 3))
    remaining = remaining.slice(3)
  }
  return remaining.length > 0 ? [...groups, remaining] : groups
}

const isTelephone = (text: string): boolean => {
  const groups = groupsOf(text)
  const length = groups.reduce((sum, group) => sum + group.length, 0)
  if (text.startsWith("+")) return length >= 7
  if (text.startsWith("(")) return length >= 6
  if (length < 7) return false
  const shape = groups.map((group) => group.length).join("-")
  // "555-1234"
  if (shape === "3-4") return text[3] === "-"
  if (groups.length < 2) return /^0\d{6,}$/.test(text)
  // "2024-03-01", "3.5.2024" and "3/5/2024" are dates.
  if (/^(?:4-[12]-[12]|[12]-[12]-(?:2|4))$/.test(shape)) return false
  const hasDots = text.includes(".")
  if (groups[0].startsWith("0") && groups[0].length > 1) return !hasDots || groups.length >= 3
  // "1 250 000" is a number.
  if (/^[123](?:-3)+$/.test(shape) && /^[\d \u00A0]+$/.test(text) && (shape !== "3-3-3" || groups[2] === "000")) return false
  if (/^\d{1,3}(?:\.\d{3})+$/.test(text)) return false
  return groups.length >= 3 || (groups.length === 2 && text.includes("-") && length >= 9)
}

export const make = ({ rules: { readsPairs, signs }, words }: Language): Rule => {
  const group = (digits: string) => {
    if (readsPairs !== true || digits.length !== 2) return words.digits(digits)
    return digits.startsWith("0") ? words.digits(digits) : words.cardinal(digits)
  }
  const read = (groups: ReadonlyArray<string>) => groups.map(group).join(", ")

  return (text, at) => {
    const keys = match(dialled, text, at)
    // "#5" alone is not a key to dial, but a number in a list.
    if (keys !== null && !/^#\d+$/.test(keys[0])) {
      const spoken = Array.from(keys[0].matchAll(/\d+|\*|#/g), ([part]) => part === "*" ? signs.star : part === "#" ? signs.hash : words.digits(part))
      return { length: keys[0].length, words: spoken.join(" ") }
    }
    const found = match(grouped, text, at)
    if (found === null || unitAfter.test(text.slice(at + found[0].length, at + found[0].length + 3))) return undefined
    const [written] = found
    if (!isTelephone(written)) return undefined
    const groups = groupsOf(written)
    const plus = written.startsWith("+") ? `${signs.plus} ` : ""
    if (groups.length > 1) return { length: written.length, words: plus + read(groups) }
    const international = plus === "" ? undefined : parsePhoneNumberFromString(written)?.formatInternational()
    return { length: written.length, words: plus + read(international === undefined ? divide(groups[0]) : groupsOf(international)) }
  }
}
