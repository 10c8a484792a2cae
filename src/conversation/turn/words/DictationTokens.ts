/**
 * A caller's words as things that are dictated: digits, letters, signs of an address, parts of a date. Pure; by language.
 */
import { languages } from "../../../verbalizer/Languages.ts"
import * as NumberWords from "../../../verbalizer/NumberWords.ts"
import type { DictationWords } from "../../../definition/languages/DictationWords.ts"

/** One thing of a row that is dictated. */
export type Token =
  /** `length`: how many digits. `digits` is unset for a name of several: "twenty three" may be two numbers. */
  | { readonly _tag: "Number"; readonly length: number; readonly digits?: string; readonly isWord: boolean }
  | { readonly _tag: "Ordinal" }
  | { readonly _tag: "Letter" }
  | { readonly _tag: "Month" }
  /** A sign of an address; `isMark`: it was not said but written. */
  | { readonly _tag: "Sign"; readonly isAt: boolean; readonly isMark: boolean }
  | { readonly _tag: "Repeat"; readonly times: number }
  | { readonly _tag: "Spelling" }
  /** An e-mail address, or the beginning of one. */
  | { readonly _tag: "Email"; readonly isWhole: boolean }
  /** A date in figures, with its year. */
  | { readonly _tag: "Date" }
  | { readonly _tag: "Between" }
  | { readonly _tag: "Word"; readonly word: string }

export type Of<Tag extends Token["_tag"]> = Extract<Token, { readonly _tag: Tag }>

export const isA = <Tag extends Token["_tag"]>(tag: Tag) => (token: Token): token is Of<Tag> => token._tag === tag

/** Number words up to this are looked up; a longer one ends a row of digits. */
const largestNumberWord = 99

export const setOf = (list: string): ReadonlySet<string> => new Set(list.split(" ").filter((word) => word.length > 0))

const months = (language: string): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const options of [{ month: "long" }, { month: "long", day: "numeric" }] as const) {
    const format = new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" })
    for (let month = 0; month < 12; month++) {
      for (const { type, value } of format.formatToParts(Date.UTC(2024, month, 15))) {
        if (type === "month" && /\p{L}/u.test(value)) names.add(value.toLowerCase())
      }
    }
  }
  return names
}

/** Digits by their names; of a number of several digits, the digits as it is written. */
const numberWords = (language: string): ReadonlyMap<string, string> => {
  const rules = languages.get(language)
  const names = new Map<string, string>()
  if (rules === undefined) return names
  const numerals = NumberWords.make(rules)
  for (let number = 0; number <= largestNumberWord; number++) {
    for (const name of [numerals.cardinal(number), numerals.cardinal(number, "masculine"), numerals.cardinal(number, "feminine")]) {
      const word = name.replaceAll("\u00AD", "").toLowerCase()
      if (/^[\p{L}\p{M}']+$/u.test(word)) names.set(word, String(number))
    }
  }
  return names
}

const ordinalWords = (language: string): ReadonlySet<string> => {
  const rules = languages.get(language)
  const names = new Set<string>()
  if (rules === undefined) return names
  const numerals = NumberWords.make(rules)
  for (const ruleSet of new Set(rules.ordinalMarks.map(([, ruleSet]) => ruleSet))) {
    for (let day = 1; day <= 31; day++) for (const word of numerals.ordinal(day, ruleSet).toLowerCase().split(/[\s-]/)) names.add(word)
  }
  return names
}

/** The row at the end, from its first digit, letter or sign. */
export const rowOf = (tokens: ReadonlyArray<Token>): ReadonlyArray<Token> => {
  let from = tokens.length
  while (from > 0 && tokens[from - 1]._tag !== "Word") from--
  while (from < tokens.length && tokens[from]._tag === "Between") from++
  return tokens.slice(from)
}

/** The digits of a row, if it is sure how they are written. */
export const digitsOf = (tokens: ReadonlyArray<Token>): string | undefined => {
  let digits = ""
  let times = 1
  for (const token of tokens) {
    if (token._tag === "Repeat") times = token.times
    else if (token._tag === "Number" && token.digits !== undefined) {
      digits += token.digits.repeat(token.isWord || token.digits.length === 1 ? times : 1)
      times = 1
    } else if (token._tag !== "Between" && token._tag !== "Sign") return undefined
  }
  return digits
}

export const lengthOf = (tokens: ReadonlyArray<Token>): number => tokens.filter(isA("Number")).reduce((sum, { length }) => sum + length, 0)

export interface Reader {
  /** `text` is in lower case. */
  readonly read: (text: string) => ReadonlyArray<Token>
  /** The digits of a number's name; of one of several digits, as it is written. */
  readonly numbers: ReadonlyMap<string, string>
}

export const make = (language: string, words: DictationWords): Reader => {
  const numbers = new Map([...numberWords(language), ...Object.entries(words.digits)])
  const monthNames = months(language)
  const ordinals = ordinalWords(language)
  const ordinal = words.ordinal === "" ? undefined : new RegExp(`^(?:${words.ordinal})$`, "u")
  const repeats = new Map(Object.entries(words.repeats))
  const { signs: named } = languages.get(language) ?? {}
  const ats = new Set([named?.at ?? "@", ...["arrobase", "ät", "at", "klammeraffe"].filter((at) => setOf(words.signs).has(at))])
  const signs = new Set([...setOf(words.signs), ...ats, ...[named?.dot, named?.dash, named?.underscore, named?.slash].flatMap((sign) => sign?.split(" ") ?? [])])
  const hesitations = setOf(words.hesitations)
  const between = setOf(words.between)
  const spelling = setOf(words.spelling)
  const asIn = new Set(words.asIn.split(" ").map((phrase) => phrase.replaceAll("|", " ")).filter((phrase) => phrase.length > 0))

  /** What a word of the text is; several, where it is written together: "J-A-N", "555-123". */
  const tokensOf = (word: string): ReadonlyArray<Token> => {
    const bare = word.replace(/^["'“„«([]+|["'”“»)\].,;:!…]+$/gu, "")
    if (bare.includes("@")) {
      return bare === "@" ? [{ _tag: "Sign", isAt: true, isMark: true }] : [{ _tag: "Email", isWhole: /\S@\S+\.\p{L}{2,}$/u.test(bare) }]
    }
    if (/^(?:\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2})$/.test(bare)) return [{ _tag: "Date" }]
    if (/^\d+(?:st|nd|rd|th|er|re|ère|e|ème|de|º|ª)$/u.test(bare)) return [{ _tag: "Ordinal" }]
    // "10:30", "3.5" and "$5" are no digits of a number.
    if (/^\+?\d+$/.test(bare) || /^\+?\(?\d+\)?(?:[-./]\(?\d{2,}\)?)+$/.test(bare)) {
      return (bare.match(/\d+/g) ?? []).map((digits) => ({ _tag: "Number", length: digits.length, digits, isWord: false }))
    }
    if (/^[ap]\.?m$/.test(bare)) return [{ _tag: "Word", word: bare }]
    // Two letters with full stops may be an abbreviation.
    if (/^\p{L}\.\p{L}$/u.test(bare)) return [{ _tag: "Letter" }]
    if (/^\p{L}(?:[-.]\p{L})+$/u.test(bare)) return bare.split(/[-.]/).map(() => ({ _tag: "Letter" }))
    // "@", "." and "-" by themselves, as some recognizers write them.
    if (/^[._/-]$/.test(word)) return [{ _tag: "Sign", isAt: false, isMark: true }]
    const parts = bare.split("-")
    if (parts.length > 1) return parts.flatMap(tokensOf)
    const digits = numbers.get(bare)
    if (digits !== undefined) {
      return [digits.length === 1 ? { _tag: "Number", length: 1, digits, isWord: true } : { _tag: "Number", length: digits.length, isWord: true }]
    }
    if (monthNames.has(bare)) return [{ _tag: "Month" }]
    if (ordinals.has(bare) || ordinal?.test(bare) === true) return [{ _tag: "Ordinal" }]
    const times = repeats.get(bare)
    if (times !== undefined) return [{ _tag: "Repeat", times }]
    if (signs.has(bare)) return [{ _tag: "Sign", isAt: ats.has(bare), isMark: false }]
    if (spelling.has(bare)) return [{ _tag: "Spelling" }]
    if (between.has(bare)) return [{ _tag: "Between" }]
    if (/^\p{L}$/u.test(bare)) return [{ _tag: "Letter" }]
    if (/^\p{L}\d+$|^\d+\p{L}$/u.test(bare)) return [{ _tag: "Number", length: bare.length - 1, isWord: false }, { _tag: "Letter" }]
    return bare.length === 0 || hesitations.has(bare) ? [] : [{ _tag: "Word", word: bare }]
  }

  const read = (text: string): ReadonlyArray<Token> => {
    const all = text.split(/\s+/).filter((word) => word.length > 0)
    const tokens: Array<Token> = []
    for (let index = 0; index < all.length; index++) {
      const [next = "", behind = ""] = all.slice(index, index + 2)
      // "J as in Juliet": the word is only there for its letter.
      if (tokens.at(-1)?._tag === "Letter") {
        const length = asIn.has(`${next} ${behind}`) ? 2 : asIn.has(next) ? 1 : 0
        if (length > 0) {
          tokens.push({ _tag: "Spelling" })
          index += length
          continue
        }
      }
      // "seven a m"
      if (tokens.at(-1)?._tag === "Number" && /^[ap]$/.test(next) && /^m\W*$/.test(behind)) {
        tokens.push({ _tag: "Word", word: `${next}m` })
        index++
        continue
      }
      tokens.push(...tokensOf(next))
    }
    return tokens
  }

  return { read, numbers }
}
