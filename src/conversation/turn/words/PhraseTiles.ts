/**
 * Finds whether a short utterance consists of known phrases only: "Hi, yes, hello?" consists of "hi", "yes" and "hello".
 *
 * Words are separated by blanks. In a script without blanks each character counts as a word.
 */
import * as Words from "../../../definition/languages/Words.ts"

export interface Token {
  /** In the form of `Words.plain`. */
  readonly word: string
  readonly isCapital: boolean
  /** The script of the word has no capitals. */
  readonly isUncased: boolean
}

const unspaced = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}"
const units = new RegExp(`[${unspaced}]\\p{M}*|[^\\s${unspaced}]+`, "gu")

/** Replaces typographic apostrophes by plain ones. A recognizer may write typographic apostrophes, but the phrases have plain ones. */
const straight = (text: string): string => text.replace(/[\u2018\u2019\u02BC]/g, "'")

/** The words of a text, without punctuation. */
export const tokens = (text: string): ReadonlyArray<Token> =>
  (straight(text).match(units) ?? []).flatMap((unit) => {
    const isCapital = /^[^\p{L}]*\p{Lu}/u.test(unit)
    const isUncased = /^[^\p{L}]*\p{Lo}/u.test(unit)
    // Punctuation also separates words: "hello...hello".
    return Words.plain(unit).split(" ").filter((word) => /[\p{L}\p{N}]/u.test(word)).map((word) => ({ word, isCapital, isUncased }))
  })

/** The words of each list of phrases. A list belongs to a language or an agent, and is prepared once, for the first call. */
const preparedLists = new WeakMap<ReadonlyArray<string>, ReadonlyArray<ReadonlyArray<string>>>()

/** The words of each phrase. */
const wordsOf = (phrases: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const prepared = preparedLists.get(phrases)
  if (prepared !== undefined) return prepared
  const words = phrases.map((phrase) => tokens(phrase).map(({ word }) => word)).filter(({ length }) => length > 0)
  preparedLists.set(phrases, words)
  return words
}

interface Phrases {
  /** Removes as many known phrases as possible from both ends, and returns the remaining tokens. */
  readonly strip: (tokens: ReadonlyArray<Token>) => ReadonlyArray<Token>
}

/** Prepares lists of known phrases. The lists must not be changed afterwards. */
export const make = (...lists: ReadonlyArray<ReadonlyArray<string>>): Phrases => {
  const known = new Set<string>()
  let maxPhraseWords = 0
  for (const words of lists.flatMap(wordsOf)) {
    known.add(words.join(" "))
    maxPhraseWords = Math.max(maxPhraseWords, words.length)
  }

  /** How many tokens at the beginning consist of known phrases. `at(from, to)`: the text of the tokens from `from` to before `to`. */
  const knownLength = (length: number, at: (from: number, to: number) => string): number => {
    const isReached = [true]
    let end = 0
    for (let from = 0; from <= end; from++) {
      if (isReached[from] !== true) continue
      for (let to = from + 1; to <= Math.min(length, from + maxPhraseWords); to++) {
        if (!known.has(at(from, to))) continue
        isReached[to] = true
        end = Math.max(end, to)
      }
    }
    return end
  }

  const textOf = (some: ReadonlyArray<Token>): string => some.map(({ word }) => word).join(" ")

  return {
    strip: (all) => {
      const left = all.slice(knownLength(all.length, (from, to) => textOf(all.slice(from, to))))
      const { length } = left
      return left.slice(0, length - knownLength(length, (from, to) => textOf(left.slice(length - to, length - from))))
    }
  }
}
