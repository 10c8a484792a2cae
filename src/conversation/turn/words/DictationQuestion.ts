/**
 * Finds what the agent asked the caller to dictate: the kind (such as a date), and how many digits. Pure. The rules depend on the language.
 */
import type { DictationWords, Kind } from "../../../definition/languages/DictationWords.ts"
import type { Need } from "../../../definition/DialogScript.ts"
import { lengthOf, type Reader } from "./DictationTokens.ts"

/** What the agent may have asked for. */
export interface Asked {
  /** The agent's words, as far as the caller heard them. */
  readonly question: string
  /** The script's questions, with the slots that they fill. */
  readonly needs?: ReadonlyArray<Need>
}

interface DictationQuestion {
  /** What the question asks for. `expectedDigits`: 4 for "the last four digits". */
  readonly read: (asked: Asked) => { readonly kind: Kind | undefined; readonly expectedDigits: number | undefined }
  /** The kind of dictation that a text names, such as "phone number". */
  readonly kindOf: (text: string) => Kind | undefined
}

/** In a sentence with this many digits, the agent reads a number back to the caller. The sentence does not ask for digits. */
const minDigitsReadBack = 3

/** The edge of a word. JavaScript's `\b` knows only ASCII letters. */
const edge = "(?:(?<=[\\p{L}\\p{N}])(?![\\p{L}\\p{N}])|(?<![\\p{L}\\p{N}])(?=[\\p{L}\\p{N}]))"

/** A regular expression in which `_` is the edge of a word. */
export const pattern = (source: string): RegExp => new RegExp(source.replaceAll("_", edge), "u")

export const make = (words: DictationWords, { numbers, read }: Reader): DictationQuestion => {
  const asks = words.asks.map(([kind, source]) => [kind, pattern(source)] as const)
  const howMany = words.digitNoun === "" ? undefined : pattern(`([\\p{L}\\p{N}]+)[- ](?:${words.digitNoun})_`)

  const kindOf = (text: string): Kind | undefined => {
    const plain = text.normalize("NFKC").toLowerCase().replaceAll("’", "'")
    return asks.find(([, source]) => source.test(plain))?.[0]
  }

  /** The agent's last question: the last sentence, or the sentence before it if the last sentence asks for nothing. */
  const lastQuestionIn = (question: string): { readonly text: string; readonly kind: Kind | undefined } => {
    const sentences = question.split(/(?<=[.!?。！？])\s+/u).filter((sentence) => sentence.length > 0)
    const [before = "", last = ""] = sentences.length > 1 ? sentences.slice(-2) : ["", ...sentences]
    const kindAsked = (sentence: string) => lengthOf(read(sentence.toLowerCase())) >= minDigitsReadBack ? undefined : kindOf(sentence)
    const kind = kindAsked(last)
    return kind !== undefined || /\?\s*$/.test(last) ? { text: last, kind } : { text: before, kind: kindAsked(before) }
  }

  /** The kind of the slot whose question ends the agent's words. */
  const kindOfSlot = (question: string, needs: ReadonlyArray<Need>): Kind | undefined => {
    const need = needs.find(({ ask }) => {
      const source = ask.trim().split(/\{[^{}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")
      return new RegExp(`${source}\\s*$`, "su").test(question)
    })
    return need === undefined ? undefined : kindOf(need.slot.replaceAll("_", " "))
  }

  const expectedDigitsIn = (question: string): number | undefined => {
    const count = howMany?.exec(question.toLowerCase())?.[1]
    const number = count === undefined ? Number.NaN : Number(numbers.get(count) ?? (/^\d{1,2}$/.test(count) ? count : Number.NaN))
    return Number.isNaN(number) ? undefined : number
  }

  return {
    kindOf,
    read: ({ needs = [], question }) => {
      const { kind, text } = lastQuestionIn(question)
      return { kind: kind ?? kindOfSlot(question, needs), expectedDigits: expectedDigitsIn(text) }
    }
  }
}
