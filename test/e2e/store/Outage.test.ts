import { assert, describe, layer } from "@effect/vitest"
import { Clock, Duration, Effect, FileSystem, Logger, Metric, Option } from "effect"
import { spawn } from "node:child_process"
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Metrics from "../../../src/observability/Metrics.ts"
import { CallStore } from "../../../src/store/CallStore.ts"
import { Database } from "../../../src/store/Database.ts"
import { Journal } from "../../../src/store/journal/Journal.ts"
import { encode } from "../../../src/store/journal/JournalLines.ts"
import * as Databases from "../../support/store/Databases.ts"
import { PostgresServer } from "../../support/store/PostgresServer.ts"
import { asked, began, dump, event, saved, sidOf, turn } from "../../support/store/Writes.ts"

interface Both {
  readonly store: CallStore["Service"]
  readonly database: Database["Service"]
}

const use = <A, E>(env: Databases.Environment, test: (both: Both) => Effect.Effect<A, E, Journal>) =>
  Effect.gen(function*() {
    return yield* test({ store: yield* CallStore, database: yield* Database })
  }).pipe(Effect.provide(Databases.storeOf(env)))

const sid = sidOf(1)

const program = fileURLToPath(new URL("../../support/store/WritingProcess.ts", import.meta.url))

/** Runs a process that saves writes (`store.save`) until it has saved this many, kills it, and returns how many it saved. */
const writeAndDie = (env: Databases.Environment, enough: number) =>
  Effect.callback<number>((resume) => {
    const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH ?? "", AGENT: "echo", LOG_LEVEL: "Error", ...env }, stdio: ["ignore", "pipe", "inherit"] })
    let savedCount = 0
    child.stdout.on("data", (text: Buffer) => {
      savedCount += text.toString().split("\n").filter((line) => line.startsWith("saved ")).length
      if (savedCount >= enough) child.kill("SIGKILL")
    })
    child.on("exit", () => resume(Effect.succeed(savedCount)))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const journals = (env: Databases.Environment): ReadonlyArray<string> => existsSync(`${env.DATA_DIR}/journal`) ? readdirSync(`${env.DATA_DIR}/journal`) : []

const until = (what: string, isSo: () => Effect.Effect<boolean>, limit: Duration.Input = "20 seconds") =>
  Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), Effect.suspend(isSo)), { until: (is) => is }).pipe(
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.die(new Error(`never came: ${what}`)) })
  )

const isReady = (store: CallStore["Service"]) => () => Effect.map(store.state, ({ _tag }) => _tag === "Ready")

const sequences = (database: Database["Service"]) => Effect.map(dump(database.sql), ({ events }) => events.map(({ sequence }) => sequence))

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe("the store during faults", { timeout: 120_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: a killed process loses no write for which save has returned`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const savedCount = yield* writeAndDie(env, 40)
          assert.isAtLeast(savedCount, 40)
          yield* use(env, ({ database, store }) =>
            Effect.gen(function*() {
              yield* until("ready", isReady(store))
              const found = yield* sequences(database)
              assert.isAtLeast(found.length, savedCount)
              assert.deepStrictEqual(found, upTo(found.length))
            }))
        }))
    }

    it.effect("a damaged last line of a journal is skipped, and all other lines are stored", () =>
      Effect.gen(function*() {
        for (const { fresh } of Databases.kinds) {
          const env = yield* fresh
          const now = yield* Clock.currentTimeMillis
          const writes = [began(sid), event(sid, 0), event(sid, 1), turn(sid, 0, "Hello".repeat(200_000))].map((write, index) => ({ write, at: now + index }))
          Databases.leaveJournal(env, writes, encode({ write: event(sid, 2), at: now + 9 }).slice(0, 40))
          yield* use(env, ({ database, store }) =>
            Effect.gen(function*() {
              yield* until("ready", isReady(store))
              assert.deepStrictEqual(yield* sequences(database), [0, 1])
              assert.strictEqual((yield* dump(database.sql)).turns.length, 1)
              yield* until("counted", () => Effect.map(Metric.value(Metrics.storeWrites("lost")), ({ count }) => Number(count) === 1))
            })).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
          assert.deepStrictEqual(journals(env), [])
        }
      }))

    it.effect("SQLite: a full disk is reported in a sentence, and writes made meanwhile are stored when there is space again", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        const lines: Array<string> = []
        const listen = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            yield* store.save(began(sid))
            const [row] = yield* database.query(database.sql<{ page_count: number }>`PRAGMA page_count`)
            yield* database.query(database.sql.unsafe(`PRAGMA max_page_count = ${row.page_count}`))
            for (const sequence of upTo(50)) yield* store.save({ ...event(sid, sequence), event: "e".repeat(5000) } as never)
            assert.strictEqual((yield* store.state)._tag, "Degraded")
            yield* database.sql.unsafe("PRAGMA max_page_count = 1000000")
            yield* until("ready", isReady(store))
            assert.deepStrictEqual(yield* sequences(database), upTo(50))
          })).pipe(Effect.provide(listen))
        assert.isTrue(lines.some((line) => line.includes("there is no space left on the disk of DATA_DIR. Make room")), lines.join("\n"))
      }))

    it.effect("SQLite: a file that is removed while it is open is noticed and reported once, and writes wait in the journal until it is back", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        const file = `${env.DATA_DIR}/calls.db`
        const lines: Array<string> = []
        const listen = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            yield* store.save(began(sid))
            yield* store.save(event(sid, 0))
            renameSync(file, `${file}.away`)
            yield* until("degraded", () => Effect.map(store.state, ({ _tag }) => _tag === "Degraded"))
            const state = yield* store.state
            assert.include(state._tag === "Degraded" ? state.why : "", "calls.db in DATA_DIR was removed")
            yield* store.save(event(sid, 1))
            yield* Effect.sleep("1 second")
            assert.isFalse(existsSync(file))
            assert.strictEqual(lines.filter((line) => line.includes("was removed")).length, 1)
            renameSync(`${file}.away`, file)
            yield* until("ready", isReady(store))
            assert.deepStrictEqual(yield* sequences(database), [0, 1])
          })).pipe(Effect.provide(listen))
      }))

    it.effect("SQLite: a file that is put in the place of the open one is opened", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        const file = `${env.DATA_DIR}/calls.db`
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            yield* store.save(began(sid))
            for (const name of readdirSync(env.DATA_DIR).filter((name) => name.startsWith("calls.db"))) rmSync(`${env.DATA_DIR}/${name}`)
            writeFileSync(file, "")
            assert.isFalse(yield* database.check)
            yield* until("ready", isReady(store))
            yield* store.save(began(sidOf(2)))
            yield* store.save(event(sidOf(2), 5))
          }))
        yield* use(env, ({ database }) =>
          Effect.gen(function*() {
            assert.deepStrictEqual((yield* dump(database.sql)).calls.map(({ call_sid }) => call_sid), [sidOf(2)])
            assert.deepStrictEqual(yield* sequences(database), [5])
          }))
      }))

    it.effect("SQLite: a call is settled after its lines in this process's journal were erased", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            const journal = yield* Journal
            const erased = sidOf(2)
            yield* store.save(began(sid))
            const [row] = yield* database.query(database.sql<{ page_count: number }>`PRAGMA page_count`)
            yield* database.query(database.sql.unsafe(`PRAGMA max_page_count = ${row.page_count}`))
            for (const sequence of upTo(12)) {
              yield* store.save({ ...event(sid, sequence), event: "e".repeat(5000) } as never)
              yield* store.save(turn(erased, sequence, "xylophone"))
            }
            assert.isAbove(journals(env).length, 0)
            yield* journal.erase(erased)
            yield* database.sql.unsafe("PRAGMA max_page_count = 1000000")
            yield* until("ready", isReady(store))
            yield* store.whenSettled(sid)
            yield* store.whenSettled(erased)
            assert.deepStrictEqual(yield* sequences(database), upTo(12))
          }))
      }))

    it.effect("SQLite: if neither the database nor the journal can be written, that is reported and nothing hangs", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            writeFileSync(`${env.DATA_DIR}/journal`, "no folder")
            yield* database.query(database.sql`DROP TABLE erased_calls`)
            yield* database.query(database.sql`DROP TABLE store_probe`)
            yield* database.check
            const [took, error] = yield* Effect.timed(Effect.flip(store.save(event(sid, 0))))
            assert.strictEqual(error._tag, "NotSaved")
            assert.isBelow(Duration.toMillis(took), 2000)
            assert.strictEqual((yield* store.state)._tag, "Degraded")
            assert.strictEqual((yield* Effect.flip(store.find(sid)))._tag, "StoreUnreachable")
            // The number that is reported does not fall while the writer tries again.
            const seen = new Set<number>()
            const end = (yield* Clock.currentTimeMillis) + 1500
            while ((yield* Clock.currentTimeMillis) < end) {
              const state = yield* store.state
              seen.add(state._tag === "Degraded" ? state.waiting : -1)
              yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
            }
            assert.deepStrictEqual([...seen], [1])
          }))
      }))

    it.effect("Postgres: after a stop and a start it has all writes in the end, and no write failed", () =>
      Effect.gen(function*() {
        const server = yield* PostgresServer
        if (!server.isOurs) return
        const env = yield* Databases.kinds[1].fresh
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            store.write(began(sid))
            for (const sequence of upTo(300)) store.write(event(sid, sequence))
            yield* store.save(saved(sid, 1))
            yield* server.stop
            for (const sequence of upTo(300)) store.write(event(sid, 300 + sequence))
            const [took] = yield* Effect.timed(store.save(asked(sid, "a1")))
            assert.isBelow(Duration.toMillis(took), 1500)
            yield* until("degraded", () => Effect.map(store.state, ({ _tag }) => _tag === "Degraded"))
            const times: Array<number> = []
            for (const version of upTo(20)) {
              const [took] = yield* Effect.timed(store.save(saved(sid, 2 + version)))
              times.push(Duration.toMillis(took))
            }
            assert.isBelow(times.toSorted((one, other) => one - other)[10], 100)
            const [file] = journals(env)
            assert.strictEqual(statSync(`${env.DATA_DIR}/journal/${file}`).mode & 0o777, 0o600)
            assert.strictEqual(statSync(`${env.DATA_DIR}/journal`).mode & 0o777, 0o700)
            assert.strictEqual((yield* Effect.flip(store.find(sid)))._tag, "StoreUnreachable")
            yield* server.start
            yield* until("ready", isReady(store))
            yield* store.whenSettled(sid)
            assert.deepStrictEqual(yield* sequences(database), upTo(600))
            const { actions, conversations } = yield* dump(database.sql)
            assert.deepStrictEqual([actions.length, conversations[0]?.version], [1, 21])
            assert.deepStrictEqual(journals(env), [])
          }))
      }))

    it.effect("Postgres: while it is frozen, keep writes to the journal in less than a second", () =>
      Effect.gen(function*() {
        const server = yield* PostgresServer
        if (!server.isOurs) return
        const env = yield* Databases.kinds[1].fresh
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            yield* store.save(began(sid))
            yield* server.freeze
            store.write(event(sid, 0))
            yield* Effect.sleep("100 millis")
            const [took] = yield* Effect.timed(store.save(event(sid, 1)))
            assert.isBelow(Duration.toMillis(took), 700)
            for (const sequence of [2, 3, 4]) yield* store.save(event(sid, sequence))
            yield* until("degraded", () => Effect.map(store.state, ({ _tag }) => _tag === "Degraded"))
            yield* server.thaw
            yield* until("ready", isReady(store))
            assert.deepStrictEqual(yield* sequences(database), upTo(5))
          })).pipe(Effect.ensuring(server.thaw))
      }))

    it.effect("Postgres: if it does not answer at the start, writes wait, and the next process after a killed one stores them", () =>
      Effect.gen(function*() {
        const server = yield* PostgresServer
        if (!server.isOurs) return
        const env = yield* Databases.kinds[1].fresh
        yield* server.stop
        const savedCount = yield* writeAndDie(env, 40)
        assert.isAtLeast(savedCount, 40)
        assert.strictEqual(journals(env).length, 1)
        yield* use(env, ({ database, store }) =>
          Effect.gen(function*() {
            yield* store.save(event(sidOf(2), 0))
            assert.strictEqual((yield* store.state)._tag, "Degraded")
            yield* server.start
            yield* until("ready", isReady(store))
            const call = yield* store.find(sid)
            assert.isAtLeast(Option.getOrThrow(call).nextEvent, savedCount)
            const { events } = yield* dump(database.sql)
            const first = events.filter(({ call_sid }) => call_sid === sid).map(({ sequence }) => sequence)
            assert.deepStrictEqual(first, upTo(first.length))
            assert.deepStrictEqual(journals(env), [])
          }))
      }))

    it.effect("waiting writes are written before the process ends", () =>
      Effect.gen(function*() {
        for (const { fresh } of Databases.kinds) {
          const env = yield* fresh
          yield* use(env, ({ store }) => Effect.sync(() => {
            for (const sequence of upTo(1000)) store.write(event(sid, sequence))
          }))
          yield* use(env, ({ database }) => Effect.map(sequences(database), (found) => assert.deepStrictEqual(found, upTo(1000))))
        }
      }))

    it.effect("SQLite: a folder that can't be written to keeps it from starting, in one line", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        // A file in place of the folder, because root may write to every folder.
        const file = `${env.DATA_DIR}/file`
        yield* (yield* FileSystem.FileSystem).writeFileString(file, "")
        const error = yield* Effect.flip(use({ DATA_DIR: file }, () => Effect.void))
        assert.match(error.message, /^[^\n]*calls\.db[^\n]*$/)
        chmodSync(file, 0o600)
      }))
  })
})
