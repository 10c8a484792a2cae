import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { CallStore } from "../../../../src/store/CallStore.ts"
import { Database } from "../../../../src/store/Database.ts"
import { NumberHash } from "../../../../src/store/retention/NumberHash.ts"
import { until } from "../../../support/service/Service.ts"
import * as Databases from "../../../support/store/Databases.ts"
import { began, ended, sidOf } from "../../../support/store/Writes.ts"

const number = "+14155550123"

const beginHashed = (call: number) => began(sidOf(call), { from: number, keeping: { words: true, numbers: "hashed" } })

/**
 * Writes in a process with these variables. `stored`: the caller's number of each call as the database has it. `searched`: the forms in
 * which a search looks for the number.
 */
const write = (env: Databases.Environment, ...writes: ReadonlyArray<ReturnType<typeof began>>) =>
  Effect.gen(function*() {
    const store = yield* CallStore
    const { query, sql } = yield* Database
    for (const one of writes) yield* store.save(one)
    const rows = yield* query(sql<{ from_number: string }>`SELECT from_number FROM calls ORDER BY call_sid`)
    return { stored: rows.map((row) => row.from_number), searched: (yield* NumberHash).variants(number) }
  }).pipe(Effect.provide(Databases.storeOf(env)))

describe("hashed numbers", { timeout: 60_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: are found after STORE_NUMBERS is plain again, and a call that began before that is still hashed`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const before = yield* write({ ...env, STORE_NUMBERS: "hashed" }, beginHashed(1), ended(sidOf(1), 9, true), beginHashed(2))
          assert.match(before.stored[0], /^hmac:/)
          assert.strictEqual(before.stored[1], number)
          const { searched, stored } = yield* write(env, ended(sidOf(2), 9, true), began(sidOf(3), { from: number }), ended(sidOf(3), 9, true))
          assert.deepStrictEqual(stored, [before.stored[0], before.stored[0], number])
          assert.includeMembers([...searched], stored)
        }))

      it.effect(`${name}: that were hashed with the folder's key are found after STORE_KEY was set`, () =>
        Effect.gen(function*() {
          const env = { ...(yield* fresh), STORE_NUMBERS: "hashed" }
          yield* write(env, beginHashed(1), ended(sidOf(1), 9, true))
          const { searched, stored } = yield* write({ ...env, STORE_KEY: "k".repeat(22) }, beginHashed(2), ended(sidOf(2), 9, true))
          assert.notStrictEqual(stored[0], stored[1])
          assert.includeMembers([...searched], stored)
        }))

      it.effect(`${name}: are not stored plain if there is no key`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const { searched, stored } = yield* write(env, beginHashed(1), ended(sidOf(1), 9, true))
          assert.match(stored[0], /^hmac:/)
          assert.deepStrictEqual(searched, [number])
          assert.isFalse(existsSync(`${env.DATA_DIR}/store-key`))
        }))
    }

    it.effect("SQLite: are in no file any more in their plain form, while the process still runs", () =>
      Effect.gen(function*() {
        const env = yield* Databases.kinds[0].fresh
        const filesWithNumber = Effect.sync(() => readdirSync(env.DATA_DIR).filter((file) => readFileSync(`${env.DATA_DIR}/${file}`).includes(number)))
        yield* Effect.gen(function*() {
          const store = yield* CallStore
          yield* store.save(beginHashed(1))
          assert.isNotEmpty(yield* filesWithNumber)
          yield* store.save(ended(sidOf(1), 9, true))
          yield* until("files without the number", filesWithNumber, (files) => files.length === 0)
        }).pipe(Effect.provide(Databases.storeOf({ ...env, STORE_NUMBERS: "hashed" }, { scrubEvery: "100 millis" })))
      }))
  })
})
