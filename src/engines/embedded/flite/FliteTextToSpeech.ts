/**
 * Speech by Flite, in this process: English, five voices, no key, no download.
 *
 * A sentence takes 20 to 130 ms of a thread, and never of the event loop. What was spoken is kept, so that
 * an agent's fixed lines and the answers that it gives often come at once.
 *
 * http://cmuflite.org
 */
import { Deferred, Effect, Exit, Layer, Scope, Stream } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import { type SpeechRequest, TextToSpeech } from "../../../conversation/ports/TextToSpeech.ts"
import type { Job } from "./FliteThread.ts"
import * as WorkerPool from "../WorkerPool.ts"

export const voices = ["slt", "rms", "kal16", "kal", "awb"] as const

/** A woman's voice, of Flite's the one with the fewest faults. */
const standardVoice = "slt"

/** 16 MB, a quarter of an hour of speech: more than an agent of phrases and slots has to say. */
const standardCacheLimit = 8_000_000

/** ms that a sentence may take; the longest takes a tenth of it. */
const timeout = 5000

/** Samples of a piece: 200 ms. */
const pieceLength = 1600

const failed = (reason: EngineFailed["reason"], advice: string, cause?: unknown) =>
  new EngineFailed({ stage: "textToSpeech", reason, advice, cause })

const cut = (pcm: Int16Array): ReadonlyArray<{ readonly pcm: Pcm<8000>; readonly sampleRate: 8000 }> =>
  Array.from({ length: Math.ceil(pcm.length / pieceLength) }, (_, index) => ({
    pcm: pcm.subarray(index * pieceLength, (index + 1) * pieceLength) as Pcm<8000>,
    sampleRate: 8000
  }))

/** `cacheLimit`: samples that are kept at most. */
export const layerWith = ({ cacheLimit }: { readonly cacheLimit: number }): Layer.Layer<TextToSpeech> => Layer.effect(
  TextToSpeech,
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    /** Started by the first that speaks: a service that only echoes needs none. */
    const pool = yield* Effect.cached(
      WorkerPool.make<Job, Int16Array>({ file: WorkerPool.threadFile(import.meta.url, "FliteThread"), timeout }).pipe(Scope.provide(scope))
    )
    /** The first sentence compiles the module. What failed once is tried again. */
    const started = yield* Effect.cachedWithTTL(
      pool.pipe(
        Effect.tap((pool) => pool.runOnEach({ voice: standardVoice, text: "Hello." })),
        Effect.mapError((cause) => failed("unavailable", "Flite could not be started. Install again with `npm install`.", cause.message))
      ),
      (exit) => Exit.isSuccess(exit) ? Infinity : 0
    )
    /** In the order of their last use. What is being made is in it too, so that nothing is made twice. */
    const cache = new Map<string, Deferred.Deferred<Int16Array, EngineFailed>>()
    const lengths = new Map<string, number>()
    const pinned = new Set<string>()
    let kept = 0

    const forget = (key: string) => {
      cache.delete(key)
      kept -= lengths.get(key) ?? 0
      lengths.delete(key)
    }

    const keep = (key: string, length: number) => {
      lengths.set(key, length)
      kept += length
      for (const oldest of cache.keys()) {
        if (kept <= cacheLimit) break
        if (!pinned.has(oldest) && oldest !== key && lengths.has(oldest)) forget(oldest)
      }
    }

    const make = Effect.fnUntraced(function*(key: string, job: Job) {
      const known = cache.get(key)
      if (known !== undefined) {
        cache.delete(key)
        cache.set(key, known)
        return yield* Deferred.await(known)
      }
      const made = yield* Deferred.make<Int16Array, EngineFailed>()
      cache.set(key, made)
      // Goes on when its asker is gone: the next one may want the same.
      yield* started.pipe(
        Effect.flatMap((pool) =>
          Effect.mapError(pool.run(job), (cause) => failed("broken", "Flite failed on a sentence; the cause is in the log.", cause.message))
        ),
        Effect.exit,
        Effect.flatMap((exit) => {
          if (Exit.isSuccess(exit)) keep(key, exit.value.length)
          else forget(key)
          return Deferred.done(made, exit)
        }),
        Effect.forkIn(scope)
      )
      return yield* Deferred.await(made)
    })

    const speech = Effect.fnUntraced(function*({ language, text, voice = standardVoice }: SpeechRequest, isPinned: boolean) {
      if (!language.startsWith("en")) {
        return yield* failed("refused", `Flite speaks English only, not "${language}". Set TTS_URL to a speech engine that has it.`)
      }
      if (!(voices as ReadonlyArray<string>).includes(voice)) {
        return yield* failed("refused", `Flite has no voice "${voice}". Use one of: ${voices.join(", ")}.`)
      }
      if (!/[\p{L}\p{N}]/u.test(text)) return new Int16Array(0)
      const key = `${voice}\n${text}`
      if (isPinned) pinned.add(key)
      return yield* make(key, { voice, text })
    })

    return TextToSpeech.of({
      voices,
      speak: (request) => Stream.unwrap(Effect.map(speech(request, false), (pcm) => Stream.fromArray(cut(pcm)))),
      prepare: (requests) => Effect.forEach(requests, (request) => speech(request, true), { concurrency: "unbounded", discard: true })
    })
  })
)

export const layer: Layer.Layer<TextToSpeech> = layerWith({ cacheLimit: standardCacheLimit })
