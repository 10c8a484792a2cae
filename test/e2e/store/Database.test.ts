import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, FileSystem, Logger } from "effect"
import { isSqlError } from "effect/sql/SqlError"
import { statSync } from "node:fs"
import { Database } from "../../../src/store/Database.ts"
import * as Databases from "../../support/store/Databases.ts"
import { execute, PostgresServer } from "../../support/store/PostgresServer.ts"

const use = <A, E>(env: Databases.Environment, test: (database: Database["Service"]) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    return yield* test(yield* Database)
  }).pipe(Effect.provide(Databases.databaseOf(env)))

const tables = ["calls", "turns", "actions", "events", "conversations", "recordings", "live_calls", "stream_tokens", "call_signals", "deliveries", "erased_calls"]

const sid = `CA${"a".repeat(32)}`

const addCall = ({ sql }: Database["Service"], callSid = sid) => sql`INSERT INTO calls (call_sid, started_at) VALUES (${callSid}, ${1000})`

describe("the database", { timeout: 60_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: makes its tables at the first start, and keeps their rows after that`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, (database) =>
            Effect.gen(function*() {
              assert.isTrue(database.isReady())
              for (const table of tables) assert.deepStrictEqual(yield* database.query(database.sql`SELECT * FROM ${database.sql(table)}`), [])
              yield* database.transaction(addCall(database))
            }))
          const rows = yield* use(env, (database) => database.query(database.sql`SELECT call_sid, started_at, parts FROM calls`))
          assert.deepStrictEqual(rows.map((row) => ({ ...row })), [{ call_sid: sid, started_at: 1000, parts: 0 }])
        }))

      it.effect(`${name}: two processes that start at once can both use it`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const start = use(env, (database) =>
            Effect.gen(function*() {
              if (!database.isReady()) yield* database.whenReady
              return yield* database.query(database.sql`SELECT COUNT(*) AS steps FROM schema_versions`)
            }))
          const both = yield* Effect.all([start, start, start], { concurrency: "unbounded" })
          for (const [row] of both) assert.strictEqual(Number(row.steps), 1)
        }))

      it.effect(`${name}: tables of a newer version keep it from starting, in one line that says what to do`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, ({ query, sql }) => query(sql`INSERT INTO schema_versions (migration_id, name) VALUES (99, 'later')`))
          const error = yield* Effect.flip(use(env, () => Effect.void))
          assert.match(error.message, /^The database is of a newer version of this service \(its tables have version 99, this program knows \d+\)\. [^\n]*$/)
        }))

      it.effect(`${name}: a duplicate is a UniqueViolation, and an object as a parameter is refused`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, (database) =>
            Effect.gen(function*() {
              yield* addCall(database)
              const error = yield* Effect.flip(addCall(database))
              assert.strictEqual(error.reason._tag, "UniqueViolation")
              yield* database.sql`INSERT INTO erased_calls (call_sid, at) VALUES ('x', 1)`
              const key = yield* Effect.flip(database.sql`INSERT INTO erased_calls (call_sid, at) VALUES ('x', 1)`)
              assert.strictEqual(key.reason._tag, "UniqueViolation")
              const object = yield* Effect.flip(database.sql`SELECT * FROM calls WHERE call_sid = ${{ a: 1 } as never}`)
              assert.isTrue(isSqlError(object))
            }))
        }))

      it.effect(`${name}: a transaction that fails leaves nothing`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, (database) =>
            Effect.gen(function*() {
              const failing = Effect.andThen(addCall(database), Effect.fail("stop" as const))
              assert.strictEqual(yield* Effect.flip(database.transaction(failing)), "stop")
              assert.deepStrictEqual(yield* database.query(database.sql`SELECT * FROM calls`), [])
            }))
        }))
    }

    it.effect("SQLite: its files are for this user alone", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        yield* use(env, (database) =>
          Effect.gen(function*() {
            yield* addCall(database)
            for (const end of ["", "-wal", "-shm"]) assert.strictEqual(statSync(`${env.DATA_DIR}/calls.db${end}`).mode & 0o777, 0o600, end)
          }))
      }))

    it.effect("SQLite: erased words are left neither in the file nor in its log", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const env = yield* Databases.kinds[0].fresh
        const word = "xylophonist"
        yield* use(env, (database) =>
          Effect.gen(function*() {
            const { query, scrub, sql } = database
            for (let turn = 0; turn < 200; turn++) {
              yield* query(sql`INSERT INTO turns (id, call_sid, turn, role, started_at, ended_at, text, words, is_cut, written_at)
                VALUES (${turn}, ${sid}, ${turn}, 'caller', 0, 1, ${`the ${word} number ${turn}`}, '[]', 0, 0)`)
            }
            const found = sql`SELECT COUNT(*) AS found FROM turns_text WHERE turns_text MATCH ${word}`
            assert.strictEqual((yield* query(found))[0].found, 200)
            yield* query(sql`DELETE FROM turns WHERE call_sid = ${sid}`)
            yield* scrub
            assert.strictEqual((yield* query(found))[0].found, 0)
          }))
        for (const file of yield* fs.readDirectory(env.DATA_DIR)) {
          const bytes = Buffer.from(yield* fs.readFile(`${env.DATA_DIR}/${file}`))
          assert.isFalse(bytes.includes(word), file)
        }
      }))

    it.effect("SQLite: a damaged file keeps it from starting, in one line", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const env = yield* Databases.kinds[0].fresh
        yield* fs.writeFile(`${env.DATA_DIR}/calls.db`, Buffer.alloc(8192, "no database at all "))
        const error = yield* Effect.flip(use(env, () => Effect.void))
        assert.match(error.message, /calls\.db is damaged or no database of this service\. [^\n]*$/)
      }))

    it.effect("SQLite: a read of a damaged page fails, and the log says that the file is damaged", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const env = yield* Databases.kinds[0].fresh
        const file = `${env.DATA_DIR}/calls.db`
        const note = "a note on many pages "
        yield* use(env, ({ query, sql }) =>
          query(Effect.forEach(Array.from({ length: 20 }, (_, number) => number), (number) =>
            sql`INSERT INTO conversations (call_sid, version, at, memory) VALUES (${`CA${number}`}, 1, 0, ${note.repeat(50)})`)))
        const pageSize = 4096
        const bytes = Buffer.from(yield* fs.readFile(file))
        for (let page = 0; page < bytes.length; page += pageSize) {
          if (bytes.subarray(page, page + pageSize).includes(note)) bytes.fill(0xff, page, page + pageSize)
        }
        yield* fs.writeFile(file, bytes)
        const lines: Array<string> = []
        const logs = Logger.layer([Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))])
        yield* use(env, ({ query, sql }) => Effect.forEach([1, 2], () => Effect.flip(query(sql`SELECT SUM(LENGTH(memory)) FROM conversations`)))).pipe(Effect.provide(logs))
        const damaged = lines.filter((line) => line.includes("damaged"))
        // The second line comes at the end, with the number of the failures that were only counted.
        assert.lengthOf(damaged, 2, lines.join("\n"))
        assert.match(damaged[0], /^Error The call history can't be read: \S+calls\.db is damaged or no database of this service\. Put a backup in its place/)
      }))

    it.effect("SQLite: many writers at once do not block the event loop", () =>
      Effect.gen(function*() {
        yield* use(yield* Databases.kinds[0].fresh, (database) =>
          Effect.gen(function*() {
            const write = (index: number) => database.sql`INSERT INTO events (call_sid, sequence, at, event) VALUES (${sid}, ${index}, 0, ${"e".repeat(300)})`
            let turns = 0
            const timer = setInterval(() => turns++, 0)
            yield* Effect.forEach(Array.from({ length: 5000 }, (_, index) => index), write, { concurrency: 50 })
            clearInterval(timer)
            assert.isAbove(turns, 20)
          }))
      }))

    it.effect("Postgres: a missing server does not keep it from starting; the tables are made when the server comes", () =>
      Effect.gen(function*() {
        const server = yield* PostgresServer
        if (!server.isOurs) return
        const env = yield* Databases.kinds[1].fresh
        yield* server.stop
        yield* use(env, (database) =>
          Effect.gen(function*() {
            assert.isFalse(database.isReady())
            const [took, error] = yield* Effect.timed(Effect.flip(database.query(database.sql`SELECT 1`)))
            assert.strictEqual(error._tag, "StoreUnreachable")
            assert.isBelow(Duration.toMillis(took), 1000)
            yield* server.start
            yield* Effect.timeout(database.whenReady, "10 seconds")
            assert.deepStrictEqual(yield* database.query(database.sql`SELECT call_sid FROM calls`), [])
          }))
      }))

    it.effect("Postgres: a reader waits a second for a frozen server, which is not ready until it answers again", () =>
      Effect.gen(function*() {
        const server = yield* PostgresServer
        if (!server.isOurs) return
        yield* use(yield* Databases.kinds[1].fresh, (database) =>
          Effect.gen(function*() {
            yield* server.freeze
            const [took, error] = yield* Effect.timed(Effect.flip(database.query(database.sql`SELECT 1`)))
            assert.strictEqual(error._tag, "StoreUnreachable")
            assert.isBelow(Duration.toMillis(took), 1600)
            yield* Effect.repeat(Effect.sleep("50 millis"), { until: () => !database.isReady() }).pipe(Effect.timeout("12 seconds"))
            yield* server.thaw
            yield* Effect.timeout(database.whenReady, "15 seconds")
            yield* database.query(database.sql`SELECT call_sid FROM calls`)
          })).pipe(Effect.ensuring(server.thaw))
      }))

    it.effect("Postgres: a wrong database name keeps it from starting, in a line without the address", () =>
      Effect.gen(function*() {
        const url = new URL(yield* (yield* PostgresServer).database)
        url.pathname = "/nowhere"
        url.password = "hunter2"
        const error = yield* Effect.flip(use({ DATA_DIR: "unused", DATABASE_URL: url.href }, () => Effect.void))
        assert.match(error.message, /^DATABASE_URL: there is no database of that name/)
        assert.notInclude(error.message, "hunter2")
      }))

    it.effect("Postgres: a connection that is lost inside a transaction is a failure, and the next one works", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[1].fresh
        yield* use(env, (database) =>
          Effect.gen(function*() {
            const { query, sql, transaction } = database
            const killed = transaction(Effect.gen(function*() {
              const [row] = yield* sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`
              yield* execute(env.DATABASE_URL, `SELECT pg_terminate_backend(${row.pid})`)
              yield* addCall(database)
            }))
            assert.isTrue(isSqlError(yield* Effect.flip(killed)))
            yield* transaction(addCall(database)).pipe(Effect.retry({ times: 3 }))
            assert.strictEqual((yield* query(sql`SELECT call_sid FROM calls`)).length, 1)
          }))
      }))
  })
})
