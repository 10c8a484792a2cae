/**
 * The dictionaries of the recognizer's languages: how words are pronounced, in the phones of the model.
 */
import { Effect, FileSystem, RcRef, type Scope } from "effect"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as Dictionary from "./Dictionary.ts"
import type { Language } from "./Grammar.ts"

/** Common words that the dictionary files lack. */
const furtherWords: Record<Language, ReadonlyArray<readonly [string, string]>> = {
  en: [
    ["uh-huh", "AH HH AH"],
    ["mm-hmm", "M HH M"],
    ["mhm", "M HH M"],
    ["hmm", "HH M"],
    ["yep", "Y EH P"]
  ],
  fr: []
}

/** The result of a look-up of words in a dictionary. */
interface LookUpResult {
  /** Words that the dictionary lacks. */
  readonly unknown: ReadonlyArray<string>
  /**
   * The pronunciations of a word, as entries for a decoder: `word`, `word(2)`, … in the file's order. Empty for an unknown word.
   *
   * @param as the name of the word in the entries
   */
  readonly pronunciations: (word: string, as?: string) => ReadonlyArray<readonly [word: string, pronunciation: string]>
}

interface Dictionaries {
  readonly lookUp: (language: Language, words: ReadonlyArray<string>) => Effect.Effect<LookUpResult, EngineFailed>
}

const lookUpIn = (entries: ReadonlyMap<string, string>, words: ReadonlyArray<string>): LookUpResult => ({
  unknown: words.filter((word) => !entries.has(word)),
  pronunciations: (word, as = word) => {
    const all: Array<readonly [string, string]> = []
    for (let number = 1;; number++) {
      const suffix = number === 1 ? "" : `(${number})`
      const pronunciation = entries.get(word + suffix)
      if (pronunciation === undefined) return all
      all.push([as + suffix, pronunciation])
    }
  }
})

/** A language's file (3 MB) is read for a look-up, and dropped from memory 2 s after the last look-up. */
export const make = Effect.fnUntraced(function*(
  fileOf: (language: Language) => string
): Effect.fn.Return<Dictionaries, never, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem

  const bytesOf = (language: Language) =>
    RcRef.make({
      acquire: Effect.mapBoth(fs.readFile(fileOf(language)), {
        onSuccess: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        onFailure: (cause) =>
          new EngineFailed({
            stage: "speechToText",
            reason: "unavailable",
            advice: "SoundSwallower's dictionary can't be read. Install again with `npm install`.",
            cause
          })
      }),
      idleTimeToLive: "2 seconds"
    })
  const files = { en: yield* bytesOf("en"), fr: yield* bytesOf("fr") }

  return {
    lookUp: (language, words) =>
      Effect.scoped(RcRef.get(files[language])).pipe(
        Effect.map((bytes) => lookUpIn(new Map([...furtherWords[language], ...Dictionary.find(bytes, new Set(words))]), words))
      )
  }
})
