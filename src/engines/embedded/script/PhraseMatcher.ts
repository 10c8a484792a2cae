/**
 * Finds phrases in what a caller said: a phrase counts when all of its words are there, in their order,
 * with whatever before and behind, and with very little between.
 */
import { Result } from "effect"
import * as PhraseNotation from "../../../definition/PhraseNotation.ts"
import type { DialogScript } from "../../../definition/DialogScript.ts"
import * as SpokenText from "../SpokenText.ts"

/** A phrase, found. */
export interface Match {
  /** Words that belong to the phrase, less half a word for each foreign one between them: more is better. */
  readonly score: number
  readonly start: number
  readonly end: number
  /** The values of the slots in it. */
  readonly slots: ReadonlyMap<string, string>
}

export interface Matcher {
  /** The best match of any of these phrases; the earlier phrase among equals. */
  readonly best: (phrases: Compiled, words: ReadonlyArray<string>, options?: { readonly strict?: boolean }) => Match | undefined
  /** Every place where a value of this slot is said, in their order, each as long as it goes. */
  readonly values: (slot: string, words: ReadonlyArray<string>) => ReadonlyArray<Match>
  readonly compile: (phrases: ReadonlyArray<string>) => Compiled
}

/** Phrases that were read, as nodes to walk. */
export type Compiled = ReadonlyArray<PhraseNotation.Phrase>

/** What a walk has found so far. */
interface Walk {
  readonly end: number
  readonly words: number
  /** Foreign words between the phrase's. */
  readonly skipped: number
  readonly slots: ReadonlyMap<string, string>
}

/** Ways through one phrase that are followed at once; far more than a caller's sentence gives. */
const maxWalks = 32

/** Foreign words that may stand between the words of one phrase. */
const maxSkipped = 2

/** Of a phrase's own words, at most this share of foreign ones between: "when do you open" is not "when open". */
const wordsForEachSkipped = 3

const none: ReadonlyMap<string, string> = new Map()

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one === other || one.size === other.size && [...one].every(([name, value]) => other.get(name) === value)

const scoreOf = (walk: Walk): number => walk.words - walk.skipped / 2

/** Those that got equally far are one: the best of them. */
const thin = (walks: ReadonlyArray<Walk>): ReadonlyArray<Walk> => {
  if (walks.length < 2) return walks
  const kept: Array<Walk> = []
  for (const walk of walks) {
    const same = kept.findIndex((other) => other.end === walk.end && isSame(other.slots, walk.slots))
    if (same < 0) kept.push(walk)
    else if (scoreOf(walk) > scoreOf(kept[same])) kept[same] = walk
  }
  return kept.length > maxWalks ? kept.sort((one, other) => scoreOf(other) - scoreOf(one)).slice(0, maxWalks) : kept
}

/** The words of a phrase's node as the caller's words are written; a word may be several. */
const even = (phrase: PhraseNotation.Phrase): PhraseNotation.Phrase => {
  switch (phrase._tag) {
    case "Word": {
      const parts = SpokenText.wordsOfPhrase(phrase.word).map((word): PhraseNotation.Phrase => ({ _tag: "Word", word }))
      return parts.length === 1 ? parts[0] : { _tag: "Sequence", parts }
    }
    case "Slot":
      return phrase
    case "Sequence":
      return { _tag: "Sequence", parts: phrase.parts.map(even) }
    case "Choice":
      return { _tag: "Choice", options: phrase.options.map(even) }
    case "Optional":
      return { _tag: "Optional", phrase: even(phrase.phrase) }
  }
}

export const make = (script: DialogScript, language: string): Matcher => {
  const fillers = SpokenText.fillersOf(language)

  /** A phrase that can't be read is left out: an agent's file is checked when it is loaded. */
  const compile = (phrases: ReadonlyArray<string>): Compiled =>
    phrases.flatMap((phrase) => {
      const read = PhraseNotation.parse(SpokenText.evenPhrase(phrase, language))
      return Result.isSuccess(read) && !PhraseNotation.mayBeEmpty(read.success) ? [even(read.success)] : []
    })

  const slots = new Map(
    (script.slots ?? []).map((slot) => [slot.name, slot.values.map(({ value, ways }) => ({ value, ways: compile(ways) }))])
  )

  const walkWord = (word: string, words: ReadonlyArray<string>, walk: Walk): ReadonlyArray<Walk> => {
    let skipped = walk.skipped
    for (let at = walk.end; at < words.length; at++) {
      if (words[at] === word) return [{ ...walk, end: at + 1, words: walk.words + 1, skipped }]
      // Nothing is skipped before the first word: where a phrase starts is the caller's to choose.
      if (walk.words === 0) return []
      if (!fillers.has(words[at]) && ++skipped > maxSkipped) return []
    }
    return []
  }

  const walkOn = (node: PhraseNotation.Phrase, words: ReadonlyArray<string>, walks: ReadonlyArray<Walk>): ReadonlyArray<Walk> => {
    if (walks.length === 0) return walks
    switch (node._tag) {
      case "Word":
        return thin(walks.flatMap((walk) => walkWord(node.word, words, walk)))
      case "Sequence":
        return node.parts.reduce((reached, part) => walkOn(part, words, reached), walks)
      case "Choice":
        return thin(node.options.flatMap((option) => walkOn(option, words, walks)))
      case "Optional":
        return thin([...walks, ...walkOn(node.phrase, words, walks)])
      case "Slot":
        return thin(walks.flatMap((walk) =>
          (slots.get(node.name) ?? []).flatMap(({ value, ways }) =>
            ways.flatMap((way) =>
              walkOn(way, words, [walk]).map((next) => ({ ...next, slots: new Map([...next.slots, [node.name, value]]) }))
            )
          )
        ))
    }
  }

  const at = (phrase: PhraseNotation.Phrase, words: ReadonlyArray<string>, start: number, strict: boolean): Match | undefined => {
    let best: Match | undefined
    for (const walk of walkOn(phrase, words, [{ end: start, words: 0, skipped: 0, slots: none }])) {
      const mayBeSkipped = strict ? 0 : Math.floor(walk.words / wordsForEachSkipped)
      if (walk.words === 0 || walk.skipped > mayBeSkipped) continue
      const score = scoreOf(walk)
      if (best === undefined || score > best.score) best = { score, start, end: walk.end, slots: walk.slots }
    }
    return best
  }

  const best: Matcher["best"] = (phrases, words, { strict = false } = {}) => {
    let found: Match | undefined
    for (const phrase of phrases) {
      for (let start = 0; start < words.length; start++) {
        const match = at(phrase, words, start, strict)
        if (match !== undefined && (found === undefined || match.score > found.score)) found = match
      }
    }
    return found
  }

  const values: Matcher["values"] = (slot, words) => {
    const node: PhraseNotation.Phrase = { _tag: "Slot", name: slot }
    const found: Array<Match> = []
    for (let start = 0; start < words.length; start++) {
      const match = at(node, words, start, true)
      if (match === undefined) continue
      found.push(match)
      start = match.end - 1
    }
    return found
  }

  return { best, values, compile }
}
