/**
 * Sentences that Flite has spoken, as sound in memory. A sentence that several ask for at once is made once. Above the limit the
 * sentences that were not used for longest are dropped; an agent's fixed lines never are.
 */
import { LRUCache } from "lru-cache"
import { Deferred, Effect, Exit, type Scope } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { Job } from "./FliteThread.ts"

interface SpokenSentences {
  /** The sound of a sentence, 8 kHz. Callers share the array and must not change it. */
  readonly speak: (sentence: Job) => Effect.Effect<Int16Array, EngineFailed>
  /** Makes the sentence ready and never drops it. */
  readonly keepForGood: (sentence: Job) => Effect.Effect<void, EngineFailed>
}

const keyOf = ({ text, voice }: Job): string => `${voice}\n${text}`

export const make = Effect.fnUntraced(function*(options: {
  readonly synthesise: (sentence: Job) => Effect.Effect<Int16Array, EngineFailed>
  /** Samples that are kept at most; those that are kept for good do not count. */
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

  /** Begins to make a sentence. It is made to its end also when nobody waits any more: the next caller may want the same. */
  const begin = Effect.fnUntraced(function*(key: string, sentence: Job) {
    const made = yield* Deferred.make<Int16Array, EngineFailed>()
    inProgress.set(key, made)
    yield* options.synthesise(sentence).pipe(
      Effect.exit,
      Effect.flatMap((exit) => {
        inProgress.delete(key)
        if (Exit.isSuccess(exit)) recent.set(key, exit.value)
        return Deferred.done(made, exit)
      }),
      Effect.forkIn(scope)
    )
    return made
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
