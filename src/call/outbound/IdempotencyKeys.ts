/**
 * Keeps the outcomes of requests with an `Idempotency-Key` for a day, so that a repeated request does not ring the phone again.
 *
 * Each process keeps its own keys, at most 10 000. The oldest are dropped first.
 */
import { Clock, Data, Deferred, Duration, Effect } from "effect"

/** The same `Idempotency-Key` came with another request. */
export class IdempotencyConflict extends Data.TaggedError("IdempotencyConflict") {
  override get message() {
    return "This Idempotency-Key was used for another request. Use a new key for a new call."
  }
}

const maxKeys = 10_000
const lifetimeMillis = Duration.toMillis(Duration.hours(24))

interface Entry<A, E> {
  readonly fingerprint: string
  readonly outcome: Deferred.Deferred<A, E>
  /** Monotonic ms. */
  readonly until: number
}

/** `First`: no earlier request had this key, so its work must run inside `settle`. `Again`: the `outcome` of the first request with this key. */
type Claim<A, E> =
  | { readonly _tag: "First"; readonly settle: (work: Effect.Effect<A, E>) => Effect.Effect<A, E> }
  | { readonly _tag: "Again"; readonly outcome: Effect.Effect<A, E> }

interface IdempotencyKeys<A, E> {
  /** `fingerprint`: equal for equal requests. */
  readonly claim: (key: string, fingerprint: string) => Effect.Effect<Claim<A, E>, IdempotencyConflict>
}

/** `isFinal`: whether a failure is kept as the key's outcome. After any other failure the key may be used again. */
export const make = <A, E>(isFinal: (error: E) => boolean): IdempotencyKeys<A, E> => {
  /** Oldest first. */
  const entries = new Map<string, Entry<A, E>>()

  const forgetOld = (now: number) => {
    for (const [key, { until }] of entries) {
      if (until > now && entries.size < maxKeys) break
      entries.delete(key)
    }
  }

  return {
    claim: Effect.fnUntraced(function*(key, fingerprint) {
      const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
      forgetOld(now)
      const known = entries.get(key)
      if (known !== undefined) {
        if (known.fingerprint !== fingerprint) return yield* new IdempotencyConflict()
        return { _tag: "Again", outcome: Deferred.await(known.outcome) } as const
      }
      const outcome = Deferred.makeUnsafe<A, E>()
      entries.set(key, { fingerprint, outcome, until: now + lifetimeMillis })
      return {
        _tag: "First",
        settle: (work) =>
          work.pipe(
            Effect.tapError((error) => Effect.sync(() => isFinal(error) || entries.delete(key))),
            Effect.onExit((exit) => Deferred.done(outcome, exit))
          )
      } as const
    })
  }
}
