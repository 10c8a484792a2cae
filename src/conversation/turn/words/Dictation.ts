/**
 * Decides whether a caller is dictating digits, letters, a date or an address, and has more to dictate. People make long pauses between groups
 * of digits, and the agent must not answer in the middle of a number. Pure.
 *
 * Three facts show that the caller is dictating:
 *
 * - the agent's question, or the slot of the script that the answer fills;
 * - an announcement by the caller: "my number is";
 * - the caller's last words, if they are digits or letters.
 *
 * The agent stops waiting when the dictation is complete. These dictations are complete:
 *
 * - a telephone number to which no digit can be added;
 * - as many digits as the agent asked for;
 * - an e-mail address with its domain;
 * - a date, with the year if it is a date of birth;
 * - an address with its postcode.
 */
import * as PhoneNumber from "../../../domain/PhoneNumber.ts"
import { digitsOf, isA, lengthOf, make as makeReader, rowOf, type Token, type TokenOf } from "./DictationTokens.ts"
import { type DictationWords, dictationWords, type Kind } from "../../../definition/languages/DictationWords.ts"
import * as DictationQuestion from "./DictationQuestion.ts"

/** The rules of one language and region. */
interface Dictation {
  /** Whether the caller probably has more to dictate. `said`: the caller's words in this turn so far. */
  readonly isInProgress: (said: string, asked: DictationQuestion.Asked) => boolean
}

/** The facts that the rules of each kind use. */
interface Facts {
  /** The caller's words as the recognizer wrote them, and in lower case. */
  readonly text: string
  readonly lower: string
  readonly tokens: ReadonlyArray<Token>
  /** The tokens after the last plain word. */
  readonly row: ReadonlyArray<Token>
  /** The row is dictation, even if the agent did not ask for it. */
  readonly isRowDictated: boolean
  /** The agent asked for something to dictate. */
  readonly isAsked: boolean
  /** The agent asked, and the caller's words end with an announcement: "it's". */
  readonly isAnnounced: boolean
  /** The words begin with an answer that is no dictation: "no". */
  readonly isAnswer: boolean
  /** The row has digits. After an answer such as "no" a single digit does not count: "I don't have one". */
  readonly hasNumber: boolean
  /** The number of tokens, without an announcement at the beginning. */
  readonly length: number
  /** How many digits the agent asked for. */
  readonly expected: number | undefined
}

/** This many digits or letters in a row are dictation, even if the agent did not ask for them. */
const minDigitsInRow = 3
const minLettersInRow = 2

/** An answer without digits and signs may be the beginning of an address if it has at most this many words. */
const maxAddressBeginWords = 3
const maxEmailBeginWords = 2

const yearPattern = /^(?:19|20)\d\d$/

/** Whether the digits of a row are dictation. People say "in 2024", "ten thirty" and "for four" without dictating. */
const isRowOfDigits = (row: ReadonlyArray<Token>): boolean => {
  const figures = row.filter(isA("Number"))
  if (figures.length === 0 || row.some(({ _tag }) => _tag === "Month" || _tag === "Ordinal")) return false
  if (figures.filter(({ length }) => length === 1).length >= minDigitsInRow) return true
  if (figures.length > 1 && figures[0].digits?.startsWith("0") === true) return true
  const written = figures.filter(({ isWord }) => !isWord)
  return written.length >= minDigitsInRow ||
    written.some(({ digits = "" }) => digits.length >= minDigitsInRow && (figures.length > 1 || !yearPattern.test(digits)))
}

/** Whether several letters directly follow each other. In "A or B" they do not. */
const isSpelt = (row: ReadonlyArray<Token>): boolean => {
  let letters = 0
  for (const { _tag } of row) {
    if (_tag === "Letter") letters++
    else if (_tag !== "Spelling" && _tag !== "Repeat") letters = 0
    if (letters >= minLettersInRow) return true
  }
  return false
}

const isAt = (token: Token): boolean => token._tag === "Sign" && token.isAt
const isWrittenSign = (token: Token): boolean => token._tag === "Sign" && token.isSymbol

/** Whether the e-mail address is not complete: "jane dot doe at", "jane@". */
const isOpenEmail = (tokens: ReadonlyArray<Token>, row: ReadonlyArray<Token>): boolean => {
  const last = row.at(-1)
  return last?._tag === "Email" ? !last.isWhole : last?._tag === "Sign" && row.length > 1 && tokens.some((token) => isAt(token) || isWrittenSign(token))
}

/** Whether an e-mail address is complete: "jane@example.com", "jane at example dot com", "jane at example.com". */
const isWholeEmail = (tokens: ReadonlyArray<Token>, text: string): boolean => {
  const last = tokens.at(-1)
  if (last?._tag === "Email") return last.isWhole
  const at = tokens.findLastIndex(isAt)
  if (at < 0 || last?._tag !== "Word") return false
  if (/\S\.\p{L}{2,}[.!]?$/u.test(text)) return true
  const domain = tokens.slice(at + 1)
  const dot = domain.findLastIndex(isA("Sign"))
  // After "dot co", "dot uk" may follow.
  return dot > 0 && dot === domain.length - 2 && /^\p{L}{2,}$/u.test(last.word) && last.word !== "co"
}

const isWholeDate = (tokens: ReadonlyArray<Token>, needsYear: boolean): boolean => {
  if (tokens.some(isA("Date"))) return true
  const month = tokens.findIndex(isA("Month"))
  if (month < 0) return false
  const isFigure = (token: Token): token is TokenOf<"Number"> => token._tag === "Number"
  const figures = tokens.filter(isFigure)
  const hasOrdinal = tokens.some(isA("Ordinal"))
  if (!hasOrdinal && !figures.some(({ length }) => length <= 2)) return false
  if (!needsYear || figures.some(({ digits = "" }) => digits.length === 4)) return true
  // A spoken year has at least two number words: "nineteen eighty-five".
  const isDayAfterMonth = !hasOrdinal && !tokens.slice(0, month).some(isFigure)
  return tokens.slice(month).filter(isFigure).filter(({ isWord }) => isWord).length >= (isDayAfterMonth ? 3 : 2)
}

/** The region in which most speakers of this language live. */
const regionOf = (language: string): string | undefined => new Intl.Locale(language).maximize().region

const isNumberInProgress = ({ expected = Infinity, hasNumber, isAnnounced, isAsked, isRowDictated, row, text }: Facts, region: string | undefined): boolean => {
  const digits = digitsOf(row) ?? ""
  const dialled = /\+\d/.test(text) ? `+${digits}` : digits
  if (region !== undefined && digits.length > 0 && PhoneNumber.isWhole(dialled, region)) return false
  if (digits.length >= expected) return false
  return isAnnounced || isRowDictated || (isAsked && (hasNumber || row.some(isA("Letter"))))
}

const isSpellingInProgress = ({ isAnnounced, isAnswer, isAsked, isRowDictated, row, text }: Facts): boolean => {
  // The recognizer may write spelt letters as one word.
  const isCapitals = /^\p{Lu}{2,5}[.,]?$/u.test(text) && !isAnswer
  return isAnnounced || isRowDictated || (isAsked && (isCapitals || row.some(({ _tag }) => _tag !== "Between" && _tag !== "Sign")))
}

const isEmailInProgress = ({ hasNumber, isAnnounced, isAnswer, isAsked, isRowDictated, length, lower, row, tokens }: Facts): boolean => {
  if (isWholeEmail(tokens, lower)) return false
  if (isAnnounced || isRowDictated || isOpenEmail(tokens, row)) return true
  const isBegun = tokens.some(isAt) || hasNumber || row.some(({ _tag }) => _tag === "Letter" || _tag === "Sign")
  return isAsked && (isBegun || (!isAnswer && length <= maxEmailBeginWords))
}

const isAddressInProgress = ({ isAnnounced, isAnswer, isAsked, isRowDictated, length, tokens }: Facts): boolean => {
  const hasPostcode = tokens.some((token) => token._tag === "Number" && token.length >= 4)
  if (hasPostcode && tokens.filter(isA("Word")).length >= 2) return false
  return isAnnounced || isRowDictated || (isAsked && !isAnswer && (lengthOf(tokens) > 0 || length <= maxAddressBeginWords))
}

const isDateInProgress = ({ isAnnounced, isAsked, isRowDictated, row, tokens }: Facts, needsYear: boolean): boolean =>
  !isWholeDate(tokens, needsYear) &&
  (isAnnounced || isRowDictated || (isAsked && row.some(({ _tag }) => _tag === "Number" || _tag === "Ordinal" || _tag === "Month")))

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

/** Finds the facts about a caller's words. `undefined`: the words are a question, or there are no words. */
const factsOf = (language: string, words: DictationWords) => {
  const { numbers, read } = makeReader(language, words)
  const questions = DictationQuestion.make(words, { numbers, read })
  const answers = new Set(words.answer.split(" ").map((answer) => answer.replaceAll("|", " ")))
  const leadIn = words.leadIn === "" ? undefined : DictationQuestion.pattern(`_(?:${words.leadIn})[\\s.,:;…-]*$`)
  // Up to 24 characters may come before the announcement: "yes, well, my number is".
  const opening = words.leadIn === "" ? undefined : DictationQuestion.pattern(`^(?:.{0,24}?_)?(?:${words.leadIn})_`)

  return (said: string, asked: DictationQuestion.Asked): (Facts & { readonly kind: Kind | undefined }) | undefined => {
    const text = said.normalize("NFKC").replaceAll("’", "'").trim()
    if (/[?？]$/u.test(text)) return undefined
    const lower = text.toLowerCase()
    const tokens = read(lower)
    if (tokens.length === 0) return undefined
    const row = rowOf(tokens)
    const { expectedDigits, kind: wanted } = questions.read(asked)
    const [first, second] = lower.split(/[\s.,!]+/)
    const isAnswer = answers.has(first) || answers.has(`${first} ${second}`)
    const announced = opening?.exec(lower)?.[0] ?? ""
    return {
      kind: wanted ?? questions.kindOf(lower),
      text,
      lower,
      tokens,
      row,
      isRowDictated: isRowOfDigits(row) || isSpelt(row) || (row.length > 1 && row.some(isA("Repeat"))),
      isAsked: wanted !== undefined,
      isAnnounced: wanted !== undefined && leadIn?.test(lower) === true,
      isAnswer,
      hasNumber: lengthOf(row) > (isAnswer ? 1 : 0),
      length: tokens.length - read(announced).length,
      expected: expectedDigits
    }
  }
}

const make = (language: string): (region: string | undefined) => Dictation => {
  const read = factsOf(language, dictationWords[language] ?? noWords)
  return (region) => ({
    isInProgress: (said, asked) => {
      const facts = read(said, asked)
      if (facts === undefined) return false
      switch (facts.kind) {
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
          return facts.isRowDictated || isOpenEmail(facts.tokens, facts.row)
      }
    }
  })
}

const preparedRules = new Map<string, ReturnType<typeof make>>()

/**
 * The rules of a language (ISO 639-1) and a region (ISO 3166). The numbering plan of the region shows when a telephone number is complete.
 * `region` unset: the most likely region of the language.
 */
export const of = (language: string, region: string | undefined = regionOf(language)): Dictation => {
  const rules = preparedRules.get(language) ?? make(language)
  preparedRules.set(language, rules)
  return rules(region)
}
