/**
 * Speech synthesis by Flite, in this process: English, five voices, no key, no download.
 *
 * The synthesis of a sentence takes 20 to 130 ms. It runs on a worker thread, so it does not hold up the event loop. The sound is cached
 * (`SpokenSentences`), so that an agent's fixed lines and its frequent answers begin at once.
 *
 * http://cmuflite.org
 */
import { Effect, Exit, Layer, Scope, Stream } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import { embedded } from "../../../config/EngineSettings.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as EngineMeter from "../../../conversation/ports/EngineMeter.ts"
import { type SpeechRequest, TextToSpeech } from "../../../conversation/ports/TextToSpeech.ts"
import { threadFile } from "../../../runtime/ThreadFile.ts"
import type { Job } from "./FliteThread.ts"
import * as SpokenSentences from "./SpokenSentences.ts"
import * as WorkerPool from "../WorkerPool.ts"

const voices = ["slt", "rms", "kal16", "kal", "awb"] as const

/** A woman's voice. Of the five voices it has the fewest faults. */
const standardVoice = "slt"

/** Samples that the cache holds: 16 MB, about 16 minutes of speech. All answers of a scripted agent together are shorter. */
const standardCacheLimit = 8_000_000

/** ms that the synthesis of a sentence may take. The longest sentences take about 500 ms. */
const sentenceTimeoutMillis = 5000

const samplesPerSecond = 8000

/** Samples of each piece of the returned stream (200 ms). */
const pieceLength = 1600

const failed = (reason: EngineFailed["reason"], advice: string, cause?: unknown) =>
  new EngineFailed({ stage: "textToSpeech", reason, advice, cause })

const cut = (pcm: Int16Array): ReadonlyArray<{ readonly pcm: Pcm<8000>; readonly sampleRate: 8000 }> =>
  Array.from({ length: Math.ceil(pcm.length / pieceLength) }, (_, index) => ({
    pcm: pcm.subarray(index * pieceLength, (index + 1) * pieceLength) as Pcm<8000>,
    sampleRate: 8000
  }))

/** `cacheLimit`: the most samples that the cache holds, not counting the agents' fixed lines. */
export const layerWith = ({ cacheLimit }: { readonly cacheLimit: number }): Layer.Layer<TextToSpeech> => Layer.effect(
  TextToSpeech,
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    /** The first sentence starts the threads, because a service that only has the echo agent needs none. */
    const pool = yield* Effect.cached(
      WorkerPool.make<Job, Int16Array>({ file: threadFile(import.meta.url, "FliteThread"), timeout: sentenceTimeoutMillis }).pipe(Scope.provide(scope))
    )
    /** Runs a short sentence on each thread, so that each thread compiles the module. A failed start is repeated with the next request. */
    const started = yield* Effect.cachedWithTTL(
      pool.pipe(
        Effect.tap((pool) => pool.runOnEach({ voice: standardVoice, text: "Hello." })),
        Effect.mapError((cause) => failed("unavailable", "Flite could not be started. Install again with `npm install`.", cause.message))
      ),
      (exit) => Exit.isSuccess(exit) ? Infinity : 0
    )
    const synthesise = Effect.fnUntraced(function*(job: Job) {
      const pool = yield* started
      return yield* Effect.mapError(pool.run(job), (cause) => failed("broken", "Flite failed on a sentence; the cause is in the log.", cause.message))
    })
    const sentences = yield* SpokenSentences.make({ synthesise, maxSamples: cacheLimit })

    /** The sentence of a request. `undefined` for a text without a letter or digit: Flite can't speak it. */
    const sentenceOf = Effect.fnUntraced(function*({ language, text, voice = standardVoice }: SpeechRequest) {
      if (!language.startsWith("en")) {
        return yield* failed("refused", `Flite speaks English only, not "${language}". Set TTS_URL to a speech engine for this language.`)
      }
      if (!(voices as ReadonlyArray<string>).includes(voice)) {
        return yield* failed("refused", `Flite has no voice "${voice}". Use one of: ${voices.join(", ")}.`)
      }
      return /[\p{L}\p{N}]/u.test(text) ? { voice, text } : undefined
    })

    const speak = Effect.fnUntraced(function*(request: SpeechRequest) {
      const sentence = yield* sentenceOf(request)
      if (sentence === undefined) return Stream.empty
      const sound = yield* sentences.speak(sentence)
      yield* EngineMeter.count({
        stage: "speech",
        engine: embedded,
        requests: 1,
        characters: sentence.text.length,
        soundSeconds: sound.length / samplesPerSecond
      })
      return Stream.fromArray(cut(sound))
    })

    const prepare = Effect.fnUntraced(function*(request: SpeechRequest) {
      const sentence = yield* sentenceOf(request)
      if (sentence !== undefined) yield* sentences.keepForGood(sentence)
    })

    return TextToSpeech.of({
      voices,
      speak: (request) => Stream.unwrap(speak(request)),
      prepare: (requests) => Effect.forEach(requests, prepare, { concurrency: "unbounded", discard: true })
    })
  })
)

export const layer: Layer.Layer<TextToSpeech> = layerWith({ cacheLimit: standardCacheLimit })
