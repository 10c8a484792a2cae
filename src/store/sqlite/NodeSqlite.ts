/**
 * `effect/sql` on Node's own SQLite, in a thread of its own (`SqliteThread`).
 *
 * The first statement opens the file, so that the layer does not wait for the disk. After a failure to open it, the next statement tries
 * again.
 */
import { Context, Effect, Layer, Semaphore } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { type Stats, statSync } from "node:fs"
import * as Files from "../../config/Files.ts"
import { threadFile } from "../../runtime/ThreadFile.ts"
import { SqliteConnection } from "./SqliteConnection.ts"
import { FileGone } from "./SqliteErrors.ts"
import { type FileId, inMemory } from "./SqliteRequest.ts"

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

/** Creates the file for this user alone before SQLite does. SQLite gives its `-wal` and `-shm` files the same mode. */
const create = (file: string): Effect.Effect<void, SqlError> =>
  file === inMemory ? Effect.void : Files.write(file, "", { ifAbsent: true }).pipe(
    Effect.mapError((cause) => new SqlError({ reason: new UnknownError({ cause, message: cause.message, operation: "open" }) }))
  )

/** `thread`: the thread's file. */
const make = (file: string, thread: URL) =>
  Effect.gen(function*() {
    const sqlite = new SqliteConnection(thread)
    yield* Effect.addFinalizer(() => sqlite.end)
    /** `undefined`: the next statement opens the file. `id` is unset for a database in memory. */
    let opened: { readonly id: FileId | undefined } | undefined
    const openConnection = Effect.suspend(() => {
      if (opened !== undefined && !sqlite.hasEnded) return Effect.succeed(sqlite)
      opened = undefined
      return Effect.map(Effect.andThen(create(file), sqlite.open(file)), (id) => {
        opened = { id }
        return sqlite
      })
    })
    const semaphore = yield* Semaphore.make(1)
    const check = Effect.suspend(() => {
      const { id } = opened ?? {}
      if (id === undefined) return Effect.void
      const now = statsOf(file)
      if (now?.ino === id.ino && now.dev === id.dev) return Effect.void
      const gone = new SqlError({ reason: new UnknownError({ cause: new FileGone({ isReplaced: now !== undefined }), operation: "check" }) })
      // A removed file may come back under its name, so it stays open. A file in its place is opened by the next statement.
      if (now !== undefined) opened = undefined
      return Effect.fail(gone)
    })
    const acquirers = SqlClient.makeSqliteAcquirers({
      connection: openConnection,
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

/** `file`: the database's file, or `:memory:`. `thread`: only tests use another one. */
export const layer = (file: string, thread: URL = threadFile(import.meta.url, "SqliteThread")): Layer.Layer<SqlClient.SqlClient | SqliteFile> =>
  Layer.effectContext(make(file, thread)).pipe(Layer.provide(Reactivity.layer))
