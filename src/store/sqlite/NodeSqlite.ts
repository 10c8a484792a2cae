/**
 * `effect/sql` on Node's own SQLite, in this thread.
 *
 * A statement blocks the event loop, so the client yields after each 2 ms of statements. No statement may take long by itself. The first
 * statement opens the file, so that the layer does not wait for the disk. After a failure to open it, the next statement tries again.
 */
import { Clock, Context, Effect, Exit, Layer, Semaphore, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { chmodSync, type Stats, statSync } from "node:fs"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import * as Files from "../../config/Files.ts"
import { eventLoopTurn } from "../../runtime/EventLoopTurn.ts"
import { FileGone, toSqlError } from "./SqliteErrors.ts"

/** How long statements may take in one turn of the event loop. */
const turnNanos = 2_000_000n

/** How many prepared statements are kept. The service has fewer different statements. */
const maxPrepared = 200

/** How long (ms) a statement waits for another process's lock on the file. It blocks this thread meanwhile. */
const busyMillis = 500

/**
 * - `synchronous = NORMAL`: commits survive the end of the process. If the machine crashes, the last commits may be lost.
 * - `secure_delete`: deleted data are overwritten in the file.
 */
const pragmas = [
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = NORMAL",
  "PRAGMA foreign_keys = ON",
  "PRAGMA secure_delete = ON"
]

/** Each `:memory:` is a separate database that ends with its client. */
export const inMemory = ":memory:"

const refused = (message: string, operation: string, cause: unknown = undefined) =>
  new SqlError({ reason: new UnknownError({ cause, message, operation }) })

/** Turns a value into one that SQLite takes. `node:sqlite` would treat an object as named parameters, and store NULL. */
const toInput = (value: unknown): SQLInputValue => {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return value ? 1 : 0
    case "undefined":
      return null
    default:
      if (value === null || value instanceof Uint8Array) return value
      throw new TypeError("A parameter is neither text, number, bytes nor null")
  }
}

/** The open file on the disk. */
export class SqliteFile extends Context.Service<SqliteFile, {
  /**
   * Fails if the file was removed or replaced since it was opened. SQLite itself does not notice that, and goes on in the removed file. If
   * another file is in its place, the next statement opens that one.
   */
  readonly check: Effect.Effect<void, SqlError>
}>()("client-caller/store/sqlite/SqliteFile") {}

/** `undefined`: there is no such file, or it can't be looked at now. */
const statsOf = (file: string): Stats | undefined => {
  try {
    return statSync(file, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

class SqliteConnection implements Connection {
  readonly #database: DatabaseSync
  readonly #clock: Clock.Clock
  readonly #prepared = new Map<string, StatementSync>()
  #spentNanos = 0n

  constructor(database: DatabaseSync, clock: Clock.Clock) {
    this.#database = database
    this.#clock = clock
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction
  }

  #prepare(text: string): StatementSync {
    const known = this.#prepared.get(text)
    if (known !== undefined) return known
    const made = this.#database.prepare(text)
    if (this.#prepared.size >= maxPrepared) this.#prepared.delete(this.#prepared.keys().next().value ?? "")
    this.#prepared.set(text, made)
    return made
  }

  /** Runs a statement now, then yields to the event loop if the statements since the last yield have taken 2 ms. */
  #run<A>(text: string, parameters: ReadonlyArray<unknown>, use: (statement: StatementSync, inputs: Array<SQLInputValue>) => A): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => {
      const began = this.#clock.monotonicTimeNanosUnsafe()
      const exit = this.#attempt(text, parameters, use)
      this.#spentNanos += this.#clock.monotonicTimeNanosUnsafe() - began
      if (this.#spentNanos < turnNanos) return exit
      this.#spentNanos = 0n
      return Effect.andThen(eventLoopTurn, exit)
    })
  }

  #attempt<A>(text: string, parameters: ReadonlyArray<unknown>, use: (statement: StatementSync, inputs: Array<SQLInputValue>) => A): Exit.Exit<A, SqlError> {
    try {
      return Exit.succeed(use(this.#prepare(text), parameters.map(toInput)))
    } catch (cause) {
      return Exit.fail(cause instanceof TypeError ? refused(cause.message, "bind", cause) : toSqlError(cause, "execute"))
    }
  }

  readonly execute: Connection["execute"] = (text, parameters, transformRows) => {
    const rows = this.#run(text, parameters, (statement, inputs) => statement.all(...inputs))
    return transformRows === undefined ? rows : Effect.map(rows, transformRows)
  }

  readonly executeUnprepared: Connection["executeUnprepared"] = (text, parameters, transformRows) => this.execute(text, parameters, transformRows)

  readonly executeRaw: Connection["executeRaw"] = (text, parameters) => this.#run(text, parameters, (statement, inputs) => statement.run(...inputs))

  readonly executeValues: Connection["executeValues"] = (text, parameters) =>
    this.#run(text, parameters, (statement, inputs) => {
      statement.setReturnArrays(true)
      try {
        return statement.all(...inputs) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
      } finally {
        statement.setReturnArrays(false)
      }
    })

  readonly executeValuesUnprepared: Connection["executeValuesUnprepared"] = (text, parameters) => this.executeValues(text, parameters)

  /** Reads all rows at once, then streams them. Callers read long results in pages. */
  readonly executeStream: Connection["executeStream"] = (text, parameters, transformRows) =>
    Stream.unwrap(Effect.map(this.execute(text, parameters, transformRows), (rows) => Stream.fromIterable(rows as Iterable<unknown>)))
}

/** Creates the file for this user alone before SQLite does. SQLite gives its `-wal` and `-shm` files the same mode. */
const open = Effect.fnUntraced(function*(file: string, clock: Clock.Clock) {
  if (file !== inMemory) {
    yield* Files.write(file, "", { ifAbsent: true }).pipe(
      Effect.mapError((error) => refused(error.message, "open", error))
    )
  }
  return yield* Effect.try({
    try: () => {
      if (file !== inMemory) chmodSync(file, 0o600)
      const database = new DatabaseSync(file, { timeout: busyMillis })
      try {
        for (const pragma of pragmas) database.exec(pragma)
        return { stats: file === inMemory ? undefined : statsOf(file), database, connection: new SqliteConnection(database, clock) }
      } catch (cause) {
        database.close()
        throw cause
      }
    },
    catch: (cause) => toSqlError(cause, "open")
  })
})

const make = (file: string) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    let opened: Effect.Success<ReturnType<typeof open>> | undefined
    yield* Effect.addFinalizer(() => Effect.sync(() => opened?.database.close()))
    const connection = Effect.suspend(() => {
      if (opened !== undefined) return Effect.succeed(opened.connection)
      return Effect.map(open(file, clock), (made) => {
        opened = made
        return made.connection
      })
    })
    const semaphore = yield* Semaphore.make(1)
    const check = Effect.suspend(() => {
      const { stats } = opened ?? {}
      if (stats === undefined) return Effect.void
      const now = statsOf(file)
      if (now?.ino === stats.ino && now.dev === stats.dev) return Effect.void
      const gone = new SqlError({ reason: new UnknownError({ cause: new FileGone({ isReplaced: now !== undefined }), operation: "look" }) })
      // A removed file may come back under its name, so it stays open.
      return now === undefined ? Effect.fail(gone) : Effect.andThen(close, Effect.fail(gone))
    })
    const close = semaphore.withPermit(Effect.sync(() => {
      const { database } = opened ?? {}
      opened = undefined
      database?.close()
    }))
    const acquirers = SqlClient.makeSqliteAcquirers({
      connection,
      semaphore,
      isTransaction: (connection) => connection.isTransaction
    })
    const client = yield* SqlClient.make({
      ...acquirers,
      compiler: Statement.makeCompilerSqlite(),
      driver: "node-sqlite",
      beginTransaction: "BEGIN IMMEDIATE",
      prepareTransactionControls: true,
      releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
      spanAttributes: [["db.system.name", "sqlite"]]
    })
    return Context.make(SqlClient.SqlClient, client).pipe(Context.add(SqliteFile, SqliteFile.of({ check })))
  })

export const layer = (file: string): Layer.Layer<SqlClient.SqlClient | SqliteFile> => Layer.effectContext(make(file)).pipe(Layer.provide(Reactivity.layer))
