/**
 * Speech recognition by SoundSwallower, in this process: English and French, by a grammar of the agent's own
 * phrases. What is not in the grammar is refused; it is no dictation.
 *
 * Sound is decoded in threads: a long utterance while it comes, so that its words are there one or two
 * milliseconds after the last of it; a short one as a whole when they are asked for, which the speculation at
 * the short pause hides. Its models take 8 kHz, so nothing is resampled.
 *
 * https://github.com/ReadAlongs/SoundSwallower
 */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Effect, FileSystem, Layer, RcRef, Scope } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"
import { SpeechToText, type Transcript } from "../../../conversation/ports/SpeechToText.ts"
import * as Dictionary from "./Dictionary.ts"
import * as Grammar from "./Grammar.ts"
import type { Grammar as Loadable } from "./SoundSwallowerModel.ts"
import * as Threads from "./SoundSwallowerThreads.ts"

const models: Record<Grammar.Language, string> = { en: "en-us", fr: "fr-fr" }

/** ms that an utterance may take; half a minute of speech takes a tenth of it. */
const timeout = 10_000

/** Samples of an utterance that are kept: a minute. */
const longest = 480_000

/** Foreign speech is at least as long as this many phones; less is a cough or a click. */
const foreignPhones = 5

/** Words that the dictionaries lack and that everybody says. */
const further: Record<Grammar.Language, ReadonlyArray<readonly [string, string]>> = {
  en: [
    ["uh-huh", "AH HH AH"],
    ["mm-hmm", "M HH M"],
    ["mhm", "M HH M"],
    ["hmm", "HH M"],
    ["yep", "Y EH P"]
  ],
  fr: []
}

const failed = (reason: EngineFailed["reason"], advice: string, cause?: unknown) =>
  new EngineFailed({ stage: "speechToText", reason, advice, cause })

/** A word's ways to be said, in the dictionary's order: `word`, `word(2)`, …; under another name, if one is given. */
const pronunciations = (
  word: string,
  dictionary: ReadonlyMap<string, string>,
  as = word
): ReadonlyArray<readonly [string, string]> => {
  const all: Array<readonly [string, string]> = []
  for (let number = 1;; number++) {
    const suffix = number === 1 ? "" : `(${number})`
    const pronunciation = dictionary.get(word + suffix)
    if (pronunciation === undefined) return all
    all.push([as + suffix, pronunciation])
  }
}

export const layer: Layer.Layer<SpeechToText, EngineFailed, FileSystem.FileSystem> = Layer.effect(
  SpeechToText,
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const modelBase = yield* Effect.try({
      try: () => join(dirname(createRequire(import.meta.url).resolve("soundswallower")), "model/"),
      catch: (cause) => failed("unavailable", "SoundSwallower is not installed. Run `npm install`.", cause)
    })
    const scope = yield* Effect.scope
    /** Started by the first agent: a service that only echoes needs none. */
    const started = yield* Effect.cached(
      Scope.provide(Threads.make({ timeout }), scope)
    )

    /** The file of a dictionary (3 MB), let go soon after an agent was loaded. */
    const dictionaryOf = (language: Grammar.Language) =>
      RcRef.make({
        acquire: Effect.map(
          Effect.mapError(
            fs.readFile(join(modelBase, models[language], "dict.txt")),
            (cause) => failed("unavailable", "SoundSwallower's dictionary can't be read. Install again with `npm install`.", cause)
          ),
          (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        ),
        idleTimeToLive: "2 seconds"
      })
    const dictionaries = { en: yield* dictionaryOf("en"), fr: yield* dictionaryOf("fr") }

    /** The dictionary, as far as it has these words. */
    const lookUp = (language: Grammar.Language, words: ReadonlyArray<string>) =>
      Effect.scoped(RcRef.get(dictionaries[language])).pipe(
        Effect.map((bytes) => new Map([...further[language], ...Dictionary.find(bytes, new Set(words))]))
      )

    const languageOf = (hints: RecognitionHints): Effect.Effect<Grammar.Language, EngineFailed> => {
      const language = hints.language.slice(0, 2).toLowerCase()
      return Grammar.isLanguage(language)
        ? Effect.succeed(language)
        : Effect.fail(failed("refused", `SoundSwallower hears English and French, not "${hints.language}". Set STT_URL to an engine that has it.`))
    }

    const unknownWords = Effect.fnUntraced(function*(hints: RecognitionHints) {
      const language = yield* languageOf(hints)
      const { words } = Grammar.make(hints, language)
      const dictionary = yield* lookUp(language, words)
      return words.filter((word) => !dictionary.has(word))
    })

    let grammars = 0

    const prepare = Effect.fn("SoundSwallower.prepare")(function*(hints: RecognitionHints) {
      const language = yield* languageOf(hints)
      const { isWhole, jsgf, words } = Grammar.make(hints, language)
      const dictionary = yield* lookUp(language, words)
      const unknown = words.filter((word) => !dictionary.has(word))
      if (unknown.length > 0) {
        return yield* failed("refused", `These words are not in the recognizer's dictionary: ${unknown.join(", ")}. Write them in another way.`)
      }
      const grammar: Loadable = {
        name: `grammar-${grammars++}`,
        jsgf,
        words: [
          ...words.flatMap((word) => pronunciations(word, dictionary)),
          ...words.flatMap((word, index) => pronunciations(word, dictionary, Grammar.foreignWord(index))),
          ...Grammar.phoneWords(language)
        ],
        modelBase,
        model: models[language],
        wordInsertion: Grammar.wordInsertion
      }
      const threads = yield* started
      yield* Effect.mapError(
        threads.load(grammar),
        (cause) => failed("unavailable", "SoundSwallower could not load its model. Install again with `npm install`.", cause.message)
      )

      const toTranscript = (text: string): Transcript => {
        const said = text.replace(/\(\d+\)/g, "").trim()
        const phones = Grammar.foreignPhones(said)
        if (phones >= foreignPhones) return { text: "", isUnintelligible: true, ending: "unknown" }
        if (phones > 0 || said === "") return { text: "", ending: "unknown" }
        return { text: said, ending: isWhole(said) ? "complete" : "trailing" }
      }

      const begin = Effect.gen(function*() {
        const hearing = yield* threads.hear(grammar)
        let length = 0
        return {
          push: (pcm: Pcm<8000>) => {
            length += pcm.length
            return length > longest ? Effect.void : hearing.push(pcm)
          },
          transcribe: Effect.mapBoth(hearing.words, {
            onSuccess: toTranscript,
            onFailure: (cause) => failed("broken", "SoundSwallower failed on an utterance; its thread was replaced.", cause.message)
          })
        }
      })
      return { begin }
    })

    return SpeechToText.of({ prepare, unknownWords })
  })
)
