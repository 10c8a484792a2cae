/**
 * Whether a caller is dictating, and has more to say: digits, letters, a date, an address. Who dictates pauses between groups,
 * for longer than between sentences, and an answer would come into the middle of the number. Pure.
 *
 * Three things tell: what the agent has just asked for, or the slot of the script that the question fills; what the caller says
 * that it is; and the last words themselves, where they are digits or letters. What is complete is not waited for: a telephone
 * number that no digit could be added to, as many digits as were asked for, an e-mail address with its domain, a date with its year.
 */
import * as PhoneNumber from "../../../domain/PhoneNumber.ts"
import { digitsOf, isA, lengthOf, make as makeReader, type Of, rowOf, type Token } from "./DictationTokens.ts"
import { type DictationWords, dictationWords, type Kind } from "../../../definition/languages/DictationWords.ts"
import type { Need } from "../../../definition/DialogScript.ts"

export interface Asked {
  /** What the agent said last, as far as it was heard. */
  readonly question: string
  /** Questions of the script, by the slots that they fill. */
  readonly needs?: ReadonlyArray<Need>
}

export interface Dictation {
  /** `said`: the caller's words of this turn so far. */
  readonly isInProgress: (said: string, asked: Asked) => boolean
}

/** What the rules of each kind go by. */
interface Facts {
  /** As it was written, and in lower case. */
  readonly text: string
  readonly lower: string
  readonly tokens: ReadonlyArray<Token>
  /** The tokens at the end that are no plain words. */
  readonly row: ReadonlyArray<Token>
  /** The row would be dictation whatever had been asked. */
  readonly isRow: boolean
  /** The agent asked for this kind; otherwise the caller named it. */
  readonly isAsked: boolean
  /** All that was said only announces what comes: "it's". */
  readonly isAnnounced: boolean
  /** It begins as an answer that dictates nothing does: "no". */
  readonly isAnswer: boolean
  readonly hasNumber: boolean
  /** Words and figures, less those that announce. */
  readonly length: number
  /** As many digits as were asked for. */
  readonly expected: number | undefined
}

const edge = "(?:(?<=[\\p{L}\\p{N}])(?![\\p{L}\\p{N}])|(?<![\\p{L}\\p{N}])(?=[\\p{L}\\p{N}]))"
const pattern = (source: string): RegExp => new RegExp(source.replaceAll("_", edge), "u")

/** So many digits or letters in a row are dictated, whatever was asked. */
const fewestDigits = 3
const fewestLetters = 2

/** The longest answers, in words, that may be the beginning of an address without a figure or a sign in it. */
const shortAddress = 3
const shortEmail = 2

const yearPattern = /^(?:19|20)\d\d$/

/** Digits that nobody says but to dictate: not "in 2024", "ten thirty", "for four". */
const isRowOfDigits = (row: ReadonlyArray<Token>): boolean => {
  const figures = row.filter(isA("Number"))
  if (figures.length === 0 || row.some(({ _tag }) => _tag === "Month" || _tag === "Ordinal")) return false
  if (figures.filter(({ length }) => length === 1).length >= fewestDigits) return true
  if (figures.length > 1 && figures[0].digits?.startsWith("0") === true) return true
  const written = figures.filter(({ isWord }) => !isWord)
  return written.length >= fewestDigits ||
    written.some(({ digits = "" }) => digits.length >= fewestDigits && (figures.length > 1 || !yearPattern.test(digits)))
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

const isAt = (token: Token): boolean => token._tag === "Sign" && token.isAt
const isWrittenSign = (token: Token): boolean => token._tag === "Sign" && token.isMark

/** "jane dot doe at", "jane@" */
const isOpenEmail = (tokens: ReadonlyArray<Token>, row: ReadonlyArray<Token>): boolean => {
  const last = row.at(-1)
  return last?._tag === "Email" ? !last.isWhole : last?._tag === "Sign" && row.length > 1 && tokens.some((token) => isAt(token) || isWrittenSign(token))
}

/** "jane@example.com", "jane at example dot com", "jane at example.com" */
const isWholeEmail = (tokens: ReadonlyArray<Token>, text: string): boolean => {
  const last = tokens.at(-1)
  if (last?._tag === "Email") return last.isWhole
  const at = tokens.findLastIndex(isAt)
  if (at < 0 || last?._tag !== "Word") return false
  if (/\S\.\p{L}{2,}[.!]?$/u.test(text)) return true
  const domain = tokens.slice(at + 1)
  const dot = domain.findLastIndex(isA("Sign"))
  // "dot co" may go on as "dot uk".
  return dot > 0 && dot === domain.length - 2 && /^\p{L}{2,}$/u.test(last.word) && last.word !== "co"
}

const isWholeDate = (tokens: ReadonlyArray<Token>, needsYear: boolean): boolean => {
  if (tokens.some(isA("Date"))) return true
  const month = tokens.findIndex(isA("Month"))
  if (month < 0) return false
  const isFigure = (token: Token): token is Of<"Number"> => token._tag === "Number"
  const figures = tokens.filter(isFigure)
  const hasOrdinal = tokens.some(isA("Ordinal"))
  if (!hasOrdinal && !figures.some(({ length }) => length <= 2)) return false
  if (!needsYear || figures.some(({ digits = "" }) => digits.length === 4)) return true
  // As words a year has two numbers or more: "nineteen eighty-five".
  const isDayBehind = !hasOrdinal && !tokens.slice(0, month).some(isFigure)
  return tokens.slice(month).filter(isFigure).filter(({ isWord }) => isWord).length >= (isDayBehind ? 3 : 2)
}

/** Where people of this language most likely call from. */
const regionOf = (language: string): string | undefined => new Intl.Locale(language).maximize().region

const isNumberInProgress = ({ expected = Infinity, hasNumber, isAnnounced, isAsked, isRow, row, text }: Facts, region: string | undefined): boolean => {
  const digits = digitsOf(row) ?? ""
  const dialled = /\+\d/.test(text) ? `+${digits}` : digits
  if (region !== undefined && digits.length > 0 && PhoneNumber.isWhole(dialled, region)) return false
  if (digits.length >= expected) return false
  return isAnnounced || isRow || (isAsked && (hasNumber || row.some(isA("Letter"))))
}

const isSpellingInProgress = ({ isAnnounced, isAnswer, isAsked, isRow, row, text }: Facts): boolean => {
  // Letters that the recognizer has put together.
  const isShort = /^\p{Lu}{2,5}[.,]?$/u.test(text) && !isAnswer
  return isAnnounced || isRow || (isAsked && (isShort || row.some(({ _tag }) => _tag !== "Between" && _tag !== "Sign")))
}

const isEmailInProgress = ({ hasNumber, isAnnounced, isAnswer, isAsked, isRow, length, lower, row, tokens }: Facts): boolean => {
  if (isWholeEmail(tokens, lower)) return false
  if (isAnnounced || isRow || isOpenEmail(tokens, row)) return true
  const isBegun = tokens.some(isAt) || hasNumber || row.some(({ _tag }) => _tag === "Letter" || _tag === "Sign")
  return isAsked && (isBegun || (!isAnswer && length <= shortEmail))
}

const isAddressInProgress = ({ isAnnounced, isAnswer, isAsked, isRow, length, tokens }: Facts): boolean => {
  const hasPostcode = tokens.some((token) => token._tag === "Number" && token.length >= 4)
  if (hasPostcode && tokens.filter(isA("Word")).length >= 2) return false
  return isAnnounced || isRow || (isAsked && !isAnswer && (lengthOf(tokens) > 0 || length <= shortAddress))
}

const isDateInProgress = ({ isAnnounced, isAsked, isRow, row, tokens }: Facts, needsYear: boolean): boolean =>
  !isWholeDate(tokens, needsYear) &&
  (isAnnounced || isRow || (isAsked && row.some(({ _tag }) => _tag === "Number" || _tag === "Ordinal" || _tag === "Month")))

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

const make = (language: string): (region: string | undefined) => Dictation => {
  const words = dictationWords[language] ?? noWords
  const { numbers, read } = makeReader(language, words)
  const answers = new Set(words.answer.split(" ").map((answer) => answer.replaceAll("|", " ")))
  const asks = words.asks.map(([kind, source]) => [kind, pattern(source)] as const)
  const leadIn = words.leadIn === "" ? undefined : pattern(`_(?:${words.leadIn})[\\s.,:;…-]*$`)
  const opening = words.leadIn === "" ? undefined : pattern(`^(?:.{0,24}?_)?(?:${words.leadIn})_`)
  const howMany = words.digitNoun === "" ? undefined : pattern(`([\\p{L}\\p{N}]+)[- ](?:${words.digitNoun})_`)

  const kindOf = (text: string): Kind | undefined => {
    const plain = text.normalize("NFKC").toLowerCase().replaceAll("’", "'")
    return asks.find(([, source]) => source.test(plain))?.[0]
  }

  /** The last thing that was asked; of the sentence before it, if the last one asks nothing. */
  const askedIn = (question: string): { readonly text: string; readonly kind: Kind | undefined } => {
    const sentences = question.split(/(?<=[.!?。！？])\s+/u).filter((sentence) => sentence.length > 0)
    const [before = "", last = ""] = sentences.length > 1 ? sentences.slice(-2) : ["", ...sentences]
    // A number that is read back is no longer asked for.
    const kindAsked = (sentence: string) => lengthOf(read(sentence.toLowerCase())) >= fewestDigits ? undefined : kindOf(sentence)
    const kind = kindAsked(last)
    return kind !== undefined || /\?\s*$/.test(last) ? { text: last, kind } : { text: before, kind: kindAsked(before) }
  }

  /** What the slot is called whose question the agent's words end with. */
  const kindOfSlot = (question: string, needs: ReadonlyArray<Need>): Kind | undefined => {
    const need = needs.find(({ ask }) => {
      const source = ask.trim().split(/\{[^{}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")
      return new RegExp(`${source}\\s*$`, "su").test(question)
    })
    return need === undefined ? undefined : kindOf(need.slot.replaceAll("_", " "))
  }

  /** "The last four digits": 4. */
  const expectedDigits = (question: string): number | undefined => {
    const count = howMany?.exec(question.toLowerCase())?.[1]
    const number = count === undefined ? Number.NaN : Number(numbers.get(count) ?? (/^\d{1,2}$/.test(count) ? count : Number.NaN))
    return Number.isNaN(number) ? undefined : number
  }

  return (region) => ({
    isInProgress: (said, { needs = [], question }) => {
      const text = said.normalize("NFKC").replaceAll("’", "'").trim()
      // Who asks is not dictating.
      if (/[?？]$/u.test(text)) return false
      const lower = text.toLowerCase()
      const tokens = read(lower)
      if (tokens.length === 0) return false
      const row = rowOf(tokens)
      const asked = askedIn(question)
      const wanted = asked.kind ?? kindOfSlot(question, needs)
      const [first, second] = lower.split(/[\s.,!]+/)
      const isAnswer = answers.has(first) || answers.has(`${first} ${second}`)
      const announced = opening?.exec(lower)?.[0] ?? ""
      const facts: Facts = {
        text,
        lower,
        tokens,
        row,
        isRow: isRowOfDigits(row) || isSpelt(row) || (row.length > 1 && row.some(isA("Repeat"))),
        isAsked: wanted !== undefined,
        isAnnounced: wanted !== undefined && leadIn?.test(lower) === true,
        isAnswer,
        // "I don't have one" is no digit.
        hasNumber: lengthOf(row) > (isAnswer ? 1 : 0),
        length: tokens.length - read(announced).length,
        expected: expectedDigits(asked.text)
      }
      switch (wanted ?? kindOf(lower)) {
        case "phone":
          return isNumberInProgress(facts, region)
        case "number":
          return isNumberInProgress(facts, undefined)
        case "spelling":
          return isSpellingInProgress(facts)
        case "email":
          return isEmailInProgress(facts)
        case "address":
          return isAddressInProgress(facts)
        case "birthDate":
          return isDateInProgress(facts, true)
        case "date":
          return isDateInProgress(facts, false)
        case undefined:
          return facts.isRow || isOpenEmail(tokens, row)
      }
    }
  })
}

const known = new Map<string, ReturnType<typeof make>>()

/** `language`: ISO 639-1. `region`: ISO 3166, by whose plan a telephone number is complete; unset: the language's. */
export const of = (language: string, region: string | undefined = regionOf(language)): Dictation => {
  const rules = known.get(language) ?? make(language)
  known.set(language, rules)
  return rules(region)
}
