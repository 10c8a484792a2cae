/**
 * Whether a caller is dictating, and has more to say: digits, letters, a date, an address. Who dictates pauses between groups,
 * for longer than between sentences, and an answer would come into the middle of the number. Pure.
 *
 * Three things tell: what the agent has just asked for, or the slot of the script that the question fills; what the caller says
 * that it is; and the last words themselves, where they are digits or letters. What is complete is not waited for: a telephone
 * number that no digit could be added to, as many digits as were asked for, an e-mail address with its domain, a date with its year.
 */
import * as PhoneNumber from "../domain/PhoneNumber.ts"
import { languages } from "../verbalizer/Languages.ts"
import * as NumberWords from "../verbalizer/NumberWords.ts"
import { type DictationWords, dictationWords, type Kind } from "./DictationWords.ts"
import type { Need } from "./Script.ts"

export interface Asked {
  /** What the agent said last, as far as it was heard. */
  readonly question: string
  /** Questions of the script, by the slots that they fill. */
  readonly needs?: ReadonlyArray<Need>
}

export interface Dictation {
  /** What the words ask for, or name. */
  readonly kindOf: (text: string) => Kind | undefined
  /** `said`: the caller's words of this turn so far. */
  readonly isInProgress: (said: string, asked: Asked) => boolean
}

/** One thing of a row that is dictated. */
type Token =
  /** `digits` is unset for a number of which it is not sure how it would be written: "twenty three". */
  | { readonly _tag: "Number"; readonly length: number; readonly digits?: string; readonly isWord: boolean }
  | { readonly _tag: "Ordinal" }
  | { readonly _tag: "Letter" }
  | { readonly _tag: "Month" }
  /** A sign of an address. */
  | { readonly _tag: "Sign"; readonly isAt: boolean; readonly isMark: boolean }
  | { readonly _tag: "Repeat"; readonly times: number }
  | { readonly _tag: "Spelling" }
  /** An e-mail address, or the beginning of one. */
  | { readonly _tag: "Email"; readonly isWhole: boolean }
  /** A date in figures. */
  | { readonly _tag: "Date"; readonly hasYear: boolean }
  | { readonly _tag: "Between" }
  | { readonly _tag: "Word"; readonly word: string }

type Of<Tag extends Token["_tag"]> = Extract<Token, { readonly _tag: Tag }>

const isA = <Tag extends Token["_tag"]>(tag: Tag) => (token: Token): token is Of<Tag> => token._tag === tag

const edge = "(?:(?<=[\\p{L}\\p{N}])(?![\\p{L}\\p{N}])|(?<![\\p{L}\\p{N}])(?=[\\p{L}\\p{N}]))"
const pattern = (source: string): RegExp => new RegExp(source.replaceAll("_", edge), "u")

const setOf = (list: string): ReadonlySet<string> => new Set(list.split(" ").filter((word) => word.length > 0))

/** Number words up to this are looked up; a longer one ends a row of digits. */
const largestNumberWord = 99

/** So many digits or letters in a row are dictated, whatever was asked. */
const fewestDigits = 3
const fewestLetters = 2

/** The longest answer, in words, that may be the beginning of an address without a figure in it. */
const shortAddress = 3
const shortEmail = 2

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

const noWords: DictationWords = {
  digits: {},
  repeats: {},
  signs: "",
  asIn: "",
  spelling: "",
  hesitations: "",
  between: "",
  ordinal: "",
  digitNoun: "",
  leadIn: "",
  answer: "",
  asks: [["email", "e-?mail"]]
}

/** Where people of this language most likely call from. */
export const regionOf = (language: string): string | undefined => new Intl.Locale(language).maximize().region

const make = (language: string): (region: string | undefined) => Dictation => {
  const words = dictationWords[language] ?? noWords
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
  const answers = new Set(words.answer.split(" ").map((answer) => answer.replaceAll("|", " ")))
  const asIn = new Set(words.asIn.split(" ").map((phrase) => phrase.replaceAll("|", " ")).filter((phrase) => phrase.length > 0))
  const asks = words.asks.map(([kind, source]) => [kind, pattern(source)] as const)
  const leadIn = words.leadIn === "" ? undefined : pattern(`_(?:${words.leadIn})[\\s.,:;…-]*$`)
  const opening = words.leadIn === "" ? undefined : pattern(`^(?:.{0,24}?_)?(?:${words.leadIn})_`)
  const howMany = words.digitNoun === "" ? undefined : pattern(`([\\p{L}\\p{N}]+)[- ](?:${words.digitNoun})_`)

  /** What a word of the text is; several, where it is written together: "J-A-N", "555-123". */
  const tokensOf = (word: string): ReadonlyArray<Token> => {
    const bare = word.replace(/^["'“„«([]+|["'”“»)\].,;:!…]+$/gu, "")
    if (bare.includes("@")) {
      return bare === "@" ? [{ _tag: "Sign", isAt: true, isMark: true }] : [{ _tag: "Email", isWhole: /\S@\S+\.\p{L}{2,}$/u.test(bare) }]
    }
    if (/^\d{1,4}([./-])\d{1,2}(?:\1\d{2,4})?$/.test(bare) && !/^\d+-\d+$/.test(bare)) {
      const parts = bare.split(/[./-]/)
      if (parts.length === 3 && parts.some((part) => part.length === 4)) return [{ _tag: "Date", hasYear: true }]
    }
    // A trailing full stop is an ordinal's in some languages, and an end in all.
    if (/^\d+(?:st|nd|rd|th|er|re|ère|e|ème|de|º|ª)$/u.test(bare)) return [{ _tag: "Ordinal" }]
    if (/^\d{1,2}\.$/.test(word) && ordinal !== undefined && language !== "es") {
      return [{ _tag: "Number", length: bare.length, digits: bare, isWord: false }]
    }
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
      if (tokens.at(-1)?._tag === "Letter" && all.length > index) {
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

  /** The row at the end, from its first digit, letter or sign. */
  const rowOf = (tokens: ReadonlyArray<Token>): ReadonlyArray<Token> => {
    let from = tokens.length
    while (from > 0 && tokens[from - 1]._tag !== "Word") from--
    while (from < tokens.length && tokens[from]._tag === "Between") from++
    return tokens.slice(from)
  }

  /** The digits of a row, if it is sure how they are written. */
  const digitsOf = (tokens: ReadonlyArray<Token>): string | undefined => {
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

  const lengthOf = (tokens: ReadonlyArray<Token>): number => tokens.filter(isA("Number")).reduce((sum, { length }) => sum + length, 0)

  /** Digits that nobody says but to dictate: not "in 2024", "ten thirty", "for four". */
  const isRowOfDigits = (row: ReadonlyArray<Token>): boolean => {
    const figures = row.filter(isA("Number"))
    if (figures.length === 0 || row.some(({ _tag }) => _tag === "Month" || _tag === "Ordinal")) return false
    const single = figures.filter(({ length }) => length === 1).length
    if (single >= fewestDigits) return true
    const [first] = figures
    if (first.digits?.startsWith("0") === true && figures.length > 1) return true
    const written = figures.filter(({ isWord }) => !isWord)
    if (written.length >= fewestDigits) return true
    return written.some(({ digits = "" }) => digits.length >= fewestDigits && (figures.length > 1 || !/^(?:19|20)\d\d$/.test(digits)))
  }

  /** Letters that follow each other: not "A or B", "I and J". */
  const isSpelt = (row: ReadonlyArray<Token>): boolean => {
    let letters = 0
    for (const { _tag } of row) {
      if (_tag === "Letter") letters++
      else if (_tag !== "Spelling" && _tag !== "Repeat") letters = 0
      if (letters >= fewestLetters) return true
    }
    return false
  }

  const kindOf = (text: string): Kind | undefined => {
    const plain = text.normalize("NFKC").toLowerCase().replaceAll("’", "'")
    return asks.find(([, source]) => source.test(plain))?.[0]
  }

  /** The last thing that was asked; the sentence before it, if the last one asks nothing. */
  const askedOf = (question: string): { readonly text: string; readonly kind: Kind | undefined } => {
    const sentences = question.split(/(?<=[.!?。！？])\s+/u).filter((sentence) => sentence.length > 0)
    const [before = "", last = ""] = sentences.length > 1 ? sentences.slice(-2) : ["", ...sentences]
    const asksKind = (sentence: string) => {
      // A number that is read back is no longer asked for.
      return lengthOf(read(sentence.toLowerCase())) >= fewestDigits ? undefined : kindOf(sentence)
    }
    const kind = asksKind(last)
    if (kind !== undefined || /\?\s*$/.test(last)) return { text: last, kind }
    return { text: before, kind: asksKind(before) }
  }

  /** The question of the script that the agent's words end with. */
  const slotOf = (question: string, needs: ReadonlyArray<Need>): string | undefined =>
    needs.find(({ ask }) => {
      const source = ask.trim().split(/\{[^{}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")
      return new RegExp(`${source}\\s*$`, "su").test(question)
    })?.slot

  const expected = (question: string): number | undefined => {
    const count = howMany?.exec(question.toLowerCase())?.[1]
    return count === undefined ? undefined : Number(numbers.get(count) ?? (/^\d{1,2}$/.test(count) ? count : Number.NaN))
  }

  const hasEmail = (tokens: ReadonlyArray<Token>, text: string): boolean => {
    const at = tokens.findLastIndex((token) => token._tag === "Sign" && token.isAt)
    if (tokens.at(-1)?._tag === "Email") return (tokens.at(-1) as Of<"Email">).isWhole
    // "jane at example.com", "jane at example dot com"
    if (at < 0) return false
    const behind = tokens.slice(at + 1)
    const dot = behind.findLastIndex((token) => token._tag === "Sign" && !token.isAt)
    const last = behind.at(-1)
    if (last?._tag !== "Word") return false
    if (/\S\.\p{L}{2,}[.!]?$/u.test(text)) return true
    return dot > 0 && dot === behind.length - 2 && /^\p{L}{2,}$/u.test(last.word) && last.word !== "co"
  }

  const isWholeDate = (tokens: ReadonlyArray<Token>, needsYear: boolean): boolean => {
    if (tokens.some((token) => token._tag === "Date" && token.hasYear)) return true
    const month = tokens.findIndex(({ _tag }) => _tag === "Month")
    if (month < 0) return false
    const figures = tokens.filter(isA("Number"))
    const isDayThere = tokens.some(({ _tag }) => _tag === "Ordinal") || figures.some(({ digits, length }) => length <= 2 || digits === undefined)
    if (!isDayThere) return false
    if (!needsYear) return true
    // As words a year has two numbers or more: "nineteen eighty-five".
    const behind = tokens.slice(month + 1).filter(isA("Number")).filter(({ length }) => length >= 1)
    const day = tokens.slice(month + 1).some(({ _tag }) => _tag === "Ordinal") || tokens.slice(0, month).some(({ _tag }) => _tag === "Number" || _tag === "Ordinal") ? 0 : 1
    return figures.some(({ digits }) => digits !== undefined && digits.length === 4) || behind.filter(({ isWord }) => isWord).length >= day + 2
  }

  return (region) => {
    const isInProgress = (said: string, { needs = [], question }: Asked): boolean => {
      const text = said.normalize("NFKC").replaceAll("’", "'").trim()
      // Who asks is not dictating.
      if (!/[\p{L}\p{N}]/u.test(text) || /[?？]$/u.test(text)) return false
      const lower = text.toLowerCase()
      const tokens = read(lower)
      if (tokens.length === 0) return false
      const row = rowOf(tokens)
      const asked = askedOf(question)
      const slot = slotOf(question, needs)
      const wanted = asked.kind ?? (slot === undefined ? undefined : kindOf(slot.replaceAll("_", " ")))
      const kind = wanted ?? kindOf(lower)
      const isAnnounced = wanted !== undefined && leadIn?.test(lower) === true
      const letters = row.filter(isA("Letter")).length
      const isRow = isRowOfDigits(row) || isSpelt(row) || row.some(({ _tag }) => _tag === "Repeat") && row.length > 1
      const isOpenEmail = row.at(-1)?._tag === "Sign" && row.length > 1 && tokens.some((token) => token._tag === "Sign" && (token.isAt || token.isMark))
      const [first, second] = lower.split(/[\s.,!]+/)
      const isAnswer = answers.has(first) || answers.has(`${first} ${second}`)
      const rest = opening?.test(lower) === true ? tokens.slice(read(opening.exec(lower)?.[0] ?? "").length) : tokens
      // "I don't have one" is no digit.
      const hasRow = lengthOf(row) > (isAnswer ? 1 : 0)

      switch (kind) {
        case undefined:
          return isRow || isOpenEmail || (tokens.at(-1)?._tag === "Email" && !hasEmail(tokens, lower))
        case "phone":
        case "number": {
          const digits = digitsOf(row)
          if (digits !== undefined && digits.length > 0) {
            if (kind === "phone" && region !== undefined && PhoneNumber.isWhole(/\+\d/.test(text) ? `+${digits}` : digits, region)) return false
            if (digits.length >= (expected(asked.text) ?? Infinity)) return false
          }
          return isAnnounced || isRow || (wanted !== undefined && (hasRow || letters > 0))
        }
        case "spelling":
          return isAnnounced || isRow || (wanted !== undefined && (row.some(({ _tag }) => _tag !== "Between" && _tag !== "Sign")
            // Letters that the recognizer has put together.
            || /^\p{Lu}{2,5}[.,]?$/u.test(text) && !isAnswer))
        case "email":
          if (hasEmail(tokens, lower)) return false
          return isAnnounced || isRow || isOpenEmail || tokens.at(-1)?._tag === "Email" || (wanted !== undefined && (
            tokens.some((token) => token._tag === "Sign" && token.isAt) || hasRow || row.some(({ _tag }) => _tag === "Letter" || _tag === "Sign")
            || (!isAnswer && rest.length <= shortEmail)))
        case "address": {
          const hasPostcode = tokens.some((token) => token._tag === "Number" && token.length >= 4)
          const street = tokens.filter(isA("Word")).length
          if (hasPostcode && street >= 2) return false
          return isAnnounced || isRow || (wanted !== undefined && !isAnswer && (lengthOf(tokens) > 0 || rest.length <= shortAddress))
        }
        case "birthDate":
        case "date": {
          if (isWholeDate(tokens, kind === "birthDate")) return false
          const isPart = row.some(({ _tag }) => _tag === "Number" || _tag === "Ordinal" || _tag === "Month") || row.length === 0 && tokens.some(({ _tag }) => _tag === "Month")
          return isAnnounced || isRow || (wanted !== undefined && isPart)
        }
      }
    }
    return { kindOf, isInProgress }
  }
}

const known = new Map<string, ReturnType<typeof make>>()

/** `language`: ISO 639-1. `region`: ISO 3166, by whose plan a telephone number is complete; unset: the language's. */
export const of = (language: string, region: string | undefined = regionOf(language)): Dictation => {
  const rules = known.get(language) ?? make(language)
  known.set(language, rules)
  return rules(region)
}
