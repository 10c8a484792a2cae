/**
 * Limits log lines that a stranger can cause any number of times, such as the line about a refused request. The first line of a kind is
 * written at once. Further lines of the kind are counted, and one line a minute has their number (`times`).
 */
import { Duration, Effect, type Scope } from "effect"

const interval = Duration.minutes(1)

/** The most kinds that are counted separately. All further kinds count as one. */
const maxKinds = 64

export interface SampledLog {
  /** `kind` must not be text from a client. Of the lines that were only counted, the newest is written. */
  readonly tell: (kind: string, log: Effect.Effect<void>) => Effect.Effect<void>
}

interface Waiting {
  times: number
  newest: Effect.Effect<void>
}

/** At the end of the scope, the lines that were only counted are written. */
export const make: Effect.Effect<SampledLog, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const kinds = new Map<string, Waiting>()

  /** Writes the newest line with the number of lines since the last one; `false`: there were none. */
  const report = (waiting: Waiting): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      const { newest, times } = waiting
      if (times === 0) return Effect.succeed(false)
      waiting.times = 0
      return Effect.as(Effect.annotateLogs(newest, { times }), true)
    })

  const watch = (kind: string, waiting: Waiting): Effect.Effect<void> =>
    Effect.gen(function*() {
      do yield* Effect.sleep(interval)
      while (yield* report(waiting))
      kinds.delete(kind)
    })

  yield* Effect.addFinalizer(() => Effect.forEach(kinds.values(), report, { discard: true }))

  return {
    tell: (wantedKind, log) =>
      Effect.suspend(() => {
        const kind = kinds.has(wantedKind) || kinds.size < maxKinds ? wantedKind : "other"
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
