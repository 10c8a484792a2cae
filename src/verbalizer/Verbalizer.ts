/**
 * Writes a text as people say it: figures, units, abbreviations and signs become words of the text's language.
 *
 * It reads the text once, from left to right. At the beginning of each word, figure or sign it tries the rules in order, and the first rule
 * that matches gives the words. Text that no rule matches is not changed. A result does not change if it is verbalized again.
 */
import { languages } from "./Languages.ts"
import * as NumberWords from "./NumberWords.ts"
import * as Abbreviations from "./rules/Abbreviations.ts"
import * as Addresses from "./rules/Addresses.ts"
import * as Codes from "./rules/Codes.ts"
import * as Dates from "./rules/Dates.ts"
import * as Measures from "./rules/measures/Measures.ts"
import * as Numbers from "./rules/Numbers.ts"
import * as Ordinals from "./rules/Ordinals.ts"
import { type Language, match, type Rule, stickyPattern } from "./rules/Rule.ts"
import * as Signs from "./rules/Signs.ts"
import * as Telephone from "./rules/Telephone.ts"
import * as Times from "./rules/Times.ts"
import { decimalOf } from "./WrittenNumber.ts"

/** The longest text, in characters. A longer text is no sentence and is not changed. */
const maxLength = 4000

const word = stickyPattern("[\\p{L}\\p{M}'’]+")
const isWordCharacter = /[\p{L}\p{M}\p{N}]/u

const make = (language: Language): (text: string) => string => {
  const rules: ReadonlyArray<Rule> = [
    Abbreviations.make(language),
    Addresses.make(language),
    Dates.make(language),
    Telephone.make(language),
    Times.make(language),
    Ordinals.make(language),
    Measures.make(language),
    Codes.make(language),
    Numbers.make(language),
    Signs.make(language)
  ]
  return (text) => {
    let spoken = ""
    let at = 0
    /** Adds words, with a blank if two letters or figures would touch. */
    const add = (words: string) => {
      const touches = isWordCharacter.test(spoken.at(-1) ?? "") && isWordCharacter.test(words[0] ?? "")
      spoken += touches ? ` ${words}` : words
    }
    /** The text before `at` was replaced by words. */
    let isAfterWords = false
    while (at < text.length) {
      const isInsideWord = at > 0 && isWordCharacter.test(text[at - 1]) && /\p{L}/u.test(text[at]) && !isAfterWords
      const found = isInsideWord ? undefined : rules.reduce<ReturnType<Rule>>((known, rule) => known ?? rule(text, at), undefined)
      if (found !== undefined && found.length > 0) {
        add(found.words)
        at += found.length
        isAfterWords = true
        continue
      }
      const unchanged = match(word, text, at)?.[0] ?? String.fromCodePoint(text.codePointAt(at) ?? 0)
      if (isAfterWords) add(unchanged)
      else spoken += unchanged
      at += unchanged.length
      isAfterWords = false
    }
    return spoken === text ? text : spoken.replace(/[ \u00A0\u202F]{2,}/g, " ").trim()
  }
}

const verbalizers = new Map<string, (text: string) => string>()

/**
 * Returns a function that writes texts of a language (BCP 47) as they are spoken. `undefined`: the language has no rules, so the speech
 * engine gets its texts unchanged. The data of a language are loaded when the language is first used.
 */
export const of = (tag: string): ((text: string) => string) | undefined => {
  const base = tag.toLowerCase().split(/[-_]/)[0]
  const languageRules = languages.get(base)
  if (languageRules === undefined) return undefined
  const known = verbalizers.get(base)
  if (known !== undefined) return known
  const verbalizer = make({ rules: languageRules, words: NumberWords.make(languageRules), decimal: decimalOf(base) })
  const bounded = (text: string) => text.length > maxLength ? text : verbalizer(text)
  verbalizers.set(base, bounded)
  return bounded
}
