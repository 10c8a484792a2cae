/**
 * Writes `RecognitionHints` as a JSGF grammar. The grammar also accepts foreign speech: speech that is none of the agent's phrases.
 *
 * Foreign speech is recognized as a sequence of phones and of the agent's words, in any order. This fits any sound. With phones
 * alone, "could you bring me a glass" would be recognized as "could you repeat that", because phones cost more than a phrase that shares
 * some words with the speech. Foreign speech has an extra cost, so the agent's phrases win where they fit. The costs were found
 * by trial (`bench/recognition`, docs/adr/0006).
 *
 * https://www.w3.org/TR/jsgf/
 */
import { Result } from "effect"
import * as PhraseNotation from "../../../definition/PhraseNotation.ts"
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"

/** The decoder's word insertion probability. */
export const wordInsertion = 0.1

/** The weight of foreign speech. The agent's phrases have the weight 1. */
const foreignWeight = "1e-14"

/** The weight of an agent's word inside foreign speech. A phone has the weight 1. */
const ownWordInForeignWeight = "1e-3"

/** The phones of SoundSwallower's models. Each phone is also a pseudo-word of the dictionary (`phoneWords`). */
const phones = {
  en: "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH",
  fr: "aa ai an au bb ch dd ee ei eu ff gg gn ii in jj kk ll mm nn oe on oo ou pp rr ss tt un uu uy vv ww yy zz"
} as const

export type Language = keyof typeof phones

export const isLanguage = (language: string): language is Language => Object.hasOwn(phones, language)

const phoneWord = (phone: string): string => `phone_${phone.toLowerCase()}`

/** The pseudo-words of foreign speech with their pronunciation, one phone each. */
export const phoneWords = (language: Language): ReadonlyArray<readonly [string, string]> =>
  phones[language].split(" ").map((phone) => [phoneWord(phone), phone])

/** The pseudo-word that stands for the agent's word of this index (`Grammar.words`) in foreign speech. */
export const ownWordInForeign = (index: number): string => `foreign_${index}`

const foreignPattern = /^(?:phone|foreign)_/

/** The mean number of phones in a word. */
const phonesPerWord = 3

/** The approximate number of foreign phones in the decoder's text; 0 for one of the agent's phrases. */
export const foreignPhones = (text: string): number =>
  text.split(" ").reduce((sum, word) => sum + (foreignPattern.test(word) ? (word.startsWith("phone_") ? 1 : phonesPerWord) : 0), 0)

/** Parses phrases or slot values. An invalid text is left out, because the agent file's check has reported it. */
const parsePhrases = (texts: ReadonlyArray<string>): ReadonlyArray<PhraseNotation.Phrase> =>
  texts.flatMap((text) => {
    const phrase = PhraseNotation.parse(text)
    return Result.isSuccess(phrase) && !PhraseNotation.mayBeEmpty(phrase.success) ? [phrase.success] : []
  })

/** A regular expression that matches nothing. */
const matchesNothing = "(?!)"

const toJsgf = (phrase: PhraseNotation.Phrase): string => {
  switch (phrase._tag) {
    case "Word":
      return phrase.word
    case "Slot":
      return `<slot_${phrase.name}>`
    case "Sequence":
      return phrase.parts.map(toJsgf).join(" ")
    case "Choice":
      return `(${phrase.options.map(toJsgf).join(" | ")})`
    case "Optional":
      return PhraseNotation.slots(phrase.phrase).length === 0
        ? `[${toJsgf(phrase.phrase)}]`
        // If two readings sound alike, the one without the optional slot is preferred. With a slot for the number of guests, "for Thursday"
        // is not heard as "four" (guests) and "Thursday".
        : `(/0.8/ <NULL> | /0.2/ (${toJsgf(phrase.phrase)}))`
  }
}

/**
 * The parts of a sequence before its first slot; a slot in an optional part or a choice does not count. Callers who are
 * still thinking stop there.
 */
const beforeSlot = (phrase: PhraseNotation.Phrase): ReadonlyArray<PhraseNotation.Phrase> => {
  if (phrase._tag !== "Sequence") return []
  const slot = phrase.parts.findIndex((part) => part._tag === "Slot")
  const head = phrase.parts.slice(0, slot)
  return slot < 1 || head.every(PhraseNotation.mayBeEmpty) ? [] : [{ _tag: "Sequence", parts: head }]
}

export interface Grammar {
  readonly jsgf: string
  /** Every word of the phrases, once. The grammar also has the word at index i as `ownWordInForeign(i)`. */
  readonly words: ReadonlyArray<string>
  /** Whether the decoder's text is exactly one of the phrases. */
  readonly isWhole: (text: string) => boolean
}

export const make = (hints: RecognitionHints, language: Language): Grammar => {
  const phrases = parsePhrases(hints.phrases)
  const slots = Object.entries(hints.slots).map(([name, values]) => [name, parsePhrases(values)] as const)
  const valuesOf = new Map(slots)
  // The decoder can't read a grammar with a slot that has no values.
  const isUsable = (phrase: PhraseNotation.Phrase) => PhraseNotation.slots(phrase).every((name) => (valuesOf.get(name)?.length ?? 0) > 0)
  const whole = phrases.filter(isUsable)
  const brokenOff = whole.flatMap(beforeSlot).filter(isUsable)

  const slotPattern = (name: string): string =>
    `(?:${(valuesOf.get(name) ?? []).map((value) => PhraseNotation.toPattern(value, () => matchesNothing)).join("|")})`
  const pattern = new RegExp(`^(?:${whole.map((phrase) => PhraseNotation.toPattern(phrase, slotPattern)).join("|") || matchesNothing})$`)

  const own = [...whole, ...brokenOff].map(toJsgf)
  const words = [...new Set([...whole, ...slots.flatMap(([, values]) => values)].flatMap(PhraseNotation.words))]
  const jsgf = [
    "#JSGF V1.0;",
    "grammar agent;",
    ...slots.filter(([, values]) => values.length > 0).map(([name, values]) => `<slot_${name}> = ${values.map(toJsgf).join(" | ")};`),
    `<phone> = ${phoneWords(language).map(([word]) => word).join(" | ")};`,
    ...own.length === 0
      ? ["public <said> = <phone>+;"]
      : [
        `<word> = ${words.map((_, index) => ownWordInForeign(index)).join(" | ")};`,
        `<foreign> = /1/ <phone> | /${ownWordInForeignWeight}/ <word>;`,
        `<own> = ${own.join(" | ")};`,
        `public <said> = /1/ <own> | /${foreignWeight}/ <foreign>+;`
      ]
  ]
  return { jsgf: `${jsgf.join("\n")}\n`, words, isWhole: (text) => pattern.test(PhraseNotation.plain(text)) }
}
