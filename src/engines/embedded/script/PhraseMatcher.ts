/**
 * Finds phrases in the caller's words. A phrase matches when all its words are said in their order. Any words may stand before and after
 * the phrase. Fillers may stand between its words, and a few foreign words: words that are neither fillers nor words of the phrase.
 */
import { Result } from "effect"
import * as PhraseNotation from "../../../definition/PhraseNotation.ts"
import type { DialogScript } from "../../../definition/DialogScript.ts"
import * as SpokenText from "../SpokenText.ts"

/** A phrase that was found in the caller's words. */
interface Match {
  /** The number of the phrase's words that were said, minus 0.5 for each foreign word between them. */
  readonly score: number
  /** Indices of the caller's words; `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** The values of the phrase's slots. */
  readonly slots: ReadonlyMap<string, string>
}

interface Matcher {
  /** The match with the highest score. If scores are equal, the earlier phrase wins. `strict`: foreign words are not allowed. */
  readonly best: (phrases: CompiledPhrases, words: ReadonlyArray<string>, options?: { readonly strict?: boolean }) => Match | undefined
  /** Every place where the caller says a value of this slot, first to last. */
  readonly values: (slot: string, words: ReadonlyArray<string>) => ReadonlyArray<Match>
  readonly compile: (phrases: ReadonlyArray<string>) => CompiledPhrases
}

/** Phrases that are normalised and parsed. */
export type CompiledPhrases = ReadonlyArray<PhraseNotation.Phrase>

/** A match of the beginning of a phrase. A phrase with choices can have several at once. */
interface Walk {
  /** The index of the caller's word that comes next. */
  readonly end: number
  /** The number of the phrase's words that were found. */
  readonly matched: number
  /** The number of foreign words between them. */
  readonly skipped: number
  readonly slots: ReadonlyMap<string, string>
}

/** The most walks that are kept for one phrase. A caller's sentence gives far fewer. */
const maxWalks = 32

/** The most foreign words between the words of one phrase. */
const maxSkipped = 2

/** A match needs this many words of the phrase for each foreign word. So "when do you open" does not match the phrase "when open". */
const wordsPerSkipped = 3

const noSlots: ReadonlyMap<string, string> = new Map()

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one === other || one.size === other.size && [...one].every(([name, value]) => other.get(name) === value)

const scoreOf = (walk: Walk): number => walk.matched - walk.skipped / 2

/** Of walks with the same `end` and the same slots, keeps only the walk with the highest score. */
const prune = (walks: ReadonlyArray<Walk>): ReadonlyArray<Walk> => {
  if (walks.length < 2) return walks
  const best: Array<Walk> = []
  for (const walk of walks) {
    const same = best.findIndex((other) => other.end === walk.end && isSame(other.slots, walk.slots))
    if (same < 0) best.push(walk)
    else if (scoreOf(walk) > scoreOf(best[same])) best[same] = walk
  }
  return best.length > maxWalks ? best.sort((one, other) => scoreOf(other) - scoreOf(one)).slice(0, maxWalks) : best
}

/** Normalises a phrase's words like the caller's words. One word may become several. */
const normalise = (phrase: PhraseNotation.Phrase): PhraseNotation.Phrase => {
  switch (phrase._tag) {
    case "Word": {
      const parts = SpokenText.splitWords(phrase.word).map((word): PhraseNotation.Phrase => ({ _tag: "Word", word }))
      return parts.length === 1 ? parts[0] : { _tag: "Sequence", parts }
    }
    case "Slot":
      return phrase
    case "Sequence":
      return { _tag: "Sequence", parts: phrase.parts.map(normalise) }
    case "Choice":
      return { _tag: "Choice", options: phrase.options.map(normalise) }
    case "Optional":
      return { _tag: "Optional", phrase: normalise(phrase.phrase) }
  }
}

export const make = (script: DialogScript, language: string): Matcher => {
  const fillers = SpokenText.fillersOf(language)

  /** An invalid phrase is left out: the agent file's check has reported it. */
  const compile = (phrases: ReadonlyArray<string>): CompiledPhrases =>
    phrases.flatMap((phrase) => {
      const parsed = PhraseNotation.parse(SpokenText.normalisePhrase(phrase, language))
      return Result.isSuccess(parsed) && !PhraseNotation.mayBeEmpty(parsed.success) ? [normalise(parsed.success)] : []
    })

  const slots = new Map(
    (script.slots ?? []).map((slot) => [slot.name, slot.values.map(({ value, ways }) => ({ value, ways: compile(ways) }))])
  )

  const walkWord = (word: string, words: ReadonlyArray<string>, walk: Walk): ReadonlyArray<Walk> => {
    let skipped = walk.skipped
    for (let at = walk.end; at < words.length; at++) {
      if (words[at] === word) return [{ ...walk, end: at + 1, matched: walk.matched + 1, skipped }]
      // No word is skipped before the phrase's first word, because `best` and `values` try every start.
      if (walk.matched === 0) return []
      if (!fillers.has(words[at]) && ++skipped > maxSkipped) return []
    }
    return []
  }

  const walkOn = (node: PhraseNotation.Phrase, words: ReadonlyArray<string>, walks: ReadonlyArray<Walk>): ReadonlyArray<Walk> => {
    if (walks.length === 0) return walks
    switch (node._tag) {
      case "Word":
        return prune(walks.flatMap((walk) => walkWord(node.word, words, walk)))
      case "Sequence":
        return node.parts.reduce((reached, part) => walkOn(part, words, reached), walks)
      case "Choice":
        return prune(node.options.flatMap((option) => walkOn(option, words, walks)))
      case "Optional":
        return prune([...walks, ...walkOn(node.phrase, words, walks)])
      case "Slot":
        return prune(walks.flatMap((walk) =>
          (slots.get(node.name) ?? []).flatMap(({ value, ways }) =>
            ways.flatMap((way) =>
              walkOn(way, words, [walk]).map((next) => ({ ...next, slots: new Map([...next.slots, [node.name, value]]) }))
            )
          )
        ))
    }
  }

  const matchAt = (phrase: PhraseNotation.Phrase, words: ReadonlyArray<string>, start: number, strict: boolean): Match | undefined => {
    let best: Match | undefined
    for (const walk of walkOn(phrase, words, [{ end: start, matched: 0, skipped: 0, slots: noSlots }])) {
      const maxSkippedHere = strict ? 0 : Math.floor(walk.matched / wordsPerSkipped)
      if (walk.matched === 0 || walk.skipped > maxSkippedHere) continue
      const score = scoreOf(walk)
      if (best === undefined || score > best.score) best = { score, start, end: walk.end, slots: walk.slots }
    }
    return best
  }

  const best: Matcher["best"] = (phrases, words, { strict = false } = {}) => {
    let found: Match | undefined
    for (const phrase of phrases) {
      for (let start = 0; start < words.length; start++) {
        const match = matchAt(phrase, words, start, strict)
        if (match !== undefined && (found === undefined || match.score > found.score)) found = match
      }
    }
    return found
  }

  const values: Matcher["values"] = (slot, words) => {
    const node: PhraseNotation.Phrase = { _tag: "Slot", name: slot }
    const found: Array<Match> = []
    for (let start = 0; start < words.length; start++) {
      const match = matchAt(node, words, start, true)
      if (match === undefined) continue
      found.push(match)
      start = match.end - 1
    }
    return found
  }

  return { best, values, compile }
}
