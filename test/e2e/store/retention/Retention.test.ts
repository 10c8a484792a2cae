import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { CallStore } from "../../../../src/store/CallStore.ts"
import { Database } from "../../../../src/store/Database.ts"
import { Journal } from "../../../../src/store/journal/Journal.ts"
import * as Retention from "../../../../src/store/retention/Retention.ts"
import * as Databases from "../../../support/store/Databases.ts"
import { began, dump, life, sidOf, turn } from "../../../support/store/Writes.ts"

const dayMillis = 24 * 60 * 60 * 1000
const now = performance.timeOrigin + performance.now()

const aged = (number: number, days: number) => life(sidOf(number)).map((write) => write._tag === "CallBegan" ? { ...write, at: now - days * dayMillis } : write)

const use = <A, E>(env: Databases.Environment, test: (store: CallStore["Service"], database: Database["Service"]) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    return yield* test(yield* CallStore, yield* Database)
  }).pipe(Effect.provide(Databases.storeOf(env)))

describe("old data", { timeout: 60_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: words are deleted first and figures later, in small batches`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, (store, database) =>
            Effect.gen(function*() {
              for (let number = 1; number <= 45; number++) for (const write of aged(number, 31)) store.write(write)
              for (const write of [...aged(50, 29), ...aged(51, 401)]) store.write(write)
              for (const number of [45, 50, 51]) yield* Effect.retry(store.settled(sidOf(number)), { times: 20 })
              assert.deepStrictEqual(yield* Retention.sweep(database, { wordsDays: 30, figuresDays: 400 }), { gone: 1, wordless: 45 })
              const { actions, calls, conversations, events, streams, turns } = yield* dump(database.sql)
              for (const rows of [actions, conversations, events, turns]) assert.deepStrictEqual([...new Set(rows.map((row) => row.call_sid))], [sidOf(50)])
              assert.strictEqual(calls.length, 46)
              assert.deepInclude(JSON.parse(String(calls[0].figures)), { turns: { caller: 1, agent: 2 }, interrupted: 1, actions: 1, latency: { count: 1, p50: 311, p95: 311 } })
              assert.include(calls[0], { from_number: "+14155550123", is_final: 1 })
              assert.isFalse(streams.some((row) => row.call_sid === sidOf(51)))
              assert.deepStrictEqual(yield* Retention.sweep(database, { wordsDays: 30, figuresDays: 400 }), { gone: 0, wordless: 0 })
            }))
        }))
    }

    it.effect("Postgres: are deleted by one process at a time", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[1].fresh
        yield* use(env, (store, one) =>
          use(env, (_, other) =>
            Effect.gen(function*() {
              for (let number = 1; number <= 100; number++) store.write(began(sidOf(number), { at: now - 31 * dayMillis }))
              yield* Effect.retry(store.settled(sidOf(100)), { times: 20 })
              const both = yield* Effect.all([one, other].map((database) => Retention.sweep(database, { wordsDays: 30, figuresDays: 400 })), { concurrency: 2 })
              const removed = both.reduce((sum, { wordless }) => sum + wordless, 0)
              // A process that finds another one sweeping stops.
              assert.isAbove(removed, 0)
              assert.isAtMost(removed, 100)
            })))
      }))

    it.effect("journal lines of an erased call are overwritten, and the lines around them stay", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        yield* Effect.gen(function*() {
          const journal = yield* Journal
          const stamped = (write: ReturnType<typeof turn>, at: number) => ({ write, at })
          const lines = Array.from({ length: 3000 }, (_, index) => stamped(turn(sidOf(index % 3), index, index % 3 === 1 ? "xylophone" : "marimba"), index + 1))
          yield* journal.append(lines, { sync: true })
          const text = () => readdirSync(join(env.DATA_DIR, "journal")).map((file) => readFileSync(join(env.DATA_DIR, "journal", file), "utf8")).join("")
          assert.include(text(), "xylophone")
          yield* journal.erase(sidOf(1))
          assert.notInclude(text(), "xylophone")
          assert.include(text(), "marimba")
        }).pipe(Effect.provide(Databases.journalOf(env)))
      }))
  })
})
