/**
 * The database of the call history. It is the Postgres of `DATABASE_URL`, or a SQLite file in `DATA_DIR` if that variable is not set.
 *
 * The service does not start after a failure that lasts until the operator acts: a wrong password, a damaged file, tables of a newer version.
 * After any other failure the service starts without the database, and a background fiber tries again. Until the database answers, reads fail
 * at once.
 */
import { Clock, Context, Duration, Effect, Fiber, Latch, Layer, Option, Path, type Scope, Semaphore } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { AppConfig } from "../config/AppConfig.ts"
import * as SampledLog from "../observability/SampledLog.ts"
import { StoreUnreachable } from "./CallStore.ts"
import { DatabaseUnusable, explainPermanent, explainTransient, isWrongStatement, type Place } from "./DatabaseErrors.ts"
import type { Dialect } from "./Dialect.ts"
import { migrate, type NewerSchema } from "./migrations/Migrations.ts"
import * as Postgres from "./postgres/Postgres.ts"
import * as NodeSqlite from "./sqlite/NodeSqlite.ts"
import { inMemory } from "./sqlite/SqliteRequest.ts"

/** How long the start waits for the database before the service starts without it. */
const startTimeout = Duration.seconds(3)

/** How long an attempt to reach the database may take. */
const attemptTimeout = Duration.seconds(5)

/** How long `query` may take if its caller gives no limit. */
const defaultQueryTimeout = Duration.seconds(1)

/** How long SQLite may take to empty its write-ahead log. It waits for the disk. */
const scrubTimeout = Duration.seconds(10)

/** How often the database is checked while it answers. */
const checkInterval = Duration.seconds(5)

/** The shortest and the longest pause between checks while the database does not answer. The pause doubles each time. */
const [shortestPause, longestPause] = [Duration.millis(250), Duration.seconds(2)]

export class Database extends Context.Service<Database, {
  readonly dialect: Dialect
  /** Makes statements. Run them inside `query` or `transaction`. */
  readonly sql: SqlClient
  readonly isReady: () => boolean
  /** When the database stopped being ready (ms since 1970), and why, as a clause for the operator. `None`: it is ready. */
  readonly outage: () => Option.Option<{ readonly since: number; readonly why: string }>
  readonly whenReady: Effect.Effect<void>
  /** Checks whether the database can be written to now. */
  readonly check: Effect.Effect<boolean>
  /**
   * Runs statements. Fails after `within` (1 s by default) if the database does not answer. Fails at once if the last check
   * failed. An error of the statement itself is a defect.
   */
  readonly query: <A, E, R>(
    effect: Effect.Effect<A, E | SqlError, R>,
    within?: Duration.Input
  ) => Effect.Effect<A, Exclude<E, SqlError> | StoreUnreachable, R>
  /** Runs the effect in one transaction. A connection that is lost during the transaction is a failure, not a defect. */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
  /**
   * Waits at most `limit` for an effect. `None`: the limit has passed. The effect is then interrupted. If it can't be interrupted at once, it
   * continues in the background until it can be interrupted.
   */
  readonly within: <A, E, R>(effect: Effect.Effect<A, E, R>, limit: Duration.Input) => Effect.Effect<Option.Option<A>, E, R>
  /** The reason of a failure, as a clause for the operator. The clause holds no secrets. */
  readonly explain: (error: SqlError) => string
  /** Empties SQLite's write-ahead log, which may hold deleted data. Does nothing on Postgres, which removes deleted data by itself later. */
  readonly scrub: Effect.Effect<void, StoreUnreachable>
}>()("client-caller/store/Database") {
  static readonly layer: Layer.Layer<Database, DatabaseUnusable, AppConfig | Path.Path> = Layer.unwrap(
    Effect.gen(function*() {
      const { dataDir, store } = yield* AppConfig
      const path = yield* Path.Path
      if (Option.isSome(store.database)) return layerPostgres(store.database.value)
      return layerSqlite(path.join(dataDir, "calls.db"))
    })
  )

  /** For tests: a database in this process's memory, with the same SQL. */
  static readonly layerMemory: Layer.Layer<Database, DatabaseUnusable> = Layer.suspend(() => layerSqlite(inMemory))
}

const layerSqlite = (file: string) =>
  Layer.effect(Database, Effect.flatMap(NodeSqlite.SqliteFile, ({ check }) => make({ dialect: "sqlite", file }, check))).pipe(Layer.provide(NodeSqlite.layer(file)))

const layerPostgres = (url: Parameters<typeof Postgres.layer>[0]) =>
  Layer.effect(Database, make({ dialect: "pg", file: "" }, Effect.void)).pipe(
    Layer.provide(Postgres.layer(url)),
    Layer.catchTag("SqlError", (cause) =>
      Layer.effectContext(Effect.fail(new DatabaseUnusable({ advice: "DATABASE_URL can't be used: its host, port or parameters are not valid. Check them.", cause }))))
  )

/** `@effect/sql-pg` raises a defect when a connection is lost inside a transaction. This function turns that defect into a failure. */
const lossAsFailure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchDefect(effect, (defect): Effect.Effect<never, SqlError> => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))

/**
 * Waits at most `limit` for an effect, even if the effect can't be interrupted at once. An example is a statement that a stopped server does
 * not answer. The effect then continues in the background until it can be interrupted.
 */
const within = <A, E, R>(scope: Scope.Scope, effect: Effect.Effect<A, E, R>, limit: Duration.Input): Effect.Effect<Option.Option<A>, E, R> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkIn(effect, scope, { startImmediately: true })
    const interruptSoon = Effect.forkIn(Fiber.interrupt(fiber), scope)
    return yield* Fiber.join(fiber).pipe(
      Effect.asSome,
      Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.as(interruptSoon, Option.none<A>()) }),
      Effect.onInterrupt(() => interruptSoon)
    )
  })

const noAnswer = "it does not answer in time"

/** Whether the database answered when it was last checked. */
const makeReadiness = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const latch = yield* Latch.make(false)
  let outage: { readonly since: number; readonly why: string } | undefined = { since: clock.currentTimeMillisUnsafe(), why: noAnswer }
  return {
    latch,
    isReady: () => outage === undefined,
    outage: () => Option.fromUndefinedOr(outage),
    markReady: () => {
      outage = undefined
      Latch.openUnsafe(latch)
    },
    markNotReady: (why: string) => {
      outage = { since: outage?.since ?? clock.currentTimeMillisUnsafe(), why }
      Latch.closeUnsafe(latch)
    }
  }
})

/** `checkFile` fails if SQLite's open file was removed, or replaced by another file. */
const make = Effect.fnUntraced(function*(place: Place, checkFile: Effect.Effect<void, SqlError>) {
  const { dialect } = place
  const sql = yield* SqlClient
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const readiness = yield* makeReadiness
  const oneCheck = yield* Semaphore.make(1)
  let isMigrated = false

  const probe = Effect.suspend(() =>
    sql`INSERT INTO store_probe (id, at) VALUES (1, ${clock.currentTimeMillisUnsafe()}) ON CONFLICT (id) DO UPDATE SET at = excluded.at`
  )
  // A file that replaced the open one may have other tables, so the next attempt migrates again.
  const checkSameFile = Effect.tapError(checkFile, () => Effect.sync(() => isMigrated = false))
  const attempt: Effect.Effect<unknown, SqlError | NewerSchema> = Effect.andThen(checkSameFile, Effect.suspend(() => {
    // If the database refuses this statement, the tables are missing, because another database has replaced this one. The next attempt
    // creates the tables.
    if (isMigrated) return Effect.tapError(probe, (error) => Effect.sync(() => isMigrated = !isWrongStatement(error)))
    const migrated = Effect.tap(migrate(dialect).pipe(Effect.provideService(SqlClient, sql)), () => Effect.sync(() => isMigrated = true))
    return lossAsFailure(Effect.andThen(migrated, probe))
  }))

  const setReady = (isReady: boolean, why: string) =>
    Effect.suspend(() => {
      const wasReady = readiness.isReady()
      if (isReady) readiness.markReady()
      else readiness.markNotReady(why)
      if (isReady === wasReady) return Effect.void
      return isReady
        ? Effect.logInfo("The database of the call history answers again")
        : Effect.logWarning(`The database of the call history can't be used now: ${why}. Calls go on, and their writes wait in the journal.`)
    })

  const explain = (error: SqlError | NewerSchema): string => error._tag === "NewerSchema" ? error.message : explainPermanent(error, place) ?? explainTransient(error, place)

  const check: Effect.Effect<boolean> = oneCheck.withPermit(
    within(scope, attempt, attemptTimeout).pipe(
      Effect.matchEffect({
        onFailure: (error) => Effect.as(setReady(false, explain(error)), false),
        onSuccess: (answer) => Effect.as(setReady(Option.isSome(answer), noAnswer), Option.isSome(answer))
      })
    )
  )
  const checkSoon = Effect.forkIn(check, scope)

  yield* start(within(scope, attempt, startTimeout), place).pipe(Effect.tap((why) => why === undefined ? Effect.sync(readiness.markReady) : Effect.logWarning(why)))
  yield* Effect.forkScoped(keepChecking(check, readiness.isReady))

  const failureLog = yield* SampledLog.make
  const unreachable = (cause: unknown) => new StoreUnreachable({ cause })
  /** Logs the failure of a query. The check may succeed all the same, for example if only some pages of SQLite's file are damaged. */
  const logPermanent = (error: SqlError) => {
    const advice = explainPermanent(error, place)
    return advice === undefined ? Effect.void : failureLog.write("permanent", Effect.logError(`The call history can't be read: ${advice}`))
  }
  const query = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>, limit: Duration.Input = defaultQueryTimeout) =>
    Effect.suspend((): Effect.Effect<A, Exclude<E, SqlError> | StoreUnreachable, R> => {
      if (!readiness.isReady()) return Effect.fail(unreachable("not ready"))
      return within(scope, effect, limit).pipe(
        Effect.catch((error): Effect.Effect<never, Exclude<E, SqlError> | StoreUnreachable> => {
          if (!isSqlError(error)) return Effect.fail(error as Exclude<E, SqlError>)
          return isWrongStatement(error) ? Effect.die(error) : Effect.andThen(logPermanent(error), Effect.andThen(checkSoon, Effect.fail(unreachable(error))))
        }),
        Effect.flatMap(Option.match({
          onNone: () => Effect.andThen(checkSoon, Effect.fail(unreachable(noAnswer))),
          onSome: Effect.succeed
        }))
      )
    })

  return Database.of({
    dialect,
    sql,
    isReady: readiness.isReady,
    outage: readiness.outage,
    whenReady: readiness.latch.await,
    check,
    query,
    explain,
    within: (effect, limit) => within(scope, effect, limit),
    transaction: (effect) => lossAsFailure(sql.withTransaction(effect)),
    scrub: dialect === "pg" ? Effect.void : query(sql`PRAGMA wal_checkpoint(TRUNCATE)`, scrubTimeout).pipe(Effect.asVoid)
  })
})

/** Makes the first attempt. Returns `undefined` on success, and a warning if a later attempt may succeed. Fails if none can. */
const start = (first: Effect.Effect<Option.Option<unknown>, SqlError | NewerSchema>, place: Place) =>
  Effect.gen(function*() {
    const exit = yield* Effect.result(first)
    const warning = (why: string) => `The database of the call history can't be used yet: ${why}. The service starts without it, and the writes of calls wait in the journal.`
    if (exit._tag === "Success") return Option.isSome(exit.success) ? undefined : warning(noAnswer)
    const error = exit.failure
    if (error._tag === "NewerSchema") return yield* new DatabaseUnusable({ advice: error.message })
    const advice = explainPermanent(error, place)
    return advice === undefined ? warning(explainTransient(error, place)) : yield* new DatabaseUnusable({ advice, cause: error })
  })

/** Checks regularly whether the database answers, and more often while it does not. */
const keepChecking = (check: Effect.Effect<boolean>, isReady: () => boolean) =>
  Effect.gen(function*() {
    let pause = shortestPause
    for (;;) {
      yield* Effect.sleep(isReady() ? checkInterval : pause)
      pause = (yield* check) ? shortestPause : Duration.min(Duration.times(pause, 2), longestPause)
    }
  })
