/**
 * Hints as a grammar in JSGF, with a way out for all that is not in it.
 *
 * Foreign speech is heard as a row of single phones, which fits any sound; a word costs less than the phones
 * it consists of, so the agent's own phrases win where they were said. The two costs were chosen by trial:
 * see `bench/recognition` and docs/adr/0006.
 *
 * https://www.w3.org/TR/jsgf/
 */
import { Result } from "effect"
import * as Phrase from "../../conversation/Phrase.ts"
import type { Hints } from "../../conversation/SpeechToText.ts"

/** How likely a word is to follow another, as the decoder counts it. */
export const wordInsertion = 0.1

/** How likely speech is to be foreign. */
const foreignWeight = "1e-10"

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

/** Text of the decoder that holds a phone is foreign speech. */
export const isForeign = (text: string): boolean => text.includes("phone_")

/** Phrases and slots, read; one that can't be is left out: the agent's file has been checked. */
const parsed = (texts: ReadonlyArray<string>): ReadonlyArray<Phrase.Phrase> =>
  texts.flatMap((text) => {
    const phrase = Phrase.parse(text)
    return Result.isSuccess(phrase) && !Phrase.mayBeEmpty(phrase.success) ? [phrase.success] : []
  })

const toJsgf = (phrase: Phrase.Phrase): string => {
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
      return `[${toJsgf(phrase.phrase)}]`
  }
}

/** What comes before a phrase's first slot: where somebody who is still thinking breaks off. */
const beforeSlot = (phrase: Phrase.Phrase): ReadonlyArray<Phrase.Phrase> => {
  if (phrase._tag !== "Sequence") return []
  const slot = phrase.parts.findIndex((part) => part._tag === "Slot")
  const head = phrase.parts.slice(0, slot)
  return slot < 1 || head.every(Phrase.mayBeEmpty) ? [] : [{ _tag: "Sequence", parts: head }]
}

export interface Grammar {
  readonly jsgf: string
  /** Every word in it. */
  readonly words: ReadonlyArray<string>
  /** Whether a text of the decoder is one of the phrases, whole. */
  readonly isWhole: (text: string) => boolean
}

export const make = (hints: Hints, language: Language): Grammar => {
  const phrases = parsed(hints.phrases)
  const slots = Object.entries(hints.slots).map(([name, values]) => [name, parsed(values)] as const)
  const known = new Map(slots)
  // A slot without values would make the whole grammar unreadable.
  const isUsable = (phrase: Phrase.Phrase) => Phrase.slots(phrase).every((name) => (known.get(name)?.length ?? 0) > 0)
  const whole = phrases.filter(isUsable)
  const broken = whole.flatMap(beforeSlot).filter(isUsable)

  const slotPattern = (name: string): string =>
    `(?:${(known.get(name) ?? []).map((value) => Phrase.toPattern(value, () => "(?!)")).join("|")})`
  const pattern = new RegExp(`^(?:${whole.map((phrase) => Phrase.toPattern(phrase, slotPattern)).join("|") || "(?!)"})$`)

  const own = [...whole, ...broken].map(toJsgf)
  const jsgf = [
    "#JSGF V1.0;",
    "grammar agent;",
    ...slots.filter(([, values]) => values.length > 0).map(([name, values]) => `<slot_${name}> = ${values.map(toJsgf).join(" | ")};`),
    `<phone> = ${phoneWords(language).map(([word]) => word).join(" | ")};`,
    own.length === 0
      ? "public <said> = <phone>+;"
      : `<own> = ${own.join(" | ")};\npublic <said> = /1/ <own> | /${foreignWeight}/ <phone>+;`
  ]
  const words = [...whole, ...slots.flatMap(([, values]) => values)].flatMap(Phrase.words)
  return { jsgf: `${jsgf.join("\n")}\n`, words: [...new Set(words)], isWhole: (text) => pattern.test(Phrase.plain(text)) }
}
