/**
 * A cache of the sentences that Flite has synthesised. A sentence that several calls need at the same time is synthesised once. Above the
 * limit, the least recently used sentences are dropped, but never an agent's fixed lines.
 */
import { LRUCache } from "lru-cache"
import { Deferred, Effect, Exit, type Scope } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { Job } from "./FliteThread.ts"

interface SpokenSentences {
  /** The sound of a sentence, 8 kHz. All requests for the sentence get the same array, so it must not be changed. */
  readonly speak: (sentence: Job) => Effect.Effect<Int16Array, EngineFailed>
  /** Synthesises the sentence and never drops it. */
  readonly keepForGood: (sentence: Job) => Effect.Effect<void, EngineFailed>
}

const keyOf = ({ text, voice }: Job): string => `${voice}\n${text}`

export const make = Effect.fnUntraced(function*(options: {
  readonly synthesise: (sentence: Job) => Effect.Effect<Int16Array, EngineFailed>
  /** The most samples that are kept. Sentences that are kept for good do not count. */
  readonly maxSamples: number
}): Effect.fn.Return<SpokenSentences, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const fixed = new Map<string, Int16Array>()
  const recent = new LRUCache<string, Int16Array>({
    maxSize: options.maxSamples,
    // The cache refuses a size of 0.
    sizeCalculation: (sound) => Math.max(1, sound.length)
  })
  const inProgress = new Map<string, Deferred.Deferred<Int16Array, EngineFailed>>()

  /** Begins to synthesise a sentence. An interrupted request does not stop the synthesis, because another call may need the sentence. */
  const begin = Effect.fnUntraced(function*(key: string, sentence: Job) {
    const sound = yield* Deferred.make<Int16Array, EngineFailed>()
    inProgress.set(key, sound)
    yield* options.synthesise(sentence).pipe(
      Effect.exit,
      Effect.flatMap((exit) => {
        inProgress.delete(key)
        if (Exit.isSuccess(exit)) recent.set(key, exit.value)
        return Deferred.done(sound, exit)
      }),
      Effect.forkIn(scope)
    )
    return sound
  }, Effect.uninterruptible)

  const speak = Effect.fnUntraced(function*(sentence: Job) {
    const key = keyOf(sentence)
    const known = fixed.get(key) ?? recent.get(key)
    if (known !== undefined) return known
    return yield* Deferred.await(inProgress.get(key) ?? (yield* begin(key, sentence)))
  })

  const keepForGood = Effect.fnUntraced(function*(sentence: Job) {
    const key = keyOf(sentence)
    fixed.set(key, yield* speak(sentence))
    recent.delete(key)
  })

  return { speak, keepForGood }
})
