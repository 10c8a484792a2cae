/**
 * Limits log lines that a stranger can cause any number of times, such as the line about a refused request. The first line of a kind is
 * written at once. Further lines of that kind are only counted. Once a minute, the newest of them is written with their number (`times`).
 */
import { Duration, Effect, type Scope } from "effect"

const logInterval = Duration.minutes(1)

/** The most kinds that are counted separately. All further kinds count as one kind. */
const maxKinds = 64

export interface SampledLog {
  /** Writes or counts a log line. `kind` must not be text from a client. */
  readonly write: (kind: string, line: Effect.Effect<void>) => Effect.Effect<void>
}

interface CountedLines {
  times: number
  newest: Effect.Effect<void>
}

/** When the scope ends, the newest counted line of each kind is written with the number. */
export const make: Effect.Effect<SampledLog, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const kinds = new Map<string, CountedLines>()

  /** Writes the newest line, with the number of lines since the last report. `false`: there were none. */
  const report = (counted: CountedLines): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      const { newest, times } = counted
      if (times === 0) return Effect.succeed(false)
      counted.times = 0
      return Effect.as(Effect.annotateLogs(newest, { times }), true)
    })

  /** Reports once a minute, until a minute passes without a further line. */
  const reportRegularly = (kind: string, counted: CountedLines): Effect.Effect<void> =>
    Effect.gen(function*() {
      do yield* Effect.sleep(logInterval)
      while (yield* report(counted))
      kinds.delete(kind)
    })

  yield* Effect.addFinalizer(() => Effect.forEach(kinds.values(), report, { discard: true }))

  return {
    write: (wantedKind, line) =>
      Effect.suspend(() => {
        const kind = kinds.has(wantedKind) || kinds.size < maxKinds ? wantedKind : "other"
        const existing = kinds.get(kind)
        if (existing !== undefined) {
          existing.times++
          existing.newest = line
          return Effect.void
        }
        const counted: CountedLines = { times: 0, newest: line }
        kinds.set(kind, counted)
        return Effect.andThen(line, Effect.forkIn(reportRegularly(kind, counted), scope))
      })
  }
})
