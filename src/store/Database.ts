/**
 * The database of the call history: the Postgres of `DATABASE_URL`, else a SQLite file in `DATA_DIR`.
 *
 * The layer is there with or without the database. A failure that can't pass by itself (a wrong password, a damaged file, tables of a newer
 * version) keeps the service from starting. After any other failure the background tries again, and reads fail quickly meanwhile.
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

/** How long the start waits for the database before the service starts without it. */
const startPatience = Duration.seconds(3)

/** How long an attempt to reach the database may take. */
const attemptPatience = Duration.seconds(5)

/** How long a reader waits. */
const readPatience = Duration.seconds(1)

/** How often a database that works is checked. */
const lookEvery = Duration.seconds(5)

/** The pauses between attempts to reach a database that does not work: doubled each time, from the first to the last. */
const [firstPause, lastPause] = [Duration.millis(250), Duration.seconds(2)]

export class Database extends Context.Service<Database, {
  readonly dialect: Dialect
  /** Makes statements; run them inside `query` or `transaction`. */
  readonly sql: SqlClient
  readonly isReady: () => boolean
  /** Since when it has not been ready. */
  readonly notReadySince: () => Option.Option<number>
  readonly whenReady: Effect.Effect<void>
  /** Tries whether the database can be written to now. */
  readonly check: Effect.Effect<boolean>
  /**
   * Runs statements for a reader. If the database does not answer, it fails within a second or the given time; if that is known already, at
   * once. A statement that is wrong in itself is a defect.
   */
  readonly query: <A, E, R>(
    effect: Effect.Effect<A, E | SqlError, R>,
    within?: Duration.Input
  ) => Effect.Effect<A, Exclude<E, SqlError> | StoreUnreachable, R>
  /** Runs all of it or nothing. A connection that is lost meanwhile is a failure. */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
  /** `None`: it takes longer than the limit, and goes on in the background. */
  readonly patiently: <A, E, R>(effect: Effect.Effect<A, E, R>, limit: Duration.Input) => Effect.Effect<Option.Option<A>, E, R>
  /** A failure in words for the operator: a clause without secrets. */
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
  static readonly layerMemory: Layer.Layer<Database, DatabaseUnusable> = Layer.suspend(() => layerSqlite(NodeSqlite.inMemory))
}

const layerSqlite = (file: string) => Layer.effect(Database, make({ dialect: "sqlite", file })).pipe(Layer.provide(NodeSqlite.layer(file)))

const layerPostgres = (url: Parameters<typeof Postgres.layer>[0]) =>
  Layer.effect(Database, make({ dialect: "pg", file: "" })).pipe(
    Layer.provide(Postgres.layer(url)),
    Layer.catchTag("SqlError", (cause) =>
      Layer.effectContext(Effect.fail(new DatabaseUnusable({ advice: "DATABASE_URL can't be used: its host, port or parameters make no sense. Check it.", cause }))))
  )

/** A connection that is lost inside a transaction is a defect of `@effect/sql-pg`. */
const lossAsFailure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchDefect(effect, (defect): Effect.Effect<never, SqlError> => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))

/**
 * Ends within the limit even if the effect can't be interrupted at once, such as a statement that a stopped server does not answer. The
 * effect then goes on in the background.
 */
const within = <A, E, R>(scope: Scope.Scope, effect: Effect.Effect<A, E, R>, limit: Duration.Input): Effect.Effect<Option.Option<A>, E, R> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkIn(effect, scope, { startImmediately: true })
    const letGo = Effect.forkIn(Fiber.interrupt(fiber), scope)
    return yield* Fiber.join(fiber).pipe(
      Effect.asSome,
      Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.as(letGo, Option.none<A>()) }),
      Effect.onInterrupt(() => letGo)
    )
  })

/** Whether the database answered when it was last checked. */
const makeReadiness = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const latch = yield* Latch.make(false)
  let since: number | undefined = clock.currentTimeMillisUnsafe()
  return {
    latch,
    isReady: () => since === undefined,
    since: () => Option.fromUndefinedOr(since),
    up: () => {
      since = undefined
      Latch.openUnsafe(latch)
    },
    down: () => {
      since ??= clock.currentTimeMillisUnsafe()
      Latch.closeUnsafe(latch)
    }
  }
})

const noAnswer = "it does not answer in time"

const make = Effect.fnUntraced(function*(place: Place) {
  const { dialect } = place
  const sql = yield* SqlClient
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const readiness = yield* makeReadiness
  const one = yield* Semaphore.make(1)
  let isMigrated = false

  const probe = Effect.suspend(() =>
    sql`INSERT INTO store_probe (id, at) VALUES (1, ${clock.currentTimeMillisUnsafe()}) ON CONFLICT (id) DO UPDATE SET at = excluded.at`
  )
  const attempt: Effect.Effect<unknown, SqlError | NewerSchema> = Effect.suspend(() => {
    // Another database may have been put in its place, without tables.
    if (isMigrated) return Effect.tapError(probe, (error) => Effect.sync(() => isMigrated = !isStatementsFault(error)))
    const migrated = Effect.tap(migrate(dialect).pipe(Effect.provideService(SqlClient, sql)), () => Effect.sync(() => isMigrated = true))
    return lossAsFailure(Effect.andThen(migrated, probe))
  })

  const turn = (isUp: boolean, why: string) =>
    Effect.suspend(() => {
      if (isUp === readiness.isReady()) return Effect.void
      if (isUp) readiness.up()
      else readiness.down()
      return isUp
        ? Effect.logInfo("The database of the call history answers again")
        : Effect.logWarning(`The database of the call history can't be used now: ${why}. Calls go on, and what they write waits in the journal.`)
    })

  const explain = (error: SqlError | NewerSchema): string => error._tag === "NewerSchema" ? error.message : hopeless(error, place) ?? passing(error, place)

  const check: Effect.Effect<boolean> = one.withPermit(
    within(scope, attempt, attemptPatience).pipe(
      Effect.matchEffect({
        onFailure: (error) => Effect.as(turn(false, explain(error)), false),
        onSuccess: (answer) => Effect.as(turn(Option.isSome(answer), noAnswer), Option.isSome(answer))
      })
    )
  )
  const doubt = Effect.forkIn(check, scope)

  yield* start(within(scope, attempt, startPatience), place).pipe(Effect.tap((why) => why === undefined ? Effect.sync(readiness.up) : Effect.logWarning(why)))
  yield* Effect.forkScoped(look(check, readiness.isReady))

  const unreachable = (cause: unknown) => new StoreUnreachable({ cause })
  const query = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>, limit: Duration.Input = readPatience) =>
    Effect.suspend((): Effect.Effect<A, Exclude<E, SqlError> | StoreUnreachable, R> => {
      if (!readiness.isReady()) return Effect.fail(unreachable("not ready"))
      return within(scope, effect, limit).pipe(
        Effect.catch((error): Effect.Effect<never, Exclude<E, SqlError> | StoreUnreachable> => {
          if (!isSqlError(error)) return Effect.fail(error as Exclude<E, SqlError>)
          return isStatementsFault(error) ? Effect.die(error) : Effect.andThen(doubt, Effect.fail(unreachable(error)))
        }),
        Effect.flatMap(Option.match({
          onNone: () => Effect.andThen(doubt, Effect.fail(unreachable(noAnswer))),
          onSome: Effect.succeed
        }))
      )
    })

  return Database.of({
    dialect,
    sql,
    isReady: readiness.isReady,
    notReadySince: readiness.since,
    whenReady: readiness.latch.await,
    check,
    query,
    explain,
    patiently: (effect, limit) => within(scope, effect, limit),
    transaction: (effect) => lossAsFailure(sql.withTransaction(effect)),
    scrub: dialect === "pg" ? Effect.void : query(sql`PRAGMA wal_checkpoint(TRUNCATE)`).pipe(Effect.asVoid)
  })
})

/** The first attempt. It fails if no later attempt can succeed; else it gives the reason why it did not succeed. */
const start = (first: Effect.Effect<Option.Option<unknown>, SqlError | NewerSchema>, place: Place) =>
  Effect.gen(function*() {
    const exit = yield* Effect.result(first)
    const told = (why: string) => `The database of the call history can't be used yet: ${why}. The service starts without it, and what calls write waits in the journal.`
    if (exit._tag === "Success") return Option.isSome(exit.success) ? undefined : told(noAnswer)
    const error = exit.failure
    if (error._tag === "NewerSchema") return yield* new DatabaseUnusable({ advice: error.message })
    const advice = hopeless(error, place)
    return advice === undefined ? told(passing(error, place)) : yield* new DatabaseUnusable({ advice, cause: error })
  })

/** Checks from time to time whether the database answers, more often while it does not. */
const look = (check: Effect.Effect<boolean>, isReady: () => boolean) =>
  Effect.gen(function*() {
    let pause = firstPause
    for (;;) {
      yield* Effect.sleep(isReady() ? lookEvery : pause)
      pause = (yield* check) ? firstPause : Duration.min(Duration.times(pause, 2), lastPause)
    }
  })
