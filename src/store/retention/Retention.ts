/**
 * Deletes old data: words after `STORE_WORDS_DAYS`, everything about a call after `STORE_FIGURES_DAYS`.
 *
 * It sweeps at the start and each hour, in small batches beside the calls' writes. Only one process sweeps at a time.
 */
import { Clock, Effect, Layer, Schedule } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import { Database } from "../Database.ts"
import { runner } from "../Statements.ts"
import * as Expiry from "./Expiry.ts"
import * as WordRemoval from "./WordRemoval.ts"

/** How many calls one transaction takes. */
const batchSize = 20

const pauseBetween = "50 millis"

/** The key of Postgres's lock for the sweep. One process has the lock at a time, for one transaction. */
const sweepLock = 733_202

interface Candidate {
  readonly call_sid: string
  readonly figures: string | null
}

/**
 * The columns from which the days of a call count: its beginning, or its first write if the beginning never arrived. Each column has an
 * index.
 */
const ages = [
  { column: "started_at", condition: "1 = 1" },
  { column: "first_write_at", condition: "started_at IS NULL" }
] as const

/** Runs one sweep. Returns how many calls were deleted (`gone`), and how many lost their words (`wordless`). */
export const sweep = Effect.fnUntraced(function*(database: Database["Service"], { figuresDays, wordsDays }: Expiry.Retention) {
  const { dialect, query, scrub, sql, transaction } = database
  const run = runner(sql, dialect)
  const now = yield* Clock.currentTimeMillis

  const isMine = dialect === "pg"
    ? Effect.map(run<{ mine: boolean }>("SELECT pg_try_advisory_xact_lock(?) AS mine", [sweepLock]), ([row]) => row?.mine === true)
    : Effect.succeed(true)

  /** Runs one batch. Returns how many calls it had. */
  const batch = ({ column, condition }: typeof ages[number], isLeft: string, cutoff: number, remove: (candidate: Candidate) => ReturnType<typeof WordRemoval.removeCall>) =>
    query(transaction(Effect.gen(function*() {
      if (!(yield* isMine)) return 0
      const calls = yield* run<Candidate>(
        `SELECT call_sid, figures FROM calls WHERE ${condition} AND ${isLeft} AND ${column} < ? ORDER BY ${column} LIMIT ?`,
        [cutoff, batchSize]
      )
      for (const call of calls) yield* remove(call)
      return calls.length
    })), "10 seconds")

  const all = Effect.fnUntraced(function*(isLeft: string, days: number, remove: Parameters<typeof batch>[3]) {
    let removed = 0
    for (const age of ages) {
      for (;;) {
        const calls = yield* batch(age, isLeft, Expiry.cutoff(now, days), remove)
        removed += calls
        if (calls < batchSize) break
        yield* Effect.sleep(pauseBetween)
      }
    }
    return removed
  })

  const gone = yield* all("1 = 1", figuresDays, ({ call_sid }) => WordRemoval.removeCall(run, call_sid))
  const wordless = yield* all("figures IS NULL", wordsDays, ({ call_sid, figures }) => WordRemoval.removeWords(run, call_sid, figures))
  if (gone + wordless > 0) yield* scrub
  return { gone, wordless }
})

export const layer = Layer.effectDiscard(
  Effect.gen(function*() {
    const database = yield* Database
    const { store: { retention } } = yield* AppConfig
    const once = Effect.andThen(database.whenReady, sweep(database, retention)).pipe(
      Effect.tap(({ gone, wordless }) =>
        gone + wordless === 0 ? Effect.void : Effect.logInfo("Old calls, or their words, were removed from the history").pipe(Effect.annotateLogs({ gone, wordless }))),
      Effect.catch(() => Effect.logWarning("Old calls could not be removed from the history now; this is tried again in an hour"))
    )
    yield* Effect.forkScoped(Effect.repeat(once, Schedule.spaced("1 hour")))
  })
)
