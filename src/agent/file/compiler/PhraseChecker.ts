/**
 * Checks the phrases of one agent file. Reports the phrases that can't be used, and remembers the places of the readable ones.
 */
import { Result } from "effect"
import type { Path, Place } from "../../../config/yaml/YamlPlaces.ts"
import type { Source } from "../../../config/yaml/YamlSource.ts"
import * as PhraseNotation from "../../../definition/PhraseNotation.ts"
import { suggest } from "../../../domain/DidYouMean.ts"
import type { FileProblems } from "./FileProblems.ts"

/** The most characters of a phrase. Phrases may be nested, and each level of nesting costs time. */
const maxPhraseCharacters = 400

/** Patterns for the positions before and after a word in a phrase. */
const wordEdge = { before: "(?<![\\p{L}\\p{M}0-9'’.-])", after: "(?![\\p{L}\\p{M}0-9'’.-])" }

interface PlacedPhrase {
  readonly text: string
  /** `character` counts from 0. */
  readonly placeOf: (character: number) => Place
}

export class PhraseChecker {
  readonly #source: Source
  readonly #problems: FileProblems
  readonly #slotNames: ReadonlyArray<string>
  readonly #readable: Array<PlacedPhrase> = []

  /** `slotNames`: the slots that the file declares. */
  constructor(source: Source, problems: FileProblems, slotNames: ReadonlyArray<string>) {
    this.#source = source
    this.#problems = problems
    this.#slotNames = slotNames
  }

  /** The phrases at `path` that can be used. With `slots: "forbidden"`, phrases that contain a `{slot}` can't be used. */
  usablePhrases(path: Path, phrases: ReadonlyArray<string>, slots: "allowed" | "forbidden"): ReadonlyArray<string> {
    return phrases.filter((text, index) =>
      this.#isUsable({ text, placeOf: (character) => this.#source.placeInText(path, index, character) }, slots))
  }

  /** Whether a value in the plain list at `path` can be used as a phrase. `text` is the phrase. */
  isUsableValue(path: Path, index: number, value: string, text: string): boolean {
    const placeOf = (character: number) => this.#source.placeInText(path, index, character)
    const parsed = PhraseNotation.parse(text)
    if (Result.isFailure(parsed)) {
      this.#problems.at(
        placeOf(parsed.failure.at),
        `${parsed.failure.problem}, in the value "${value}". Write each value on a line of its own, as "${value}:" and its phrases.`
      )
      return false
    }
    this.#readable.push({ text, placeOf })
    return true
  }

  /** The place of a word in each of the file's phrases that has it. Empty for a word that is only in the default phrases. */
  readonly placesOfWord = (word: string): ReadonlyArray<Place> =>
    this.#readable.flatMap(({ placeOf, text }) => {
      const found = new RegExp(`${wordEdge.before}${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}${wordEdge.after}`, "u").exec(text)
      return found === null ? [] : [placeOf(found.index)]
    })

  #isUsable(phrase: PlacedPhrase, slots: "allowed" | "forbidden"): boolean {
    const { placeOf, text } = phrase
    if (text === "" || text.length > maxPhraseCharacters) {
      this.#problems.at(
        placeOf(0),
        text === ""
          ? "A phrase is empty here. Write what the caller says, or remove the phrase."
          : `A phrase may have at most ${maxPhraseCharacters} characters. Split it into several phrases.`
      )
      return false
    }
    const parsed = PhraseNotation.parse(text)
    if (Result.isFailure(parsed)) {
      this.#problems.at(placeOf(parsed.failure.at), `${parsed.failure.problem}, in the phrase "${text}".`)
      return false
    }
    this.#readable.push(phrase)
    if (PhraseNotation.mayBeEmpty(parsed.success)) {
      this.#problems.at(placeOf(0), `All of the phrase "${text}" may be left out. Write at least one word outside of [ ].`)
      return false
    }
    return this.#hasOnlySlots(phrase, PhraseNotation.slots(parsed.success), slots)
  }

  #hasOnlySlots({ placeOf, text }: PlacedPhrase, named: ReadonlyArray<string>, slots: "allowed" | "forbidden"): boolean {
    const unusable = new Set(named.filter((slot) => slots === "forbidden" || !this.#slotNames.includes(slot)))
    for (const slot of unusable) {
      this.#problems.at(
        placeOf(text.indexOf(`{${slot}}`)),
        slots === "allowed"
          ? `There is no slot "${slot}". ${suggest(slot, this.#slotNames)}`
          : `A value's own words can't hold the slot "${slot}". Write the words.`
      )
    }
    return unusable.size === 0
  }
}
