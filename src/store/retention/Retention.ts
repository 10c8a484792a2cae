/**
 * Deletes old data: the words of a call after `STORE_WORDS_DAYS`, and all data of a call after `STORE_FIGURES_DAYS`.
 *
 * A sweep runs at the start and every hour. It works in small batches, so that it does not hold up the writes of calls. Only one process
 * sweeps at a time.
 */
import { Clock, Effect, Layer, Schedule } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import { Database } from "../Database.ts"
import { runner } from "../Statements.ts"
import * as Expiry from "./Expiry.ts"
import * as WordRemoval from "./WordRemoval.ts"

/** The number of calls whose data one transaction deletes. */
const batchSize = 20

const pauseBetweenBatches = "50 millis"

/** The key of Postgres's lock for the sweep. One process has the lock at a time, for one transaction. */
const sweepLock = 733_202

interface Candidate {
  readonly call_sid: string
  readonly figures: string | null
}

/**
 * The columns that give a call's age: the time when it began, or the time of its first write if its `CallBegan` never arrived. Each column
 * has an index.
 */
const ages = [
  { column: "started_at", condition: "1 = 1" },
  { column: "first_write_at", condition: "started_at IS NULL" }
] as const

/** Runs one sweep. Returns the number of calls that were deleted (`gone`), and the number of calls whose words were deleted (`wordless`). */
export const sweep = Effect.fnUntraced(function*(database: Database["Service"], { figuresDays, wordsDays }: Expiry.Retention) {
  const { dialect, query, scrub, sql, transaction } = database
  const run = runner(sql, dialect)
  const now = yield* Clock.currentTimeMillis

  /** Takes the sweep's lock until the transaction ends. `false`: another process has the lock. */
  const takeLock = dialect === "pg"
    ? Effect.map(run<{ taken: boolean }>("SELECT pg_try_advisory_xact_lock(?) AS taken", [sweepLock]), ([row]) => row?.taken === true)
    : Effect.succeed(true)

  /** Runs one batch. `hasData`: the SQL condition that a call still has the data to remove. Returns how many calls the batch had. */
  const batch = ({ column, condition }: typeof ages[number], hasData: string, cutoff: number, remove: (candidate: Candidate) => ReturnType<typeof WordRemoval.removeCall>) =>
    query(transaction(Effect.gen(function*() {
      if (!(yield* takeLock)) return 0
      const calls = yield* run<Candidate>(
        `SELECT call_sid, figures FROM calls WHERE ${condition} AND ${hasData} AND ${column} < ? ORDER BY ${column} LIMIT ?`,
        [cutoff, batchSize]
      )
      for (const call of calls) yield* remove(call)
      return calls.length
    })), "10 seconds")

  const allBatches = Effect.fnUntraced(function*(hasData: string, days: number, remove: Parameters<typeof batch>[3]) {
    let removed = 0
    for (const age of ages) {
      for (;;) {
        const calls = yield* batch(age, hasData, Expiry.cutoff(now, days), remove)
        removed += calls
        if (calls < batchSize) break
        yield* Effect.sleep(pauseBetweenBatches)
      }
    }
    return removed
  })

  const gone = yield* allBatches("1 = 1", figuresDays, ({ call_sid }) => WordRemoval.removeCall(run, call_sid))
  const wordless = yield* allBatches("figures IS NULL", wordsDays, ({ call_sid, figures }) => WordRemoval.removeWords(run, call_sid, figures))
  if (gone + wordless > 0) yield* scrub
  return { gone, wordless }
})

export const layer = Layer.effectDiscard(
  Effect.gen(function*() {
    const database = yield* Database
    const { store: { retention } } = yield* AppConfig
    const sweepOnce = Effect.andThen(database.whenReady, sweep(database, retention)).pipe(
      Effect.tap(({ gone, wordless }) =>
        gone + wordless === 0 ? Effect.void : Effect.logInfo("Old calls, or their words, were removed from the history").pipe(Effect.annotateLogs({ gone, wordless }))),
      Effect.catch(() => Effect.logWarning("Old calls could not be removed from the history now. The service tries again in an hour"))
    )
    yield* Effect.forkScoped(Effect.repeat(sweepOnce, Schedule.spaced("1 hour")))
  })
)
