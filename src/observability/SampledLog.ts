/**
 * Log lines that a stranger can cause as often as he likes, such as that of a refused request. The first of a kind is written at
 * once; those that follow are counted, and one line a minute tells how many there were (`times`).
 */
import { Duration, Effect, type Scope } from "effect"

const interval = Duration.minutes(1)

/** Kinds that are kept apart; all others count as one more. */
const maxKinds = 64

export interface SampledLog {
  /** `kind` must not be a stranger's own text; of several lines of a kind the newest is written. */
  readonly tell: (kind: string, log: Effect.Effect<void>) => Effect.Effect<void>
}

interface Waiting {
  times: number
  newest: Effect.Effect<void>
}

/** What was counted and not told yet is told at the scope's end. */
export const make: Effect.Effect<SampledLog, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const kinds = new Map<string, Waiting>()

  /** Whether there was anything to tell. */
  const count = (waiting: Waiting): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      const { newest, times } = waiting
      if (times === 0) return Effect.succeed(false)
      waiting.times = 0
      return Effect.as(Effect.annotateLogs(newest, { times }), true)
    })

  const watch = (kind: string, waiting: Waiting): Effect.Effect<void> =>
    Effect.gen(function*() {
      do yield* Effect.sleep(interval)
      while (yield* count(waiting))
      kinds.delete(kind)
    })

  yield* Effect.addFinalizer(() => Effect.forEach(kinds.values(), count, { discard: true }))

  return {
    tell: (given, log) =>
      Effect.suspend(() => {
        const kind = kinds.has(given) || kinds.size < maxKinds ? given : "other"
        const known = kinds.get(kind)
        if (known !== undefined) {
          known.times++
          known.newest = log
          return Effect.void
        }
        const waiting: Waiting = { times: 0, newest: log }
        kinds.set(kind, waiting)
        return Effect.andThen(log, Effect.forkIn(watch(kind, waiting), scope))
      })
  }
})
