/**
 * RecognitionHints as a grammar in JSGF, with a way out for all that is not in it.
 *
 * Foreign speech is heard as a row of single phones, which fits any sound, and of the agent's own words in any
 * order: without those "could you bring me a glass" is closer to "could you repeat that" than to phones, as a
 * word costs less than the phones that it consists of. Speech that is a phrase of the agent's pays nothing
 * for being foreign, and so wins. What each costs was chosen by trial: see `bench/recognition` and
 * docs/adr/0006.
 *
 * https://www.w3.org/TR/jsgf/
 */
import { Result } from "effect"
import * as PhraseNotation from "../../../definition/PhraseNotation.ts"
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"

/** How likely a word is to follow another, as the decoder counts it. */
export const wordInsertion = 0.1

/** How likely speech is to be foreign. */
const foreignWeight = "1e-14"

/** How likely foreign speech is to go on with a word of the agent's, beside a phone. */
const ownWordWeight = "1e-3"

/** The phones of the models of SoundSwallower; pseudo-words of one phone each are named after them. */
const phones = {
  en: "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH",
  fr: "aa ai an au bb ch dd ee ei eu ff gg gn ii in jj kk ll mm nn oe on oo ou pp rr ss tt un uu uy vv ww yy zz"
} as const

export type Language = keyof typeof phones

export const isLanguage = (language: string): language is Language => Object.hasOwn(phones, language)

const phoneWord = (phone: string): string => `phone_${phone.toLowerCase()}`

export const phoneWords = (language: Language): ReadonlyArray<readonly [string, string]> =>
  phones[language].split(" ").map((phone) => [phoneWord(phone), phone])

/** The agent's word of this number, as a part of foreign speech. */
export const foreignWord = (index: number): string => `foreign_${index}`

const foreignPattern = /^(?:phone|foreign)_/

/** The phones of a word, about. */
const phonesOfWord = 3

/** How many phones of foreign speech, about, are in a text of the decoder; of the agent's own phrases none. */
export const foreignPhones = (text: string): number =>
  text.split(" ").reduce((sum, word) => sum + (foreignPattern.test(word) ? (word.startsWith("phone_") ? 1 : phonesOfWord) : 0), 0)

/** Phrases and slots, read; one that can't be is left out: the agent's file has been checked. */
const parsed = (texts: ReadonlyArray<string>): ReadonlyArray<PhraseNotation.Phrase> =>
  texts.flatMap((text) => {
    const phrase = PhraseNotation.parse(text)
    return Result.isSuccess(phrase) && !PhraseNotation.mayBeEmpty(phrase.success) ? [phrase.success] : []
  })

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
        // Of two that sound alike the one with less in it: "for Thursday" is not "four, Thursday".
        : `(/0.8/ <NULL> | /0.2/ (${toJsgf(phrase.phrase)}))`
  }
}

/** What comes before a phrase's first slot: where somebody who is still thinking breaks off. */
const beforeSlot = (phrase: PhraseNotation.Phrase): ReadonlyArray<PhraseNotation.Phrase> => {
  if (phrase._tag !== "Sequence") return []
  const slot = phrase.parts.findIndex((part) => part._tag === "Slot")
  const head = phrase.parts.slice(0, slot)
  return slot < 1 || head.every(PhraseNotation.mayBeEmpty) ? [] : [{ _tag: "Sequence", parts: head }]
}

export interface Grammar {
  readonly jsgf: string
  /** Every word in it, each once; it is `foreignWord` of its place here too. */
  readonly words: ReadonlyArray<string>
  /** Whether a text of the decoder is one of the phrases, whole. */
  readonly isWhole: (text: string) => boolean
}

export const make = (hints: RecognitionHints, language: Language): Grammar => {
  const phrases = parsed(hints.phrases)
  const slots = Object.entries(hints.slots).map(([name, values]) => [name, parsed(values)] as const)
  const known = new Map(slots)
  // A slot without values would make the whole grammar unreadable.
  const isUsable = (phrase: PhraseNotation.Phrase) => PhraseNotation.slots(phrase).every((name) => (known.get(name)?.length ?? 0) > 0)
  const whole = phrases.filter(isUsable)
  const broken = whole.flatMap(beforeSlot).filter(isUsable)

  const slotPattern = (name: string): string =>
    `(?:${(known.get(name) ?? []).map((value) => PhraseNotation.toPattern(value, () => "(?!)")).join("|")})`
  const pattern = new RegExp(`^(?:${whole.map((phrase) => PhraseNotation.toPattern(phrase, slotPattern)).join("|") || "(?!)"})$`)

  const own = [...whole, ...broken].map(toJsgf)
  const words = [...new Set([...whole, ...slots.flatMap(([, values]) => values)].flatMap(PhraseNotation.words))]
  const jsgf = [
    "#JSGF V1.0;",
    "grammar agent;",
    ...slots.filter(([, values]) => values.length > 0).map(([name, values]) => `<slot_${name}> = ${values.map(toJsgf).join(" | ")};`),
    `<phone> = ${phoneWords(language).map(([word]) => word).join(" | ")};`,
    ...own.length === 0
      ? ["public <said> = <phone>+;"]
      : [
        `<word> = ${words.map((_, index) => foreignWord(index)).join(" | ")};`,
        `<foreign> = /1/ <phone> | /${ownWordWeight}/ <word>;`,
        `<own> = ${own.join(" | ")};`,
        `public <said> = /1/ <own> | /${foreignWeight}/ <foreign>+;`
      ]
  ]
  return { jsgf: `${jsgf.join("\n")}\n`, words, isWhole: (text) => pattern.test(PhraseNotation.plain(text)) }
}
