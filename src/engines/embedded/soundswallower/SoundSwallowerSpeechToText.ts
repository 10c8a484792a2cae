/**
 * Speech recognition by SoundSwallower, in this process: English and French, by a grammar of the agent's own phrases. Speech outside the
 * grammar is reported as unintelligible.
 *
 * Sound is decoded in threads. A long utterance is decoded while its sound arrives, so its words are known 1–2 ms after its end. A short
 * utterance is decoded as a whole when its words are asked for. A preemptive reply asks for the words in the caller's pause, so the caller
 * does not notice the time for decoding. The models take 8 kHz, so nothing is resampled.
 *
 * https://github.com/ReadAlongs/SoundSwallower
 */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Effect, type FileSystem, Layer, Scope } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import { embedded } from "../../../config/EngineSettings.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as EngineMeter from "../../../conversation/ports/EngineMeter.ts"
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"
import { SpeechToText, type Transcript } from "../../../conversation/ports/SpeechToText.ts"
import * as Dictionaries from "./Dictionaries.ts"
import * as Grammar from "./Grammar.ts"
import type { Grammar as Loadable } from "./SoundSwallowerModel.ts"
import * as Threads from "./SoundSwallowerThreads.ts"

const models: Record<Grammar.Language, string> = { en: "en-us", fr: "fr-fr" }

/** ms without progress after which a thread counts as hung. Decoding half a minute of speech takes about 1 s. */
const hungAfterMillis = 10_000

const samplesPerSecond = 8000

/** The most samples of an utterance that are decoded (a minute). Later samples are dropped. */
const maxSamples = 480_000

/** Foreign speech has at least this many phones. Fewer phones are a cough or a click. */
const minForeignPhones = 5

const failed = (reason: EngineFailed["reason"], advice: string, cause?: unknown) =>
  new EngineFailed({ stage: "speechToText", reason, advice, cause })

/** Makes a transcript of the decoder's text, in which foreign speech is a row of pseudo-words. */
const transcriptOf = (text: string, isWhole: Grammar.Grammar["isWhole"]): Transcript => {
  const said = text.replace(/\(\d+\)/g, "").trim()
  const phones = Grammar.foreignPhones(said)
  if (phones >= minForeignPhones) return { text: "", isUnintelligible: true, ending: "unknown" }
  if (phones > 0 || said === "") return { text: "", ending: "unknown" }
  return { text: said, ending: isWhole(said) ? "complete" : "trailing" }
}

const languageOf = (hints: RecognitionHints): Effect.Effect<Grammar.Language, EngineFailed> => {
  const language = hints.language.slice(0, 2).toLowerCase()
  return Grammar.isLanguage(language)
    ? Effect.succeed(language)
    : Effect.fail(failed("refused", `SoundSwallower recognizes English and French, not "${hints.language}". Set STT_URL to an engine for this language.`))
}

export const layer: Layer.Layer<SpeechToText, EngineFailed, FileSystem.FileSystem> = Layer.effect(
  SpeechToText,
  Effect.gen(function*() {
    const modelBase = yield* Effect.try({
      try: () => join(dirname(createRequire(import.meta.url).resolve("soundswallower")), "model/"),
      catch: (cause) => failed("unavailable", "SoundSwallower is not installed. Run `npm install`.", cause)
    })
    const scope = yield* Effect.scope
    /** The first agent that uses this engine starts the threads. A service that only has the echo agent needs none. */
    const started = yield* Effect.cached(Scope.provide(Threads.make({ timeout: hungAfterMillis }), scope))
    const dictionaries = yield* Dictionaries.make((language) => join(modelBase, models[language], "dict.txt"))

    const unknownWords = Effect.fnUntraced(function*(hints: RecognitionHints) {
      const language = yield* languageOf(hints)
      const { words } = Grammar.make(hints, language)
      return (yield* dictionaries.lookUp(language, words)).unknown
    })

    /** The number in the next grammar's name. */
    let nextGrammar = 0

    /** A grammar and the dictionary of its words, for the decoders to load. */
    const loadableOf = Effect.fnUntraced(function*({ jsgf, words }: Grammar.Grammar, language: Grammar.Language) {
      const { pronunciations, unknown } = yield* dictionaries.lookUp(language, words)
      if (unknown.length > 0) {
        return yield* failed("refused", `These words are not in the recognizer's dictionary: ${unknown.join(", ")}. Write them in another way.`)
      }
      const loadable: Loadable = {
        name: `grammar-${nextGrammar++}`,
        jsgf,
        words: [
          ...words.flatMap((word) => pronunciations(word)),
          ...words.flatMap((word, index) => pronunciations(word, Grammar.ownWordInForeign(index))),
          ...Grammar.phoneWords(language)
        ],
        modelBase,
        model: models[language],
        wordInsertion: Grammar.wordInsertion
      }
      return loadable
    })

    const prepare = Effect.fn("SoundSwallower.prepare")(function*(hints: RecognitionHints) {
      const language = yield* languageOf(hints)
      const grammar = Grammar.make(hints, language)
      const loadable = yield* loadableOf(grammar, language)
      const threads = yield* started
      yield* Effect.mapError(
        threads.load(loadable),
        (cause) => failed("unavailable", "SoundSwallower could not load its model. Install again with `npm install`.", cause.message)
      )

      const begin = Effect.gen(function*() {
        const utterance = yield* threads.begin(loadable)
        let length = 0
        let countedLength = 0
        /** Counts each sample once, however often the words are asked for. */
        const count = Effect.suspend(() => {
          const newSamples = Math.min(length, maxSamples) - countedLength
          countedLength += newSamples
          return EngineMeter.count({ stage: "transcript", engine: embedded, requests: 1, soundSeconds: newSamples / samplesPerSecond })
        })
        return {
          push: (pcm: Pcm<8000>) => {
            length += pcm.length
            return length > maxSamples ? Effect.void : utterance.push(pcm)
          },
          transcribe: Effect.mapBoth(Effect.andThen(count, utterance.words), {
            onSuccess: (text) => transcriptOf(text, grammar.isWhole),
            onFailure: (cause) => failed("broken", "SoundSwallower failed on an utterance; its thread was replaced.", cause.message)
          })
        }
      })
      return { begin }
    })

    return SpeechToText.of({ prepare, unknownWords })
  })
)
