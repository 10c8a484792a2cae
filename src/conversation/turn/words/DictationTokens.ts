/**
 * Reads a caller's words as tokens of dictation: digits, letters, signs of an address, parts of a date. Pure. The rules depend on the language.
 */
import { languages } from "../../../verbalizer/Languages.ts"
import * as NumberWords from "../../../verbalizer/NumberWords.ts"
import type { DictationWords } from "../../../definition/languages/DictationWords.ts"

/** One thing that a caller dictates, or a plain word. */
export type Token =
  /** `length`: how many digits. `digits`: unset for a number word of several digits, since "twenty three" may be two numbers. */
  | { readonly _tag: "Number"; readonly length: number; readonly digits?: string; readonly isWord: boolean }
  | { readonly _tag: "Ordinal" }
  | { readonly _tag: "Letter" }
  | { readonly _tag: "Month" }
  /** A sign of an e-mail address. `isSymbol`: the recognizer wrote the sign itself ("@"), not its name ("at"). */
  | { readonly _tag: "Sign"; readonly isAt: boolean; readonly isSymbol: boolean }
  /** "double", "triple" */
  | { readonly _tag: "Repeat"; readonly times: number }
  /** Words that explain a letter: "as in Juliet", "capital" */
  | { readonly _tag: "Spelling" }
  /** An e-mail address, or the beginning of one. */
  | { readonly _tag: "Email"; readonly isWhole: boolean }
  /** A date in figures, with its year. */
  | { readonly _tag: "Date" }
  /** A word that may stand between digits: "and", "then" */
  | { readonly _tag: "Between" }
  | { readonly _tag: "Word"; readonly word: string }

export type TokenOf<Tag extends Token["_tag"]> = Extract<Token, { readonly _tag: Tag }>

export const isA = <Tag extends Token["_tag"]>(tag: Tag) => (token: Token): token is TokenOf<Tag> => token._tag === tag

/** Number words up to this number are recognized. A word for a larger number ends a row of digits. */
const largestNumberWord = 99

const setOf = (list: string): ReadonlySet<string> => new Set(list.split(" ").filter((word) => word.length > 0))

/** Names of months from `Intl`, alone and in a date. */
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

/** The digits of each number word: "seven" has 7, "twenty" has 20. */
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

/** The tokens after the last plain word, from the first digit, letter or sign on. */
export const rowOf = (tokens: ReadonlyArray<Token>): ReadonlyArray<Token> => {
  let from = tokens.length
  while (from > 0 && tokens[from - 1]._tag !== "Word") from--
  while (from < tokens.length && tokens[from]._tag === "Between") from++
  return tokens.slice(from)
}

/** The digits of a row. `undefined`: a token of the row has no certain digits. */
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

/** How many digits the tokens have. */
export const lengthOf = (tokens: ReadonlyArray<Token>): number => tokens.filter(isA("Number")).reduce((sum, { length }) => sum + length, 0)

export interface Reader {
  /** `text` is in lower case. */
  readonly read: (text: string) => ReadonlyArray<Token>
  /** The digits of each number word. */
  readonly numbers: ReadonlyMap<string, string>
}

/** The words of a language by their meaning in dictation. */
interface Vocabulary {
  readonly numbers: ReadonlyMap<string, string>
  readonly months: ReadonlySet<string>
  readonly isOrdinal: (word: string) => boolean
  readonly repeats: ReadonlyMap<string, number>
  readonly ats: ReadonlySet<string>
  readonly signs: ReadonlySet<string>
  readonly hesitations: ReadonlySet<string>
  readonly between: ReadonlySet<string>
  readonly spelling: ReadonlySet<string>
  readonly asIn: ReadonlySet<string>
}

const vocabularyOf = (language: string, words: DictationWords): Vocabulary => {
  const ordinals = ordinalWords(language)
  const ordinal = words.ordinal === "" ? undefined : new RegExp(`^(?:${words.ordinal})$`, "u")
  const { signs: named } = languages.get(language) ?? {}
  const ats = new Set([named?.at ?? "@", ...["arrobase", "ät", "at", "klammeraffe"].filter((at) => setOf(words.signs).has(at))])
  return {
    numbers: new Map([...numberWords(language), ...Object.entries(words.digits)]),
    months: months(language),
    isOrdinal: (word) => ordinals.has(word) || ordinal?.test(word) === true,
    repeats: new Map(Object.entries(words.repeats)),
    ats,
    signs: new Set([...setOf(words.signs), ...ats, ...[named?.dotInAddress, named?.dash, named?.underscore, named?.slash].flatMap((sign) => sign?.split(" ") ?? [])]),
    hesitations: setOf(words.hesitations),
    between: setOf(words.between),
    spelling: setOf(words.spelling),
    asIn: new Set(words.asIn.split(" ").map((phrase) => phrase.replaceAll("|", " ")).filter((phrase) => phrase.length > 0))
  }
}

/** The tokens of a word with figures or signs. `undefined`: the word has only letters. */
const tokensOfSigns = (word: string, bare: string): ReadonlyArray<Token> | undefined => {
  if (bare.includes("@")) {
    return bare === "@" ? [{ _tag: "Sign", isAt: true, isSymbol: true }] : [{ _tag: "Email", isWhole: /\S@\S+\.\p{L}{2,}$/u.test(bare) }]
  }
  if (/^(?:\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2})$/.test(bare)) return [{ _tag: "Date" }]
  if (/^\d+(?:st|nd|rd|th|er|re|ère|e|ème|de|º|ª)$/u.test(bare)) return [{ _tag: "Ordinal" }]
  // "10:30", "3.5" and "$5" are not dictated digits.
  if (/^\+?\d+$/.test(bare) || /^\+?\(?\d+\)?(?:[-./]\(?\d{2,}\)?)+$/.test(bare)) {
    return (bare.match(/\d+/g) ?? []).map((digits) => ({ _tag: "Number", length: digits.length, digits, isWord: false }))
  }
  if (/^[ap]\.?m$/.test(bare)) return [{ _tag: "Word", word: bare }]
  // Two letters with a full stop may be an abbreviation, so they count as one letter.
  if (/^\p{L}\.\p{L}$/u.test(bare)) return [{ _tag: "Letter" }]
  if (/^\p{L}(?:[-.]\p{L})+$/u.test(bare)) return bare.split(/[-.]/).map(() => ({ _tag: "Letter" }))
  // Some recognizers write "@", "." and "-" as words.
  if (/^[._/-]$/.test(word)) return [{ _tag: "Sign", isAt: false, isSymbol: true }]
  return undefined
}

/** The tokens of a word between blanks. "J-A-N" and "555-123" have several. */
const tokensOf = (vocabulary: Vocabulary, word: string): ReadonlyArray<Token> => {
  const bare = word.replace(/^["'“„«([]+|["'”“»)\].,;:!…]+$/gu, "")
  const signs = tokensOfSigns(word, bare)
  if (signs !== undefined) return signs
  const parts = bare.split("-")
  if (parts.length > 1) return parts.flatMap((part) => tokensOf(vocabulary, part))
  const digits = vocabulary.numbers.get(bare)
  if (digits !== undefined) {
    return [digits.length === 1 ? { _tag: "Number", length: 1, digits, isWord: true } : { _tag: "Number", length: digits.length, isWord: true }]
  }
  if (vocabulary.months.has(bare)) return [{ _tag: "Month" }]
  if (vocabulary.isOrdinal(bare)) return [{ _tag: "Ordinal" }]
  const times = vocabulary.repeats.get(bare)
  if (times !== undefined) return [{ _tag: "Repeat", times }]
  if (vocabulary.signs.has(bare)) return [{ _tag: "Sign", isAt: vocabulary.ats.has(bare), isSymbol: false }]
  if (vocabulary.spelling.has(bare)) return [{ _tag: "Spelling" }]
  if (vocabulary.between.has(bare)) return [{ _tag: "Between" }]
  if (/^\p{L}$/u.test(bare)) return [{ _tag: "Letter" }]
  if (/^\p{L}\d+$|^\d+\p{L}$/u.test(bare)) return [{ _tag: "Number", length: bare.length - 1, isWord: false }, { _tag: "Letter" }]
  return bare.length === 0 || vocabulary.hesitations.has(bare) ? [] : [{ _tag: "Word", word: bare }]
}

/** `language`: ISO 639-1. `words`: the language's words for dictation. Names of numbers come from `verbalizer`, names of months from `Intl`. */
export const make = (language: string, words: DictationWords): Reader => {
  const vocabulary = vocabularyOf(language, words)
  const read = (text: string): ReadonlyArray<Token> => {
    const all = text.split(/\s+/).filter((word) => word.length > 0)
    const tokens: Array<Token> = []
    for (let index = 0; index < all.length; index++) {
      const [word = "", following = ""] = all.slice(index, index + 2)
      // "J as in Juliet": Juliet only explains the letter.
      if (tokens.at(-1)?._tag === "Letter") {
        const length = vocabulary.asIn.has(`${word} ${following}`) ? 2 : vocabulary.asIn.has(word) ? 1 : 0
        if (length > 0) {
          tokens.push({ _tag: "Spelling" })
          index += length
          continue
        }
      }
      // An example: "seven a m".
      if (tokens.at(-1)?._tag === "Number" && /^[ap]$/.test(word) && /^m\W*$/.test(following)) {
        tokens.push({ _tag: "Word", word: `${word}m` })
        index++
        continue
      }
      tokens.push(...tokensOf(vocabulary, word))
    }
    return tokens
  }
  return { read, numbers: vocabulary.numbers }
}
