/**
 * The database of the call history: the Postgres of `DATABASE_URL`, else a SQLite file in `DATA_DIR`.
 *
 * A failure that can't pass by itself (a wrong password, a damaged file, tables of a newer version) keeps the service from starting. After
 * any other failure the service starts without the database. A background fiber tries again, and until it succeeds reads fail at once.
 */
import { Clock, Context, Duration, Effect, Fiber, Latch, Layer, Option, Path, type Scope, Semaphore } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { AppConfig } from "../config/AppConfig.ts"
import { StoreUnreachable } from "./CallStore.ts"
import { DatabaseUnusable, hopeless, isStatementsFault, passing, type Place } from "./DatabaseErrors.ts"
import type { Dialect } from "./Dialect.ts"
import { migrate, type NewerSchema } from "./migrations/Migrations.ts"
import * as Postgres from "./postgres/Postgres.ts"
import * as NodeSqlite from "./sqlite/NodeSqlite.ts"
import { inMemory } from "./sqlite/SqliteRequest.ts"

/** How long the start waits for the database before the service starts without it. */
const startPatience = Duration.seconds(3)

/** How long an attempt to reach the database may take. */
const attemptPatience = Duration.seconds(5)

/** How long a read waits unless it says otherwise. */
const readPatience = Duration.seconds(1)

/** How often a database that works is checked. */
const lookEvery = Duration.seconds(5)

/** The shortest and the longest pause between attempts to reach a database that does not work. The pause doubles each time. */
const [firstPause, lastPause] = [Duration.millis(250), Duration.seconds(2)]

export class Database extends Context.Service<Database, {
  readonly dialect: Dialect
  /** Makes statements; run them inside `query` or `transaction`. */
  readonly sql: SqlClient
  readonly isReady: () => boolean
  /** Since when it has not been ready, and why: a clause for the operator. */
  readonly notReady: () => Option.Option<{ readonly since: number; readonly why: string }>
  readonly whenReady: Effect.Effect<void>
  /** Checks whether the database can be written to now. */
  readonly check: Effect.Effect<boolean>
  /**
   * Runs statements for a reader. If the database does not answer, it fails after `within`, by default a second. While the database is
   * known not to answer, it fails at once. A wrong statement is a defect.
   */
  readonly query: <A, E, R>(
    effect: Effect.Effect<A, E | SqlError, R>,
    within?: Duration.Input
  ) => Effect.Effect<A, Exclude<E, SqlError> | StoreUnreachable, R>
  /** Runs all of it or nothing. A connection that is lost meanwhile is a failure. */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
  /**
   * Runs an effect for at most `limit`. `None`: the time is over; the effect is interrupted, or continues in the background until it can
   * be.
   */
  readonly patiently: <A, E, R>(effect: Effect.Effect<A, E, R>, limit: Duration.Input) => Effect.Effect<Option.Option<A>, E, R>
  /** Explains a failure to the operator: a clause without secrets. */
  readonly explain: (error: SqlError) => string
  /** Removes deleted data from the files, too. Postgres does that by itself in time. */
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

  /** A database in this process's memory, with the same SQL: for tests. */
  static readonly layerMemory: Layer.Layer<Database, DatabaseUnusable> = Layer.suspend(() => layerSqlite(inMemory))
}

const layerSqlite = (file: string) =>
  Layer.effect(Database, Effect.flatMap(NodeSqlite.SqliteFile, ({ check }) => make({ dialect: "sqlite", file }, check))).pipe(Layer.provide(NodeSqlite.layer(file)))

const layerPostgres = (url: Parameters<typeof Postgres.layer>[0]) =>
  Layer.effect(Database, make({ dialect: "pg", file: "" }, Effect.void)).pipe(
    Layer.provide(Postgres.layer(url)),
    Layer.catchTag("SqlError", (cause) =>
      Layer.effectContext(Effect.fail(new DatabaseUnusable({ advice: "DATABASE_URL can't be used: its host, port or parameters make no sense. Check it.", cause }))))
  )

/** Turns a connection that is lost inside a transaction into a failure. `@effect/sql-pg` raises a defect. */
const lossAsFailure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchDefect(effect, (defect): Effect.Effect<never, SqlError> => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))

/**
 * Ends within the limit even if the effect can't be interrupted at once, such as a statement that a stopped server does not answer. The
 * effect then continues in the background until it can be interrupted.
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
  let notReady: { readonly since: number; readonly why: string } | undefined = { since: clock.currentTimeMillisUnsafe(), why: noAnswer }
  return {
    latch,
    isReady: () => notReady === undefined,
    notReady: () => Option.fromUndefinedOr(notReady),
    up: () => {
      notReady = undefined
      Latch.openUnsafe(latch)
    },
    down: (why: string) => {
      notReady = { since: notReady?.since ?? clock.currentTimeMillisUnsafe(), why }
      Latch.closeUnsafe(latch)
    }
  }
})

/** `checkPlace` fails if the opened database is not the one in its place any more. */
const make = Effect.fnUntraced(function*(place: Place, checkPlace: Effect.Effect<void, SqlError>) {
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
  // Another file may have other tables.
  const checkedPlace = Effect.tapError(checkPlace, () => Effect.sync(() => isMigrated = false))
  const attempt: Effect.Effect<unknown, SqlError | NewerSchema> = Effect.andThen(checkedPlace, Effect.suspend(() => {
    // A wrong statement means that the tables are gone: another database has taken the place. The next attempt makes the tables.
    if (isMigrated) return Effect.tapError(probe, (error) => Effect.sync(() => isMigrated = !isStatementsFault(error)))
    const migrated = Effect.tap(migrate(dialect).pipe(Effect.provideService(SqlClient, sql)), () => Effect.sync(() => isMigrated = true))
    return lossAsFailure(Effect.andThen(migrated, probe))
  }))

  const setReady = (isUp: boolean, why: string) =>
    Effect.suspend(() => {
      const wasUp = readiness.isReady()
      if (isUp) readiness.up()
      else readiness.down(why)
      if (isUp === wasUp) return Effect.void
      return isUp
        ? Effect.logInfo("The database of the call history answers again")
        : Effect.logWarning(`The database of the call history can't be used now: ${why}. Calls go on, and what they write waits in the journal.`)
    })

  const explain = (error: SqlError | NewerSchema): string => error._tag === "NewerSchema" ? error.message : hopeless(error, place) ?? passing(error, place)

  const check: Effect.Effect<boolean> = oneCheck.withPermit(
    within(scope, attempt, attemptPatience).pipe(
      Effect.matchEffect({
        onFailure: (error) => Effect.as(setReady(false, explain(error)), false),
        onSuccess: (answer) => Effect.as(setReady(Option.isSome(answer), noAnswer), Option.isSome(answer))
      })
    )
  )
  const checkSoon = Effect.forkIn(check, scope)

  yield* start(within(scope, attempt, startPatience), place).pipe(Effect.tap((why) => why === undefined ? Effect.sync(readiness.up) : Effect.logWarning(why)))
  yield* Effect.forkScoped(keepChecking(check, readiness.isReady))

  const unreachable = (cause: unknown) => new StoreUnreachable({ cause })
  const query = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>, limit: Duration.Input = readPatience) =>
    Effect.suspend((): Effect.Effect<A, Exclude<E, SqlError> | StoreUnreachable, R> => {
      if (!readiness.isReady()) return Effect.fail(unreachable("not ready"))
      return within(scope, effect, limit).pipe(
        Effect.catch((error): Effect.Effect<never, Exclude<E, SqlError> | StoreUnreachable> => {
          if (!isSqlError(error)) return Effect.fail(error as Exclude<E, SqlError>)
          return isStatementsFault(error) ? Effect.die(error) : Effect.andThen(checkSoon, Effect.fail(unreachable(error)))
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
    notReady: readiness.notReady,
    whenReady: readiness.latch.await,
    check,
    query,
    explain,
    patiently: (effect, limit) => within(scope, effect, limit),
    transaction: (effect) => lossAsFailure(sql.withTransaction(effect)),
    scrub: dialect === "pg" ? Effect.void : query(sql`PRAGMA wal_checkpoint(TRUNCATE)`).pipe(Effect.asVoid)
  })
})

/** Makes the first attempt. Fails if no later attempt can succeed. Otherwise returns a warning if the attempt failed, or `undefined`. */
const start = (first: Effect.Effect<Option.Option<unknown>, SqlError | NewerSchema>, place: Place) =>
  Effect.gen(function*() {
    const exit = yield* Effect.result(first)
    const warning = (why: string) => `The database of the call history can't be used yet: ${why}. The service starts without it, and what calls write waits in the journal.`
    if (exit._tag === "Success") return Option.isSome(exit.success) ? undefined : warning(noAnswer)
    const error = exit.failure
    if (error._tag === "NewerSchema") return yield* new DatabaseUnusable({ advice: error.message })
    const advice = hopeless(error, place)
    return advice === undefined ? warning(passing(error, place)) : yield* new DatabaseUnusable({ advice, cause: error })
  })

/** Checks from time to time whether the database answers, more often while it does not. */
const keepChecking = (check: Effect.Effect<boolean>, isReady: () => boolean) =>
  Effect.gen(function*() {
    let pause = firstPause
    for (;;) {
      yield* Effect.sleep(isReady() ? lookEvery : pause)
      pause = (yield* check) ? firstPause : Duration.min(Duration.times(pause, 2), lastPause)
    }
  })
