import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as NodeSqlite from "../../../src/store/sqlite/NodeSqlite.ts"
import { isWrongStatement } from "../../../src/store/sqlite/SqliteErrors.ts"

const ending = new URL("../../support/store/EndingSqliteThread.ts", import.meta.url)

/** Runs a program on an empty database. `thread`: default, the thread of the service. */
const onDatabase = <A, E>(program: Effect.Effect<A, E, SqlClient>, thread?: URL) =>
  Effect.gen(function*() {
    const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
    return yield* Effect.provide(program, Layer.fresh(NodeSqlite.layer(`${folder}/calls.db`, thread)))
  })

/** Takes SQLite about a second. */
const longStatement = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT COUNT(*) AS counted FROM n"

layer(NodeServices.layer)("SQLite's thread", (it) => {
  it.effect("lets the event loop go on during a long statement", () =>
    onDatabase(Effect.gen(function*() {
      const sql = yield* SqlClient
      yield* sql`SELECT 1`
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      const rows = yield* sql.unsafe(longStatement)
      clearInterval(timer)
      assert.deepStrictEqual(rows, [{ counted: 3_000_000 }])
      assert.isAbove(turns, 50)
    })))

  it.effect("is started again after it has ended; only the statement in it fails", () =>
    onDatabase(
      Effect.gen(function*() {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE t (id INTEGER)`
        yield* sql`INSERT INTO t VALUES (1)`
        const error = yield* Effect.flip(sql.unsafe("END THIS THREAD"))
        assert.match(error.reason.message, /SQLite's thread has ended/)
        yield* sql`INSERT INTO t VALUES (2)`
        assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 1 }, { id: 2 }])
      }),
      ending
    ))

  it.effect("is started again even if a transaction goes on after its end", () =>
    onDatabase(
      Effect.gen(function*() {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE t (id INTEGER)`
        const goingOn = Effect.andThen(Effect.ignore(sql.unsafe("END THIS THREAD")), sql`INSERT INTO t VALUES (1)`)
        assert.match((yield* Effect.flip(sql.withTransaction(goingOn))).reason.message, /SQLite's thread has ended/)
        yield* sql`INSERT INTO t VALUES (2)`
        assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 2 }])
      }),
      ending
    ))

  it.effect("opens the file again after an attempt to open it has failed", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const file = `${folder}/calls.db`
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE t (id INTEGER)`
        yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
        yield* Effect.flip(sql.unsafe("END THIS THREAD"))
        const bytes = yield* fs.readFile(file)
        yield* fs.writeFile(file, Buffer.alloc(8192, "no database at all "))
        yield* Effect.flip(sql`SELECT 1`)
        yield* fs.writeFile(file, bytes)
        yield* sql`INSERT INTO t VALUES (1)`
        assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 1 }])
      }).pipe(Effect.provide(Layer.fresh(NodeSqlite.layer(file, ending))))
    }))

  it.effect("that can't be started is a failure of the statement", () =>
    onDatabase(
      Effect.gen(function*() {
        const error = yield* Effect.flip((yield* SqlClient)`SELECT 1`)
        assert.match(error.reason.message, /can't be started/)
        assert.isFalse(isWrongStatement(error))
      }),
      new URL("https://localhost/no-thread.js")
    ))

  it.effect("that ends within a transaction leaves nothing of it", () =>
    onDatabase(
      Effect.gen(function*() {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE t (id INTEGER)`
        yield* Effect.flip(sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (1)`, sql.unsafe("END THIS THREAD"))))
        yield* sql.withTransaction(sql`INSERT INTO t VALUES (2)`)
        assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 2 }])
      }),
      ending
    ))

  it.effect("ends a transaction that is interrupted in the middle of a statement", () =>
    onDatabase(Effect.gen(function*() {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE t (id INTEGER)`
      const transaction = sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (1)`, sql.unsafe(longStatement)))
      // The real clock: the statement runs in another thread.
      yield* Effect.raceFirst(transaction, Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50))))
      yield* sql.withTransaction(sql`INSERT INTO t VALUES (2)`)
      assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 2 }])
    })))

  it.effect("refuses a parameter that SQLite would not store, and goes on", () =>
    onDatabase(Effect.gen(function*() {
      const sql = yield* SqlClient
      const error = yield* Effect.flip(sql.unsafe("SELECT ? AS value", [{ a: 1 }]))
      assert.match(error.reason.message, /neither text, number, bytes nor null/)
      assert.deepStrictEqual(yield* sql.unsafe("SELECT ? AS value", ["x"]), [{ value: "x" }])
    })))
})
