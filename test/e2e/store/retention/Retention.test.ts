import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { CallStore } from "../../../../src/store/CallStore.ts"
import { Database } from "../../../../src/store/Database.ts"
import { Journal } from "../../../../src/store/journal/Journal.ts"
import * as Retention from "../../../../src/store/retention/Retention.ts"
import type { StoreWrite } from "../../../../src/store/StoreWrite.ts"
import { apply as applyWrites } from "../../../../src/store/writer/ApplyWrites.ts"
import * as Databases from "../../../support/store/Databases.ts"
import { asked, began, dump, life, saved, sidOf, turn } from "../../../support/store/Writes.ts"

const dayMillis = 24 * 60 * 60 * 1000
const now = performance.timeOrigin + performance.now()

const aged = (number: number, days: number) => life(sidOf(number)).map((write) => write._tag === "CallBegan" ? { ...write, at: now - days * dayMillis } : write)

const wordTables = ["turns", "actions", "events", "conversations", "deliveries"]

/** The calls that have rows in the tables of words. */
const withWords = (database: Database["Service"]) =>
  Effect.map(dump(database.sql), (tables) => [...new Set(wordTables.flatMap((table) => tables[table].map((row) => row.call_sid)))])

const days = { wordsDays: 30, figuresDays: 400 }

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
              for (const number of [45, 50, 51]) yield* Effect.retry(store.whenSettled(sidOf(number)), { times: 20 })
              assert.deepStrictEqual(yield* Retention.sweep(database, days), { gone: 1, wordless: 45 })
              const { actions, calls, conversations, events, streams, turns } = yield* dump(database.sql)
              for (const rows of [actions, conversations, events, turns]) assert.deepStrictEqual([...new Set(rows.map((row) => row.call_sid))], [sidOf(50)])
              assert.strictEqual(calls.length, 46)
              assert.deepInclude(JSON.parse(String(calls[0].figures)), { turns: { caller: 1, agent: 2 }, interrupted: 1, actions: 1, latency: { count: 1, p50: 311, p95: 311 } })
              assert.include(calls[0], { from_number: "+14155550123", is_final: 1 })
              assert.isFalse(streams.some((row) => row.call_sid === sidOf(51)))
              assert.deepStrictEqual(yield* Retention.sweep(database, days), { gone: 0, wordless: 0 })
            }))
        }))

      it.effect(`${name}: words of a call without a stored beginning are deleted by the age of its first write`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, (_, database) =>
            Effect.gen(function*() {
              const apply = (number: number, age: number, tag?: StoreWrite["_tag"]) => {
                const writes = life(sidOf(number)).filter(({ _tag }) => _tag !== "CallBegan" && (tag === undefined || _tag === tag))
                return database.transaction(applyWrites(database.sql, database.dialect, writes.map((write, index) => ({ write, at: now - age * dayMillis + index }))))
              }
              yield* apply(1, 31)
              for (const [index, tag] of (["TurnWritten", "ActionWritten", "EventTold", "ConversationSaved", "DeliveryAsked"] as const).entries()) yield* apply(2 + index, 31, tag)
              yield* apply(10, 29)
              yield* apply(11, 401, "TurnWritten")
              assert.deepStrictEqual(yield* Retention.sweep(database, days), { gone: 1, wordless: 6 })
              assert.deepStrictEqual(yield* withWords(database), [sidOf(10)])
              assert.isFalse((yield* dump(database.sql)).calls.some((row) => row.call_sid === sidOf(11)))
              assert.deepStrictEqual(yield* Retention.sweep(database, days), { gone: 0, wordless: 0 })
            }))
        }))

      it.effect(`${name}: a journal that is read late brings back no expired or erased words`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const [expired, gone, erased, young] = [1, 2, 3, 4].map(sidOf)
          yield* use(env, (store, database) =>
            Effect.gen(function*() {
              for (const write of [...aged(1, 31), ...aged(2, 401), ...aged(3, 3), ...aged(4, 29)]) store.write(write)
              yield* Effect.retry(store.whenSettled(young), { times: 20 })
              yield* Retention.sweep(database, days)
              yield* database.query(database.sql`INSERT INTO erased_calls (call_sid, at) VALUES (${erased}, ${now})`)
              yield* database.query(database.sql`DELETE FROM calls WHERE call_sid = ${erased}`)
              for (const table of wordTables) yield* database.query(database.sql`DELETE FROM ${database.sql(table)} WHERE call_sid = ${erased}`)
            }))
          const late = (callSid: typeof expired, ageDays: number) => life(callSid).map((write, index) => ({ write: write._tag === "CallBegan" ? { ...write, at: now - ageDays * dayMillis } : write, at: now - ageDays * dayMillis + index }))
          // Later writes of the expired call are younger than 30 days, but the call's words were deleted already.
          const lastWords = [turn(expired, 7, "Goodbye"), asked(expired, "a7"), saved(expired, 70)].map((write, index) => ({ write, at: now - 29 * dayMillis + index }))
          Databases.leaveJournal(env, [...late(expired, 31), ...lastWords, ...late(gone, 401), ...late(erased, 3), { write: turn(young, 7, "Goodbye"), at: now - 29 * dayMillis }])
          yield* use(env, (store, database) =>
            Effect.gen(function*() {
              yield* Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), store.state), { until: ({ _tag }) => _tag === "Ready" })
              assert.deepStrictEqual(yield* withWords(database), [young])
              const { calls, turns } = yield* dump(database.sql)
              assert.isTrue(turns.some(({ text }) => text === "Goodbye"))
              assert.deepStrictEqual(calls.map((row) => row.call_sid), [expired, erased, young])
              assert.include(JSON.parse(String(calls[0].figures)), { actions: 1 })
            }))
        }))
    }

    it.effect("Postgres: one process at a time deletes", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[1].fresh
        yield* use(env, (store, one) =>
          use(env, (_, other) =>
            Effect.gen(function*() {
              for (let number = 1; number <= 100; number++) store.write(began(sidOf(number), { at: now - 31 * dayMillis }))
              yield* Effect.retry(store.whenSettled(sidOf(100)), { times: 20 })
              const both = yield* Effect.all([one, other].map((database) => Retention.sweep(database, days)), { concurrency: 2 })
              const removed = both.reduce((sum, { wordless }) => sum + wordless, 0)
              // A sweep stops when it finds the lock taken, so the two may leave some calls.
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
          const mentions = turn(sidOf(2), 9000, `It belongs to ${sidOf(1)}`)
          yield* journal.append([...lines, stamped(mentions, 9000)], { sync: true })
          const text = () => readdirSync(join(env.DATA_DIR, "journal")).map((file) => readFileSync(join(env.DATA_DIR, "journal", file), "utf8")).join("")
          assert.include(text(), "xylophone")
          yield* journal.erase(sidOf(1))
          assert.notInclude(text(), "xylophone")
          assert.strictEqual(text().split("marimba").length - 1, 2000 * 2)
          assert.include(text(), "It belongs to")
        }).pipe(Effect.provide(Databases.journalOf(env)))
      }))
  })
})
