/**
 * Finds in a caller's words which intent of a script they ask for, which slot values they give, and whether they say yes or no.
 */
import type { DialogScript, Intent } from "../../../definition/DialogScript.ts"
import type { Values } from "./Dialogue.ts"
import * as PhraseMatcher from "./PhraseMatcher.ts"
import * as SpokenText from "../SpokenText.ts"

type Words = ReadonlyArray<string>

/** Slot values that the caller gave, and the score of the words that give them. */
export interface GivenValues {
  readonly slots: Values
  readonly score: number
}

/** The intent that the caller asked for. `slots`: values inside its phrase. */
export interface Wish {
  readonly intent: Intent
  readonly score: number
  readonly slots: Values
}

interface Understanding {
  /** Finds values for an intent's slots. `known`: values from earlier turns. Slots without a known value are looked for first. */
  readonly slotValues: (intent: Intent, known: Values, words: Words) => GivenValues
  /** The intent whose phrase has the highest score. If scores are equal, the earlier intent wins. */
  readonly wish: (words: Words) => Wish | undefined
  /** The score of the caller's yes; 0 if the caller did not say yes. */
  readonly yes: (words: Words) => number
  /** The score of the caller's no; 0 if the caller did not say no. */
  readonly no: (words: Words) => number
}

/** Reads the script once. */
export const make = (script: DialogScript, language: string): Understanding => {
  const matcher = PhraseMatcher.make(script, language)
  const fillers = SpokenText.fillersOf(language)
  const intents = script.intents.map((intent) => ({ intent, phrases: matcher.compile(intent.phrases) }))
  const yes = matcher.compile(script.yes ?? [])
  const no = matcher.compile(script.no ?? [])

  /** The last value said for each slot. Words that fit two slots belong to the first slot in `order`. */
  const slotValuesInOrder = (order: ReadonlyArray<string>, words: Words): GivenValues => {
    const taken = new Set<number>()
    const slots = new Map<string, string>()
    let score = 0
    for (const slot of order) {
      const places = matcher.values(slot, words)
        .filter(({ end, start }) => !words.slice(start, end).some((_, offset) => taken.has(start + offset)))
      const last = places.at(-1)
      const value = last?.slots.get(slot)
      if (value === undefined) continue
      slots.set(slot, value)
      for (const place of places) {
        score += place.score
        for (let at = place.start; at < place.end; at++) taken.add(at)
      }
    }
    return { slots, score }
  }

  const slotValues = (intent: Intent, known: Values, words: Words): GivenValues => {
    const names = intent.needs.map(({ slot }) => slot)
    // Slots without a value go first, because "ten" may be a time or a number.
    return slotValuesInOrder([...names.filter((slot) => !known.has(slot)), ...names.filter((slot) => known.has(slot))], words)
  }

  const wish = (words: Words): Wish | undefined => {
    let best: Wish | undefined
    for (const { intent, phrases } of intents) {
      const match = matcher.best(phrases, words)
      if (match !== undefined && (best === undefined || match.score > best.score)) best = { intent, score: match.score, slots: match.slots }
    }
    return best
  }

  /** The score of a yes or a no; 0 if it does not count. It counts if only fillers come before it, or if it is at least half of the words. */
  const scoreOf = (phrases: PhraseMatcher.CompiledPhrases, words: Words): number => {
    const match = matcher.best(phrases, words, { strict: true })
    if (match === undefined) return 0
    const wordsBefore = words.slice(0, match.start)
    return wordsBefore.every((word) => fillers.has(word)) || match.end - match.start >= words.length / 2 ? match.score : 0
  }

  return { slotValues, wish, yes: (words) => scoreOf(yes, words), no: (words) => scoreOf(no, words) }
}
