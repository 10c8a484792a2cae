import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Option, Schema } from "effect"
import { CallStore } from "../../../src/store/CallStore.ts"
import { Database } from "../../../src/store/Database.ts"
import type { StoreWrite } from "../../../src/store/StoreWrite.ts"
import { apply } from "../../../src/store/writer/ApplyWrites.ts"
import type { Stamped } from "../../../src/store/writer/WriteQueue.ts"
import * as Databases from "../../support/store/Databases.ts"
import { accountSid, asked, began, dump, ended, event, life, saved, sidOf, turn } from "../../support/store/Writes.ts"

interface Both {
  readonly store: CallStore["Service"]
  readonly database: Database["Service"]
}

const use = <A, E>(env: Databases.Environment, test: (both: Both) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    return yield* test({ store: yield* CallStore, database: yield* Database })
  }).pipe(Effect.provide(Databases.storeOf(env)))

/** Runs a test with two stores on one database, as two processes have them. */
const inTwoProcesses = <A, E>(env: Databases.Environment, test: (one: Both, other: Both) => Effect.Effect<A, E>) =>
  use(env, (one) => use(env, (other) => test(one, other)))

const sid = sidOf(1)

/** Stamps the writes with rising times, as a process does. */
const stamped = (writes: ReadonlyArray<StoreWrite>): ReadonlyArray<Stamped> => writes.map((write, index) => ({ write, at: 1000 + index }))

/** A generator of random numbers from a seed. */
const random = (seed: number) => () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647

const shuffled = <A>(values: ReadonlyArray<A>, next: () => number) =>
  values.map((value) => ({ value, rank: next() })).toSorted((one, other) => one.rank - other.rank).map(({ value }) => value)

describe("the store", { timeout: 60_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: keeps everything about a call`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ database, store }) =>
            Effect.gen(function*() {
              for (const write of life(sid)) store.write(write)
              yield* store.whenSettled(sid)
              const { actions, call_metadata, calls, conversations, events, recordings, streams, turns } = yield* dump(database.sql)
              assert.strictEqual(calls.length, 1)
              assert.include(calls[0], {
                call_sid: sid, from_number: "+14155550123", started_at: 1_700_000_000_000, answered_at: 1_700_000_001_000, axis_zero: 1_700_000_001_200, parts: 2,
                ended_at: 1_700_000_062_000, is_final: 1, reason: "callerHungUp", keeps_words: 1
              })
              assert.deepStrictEqual(call_metadata.map(({ name, value }) => [name, value]), [["customer", "c-1"], ["visits", "3"]])
              assert.deepStrictEqual(turns.map(({ is_cut, latency, text }) => [text, is_cut, latency]), [
                ["Good morning,", 1, null],
                ["I want to book a table", 0, null],
                [name === "Postgres" ? "Your table is booked. \uFFFD" : "Your table is booked. \u0000", 0, 311.25]
              ])
              assert.deepStrictEqual(actions.map(({ answer, state }) => [state, answer]), [["answered", "booked"]])
              assert.deepStrictEqual(events.map(({ sequence }) => sequence), [0, 1, 2])
              assert.deepStrictEqual(conversations.map(({ version }) => version), [3])
              assert.deepStrictEqual(recordings.map(({ duration }) => duration), [60_000])
              assert.strictEqual(streams.length, 2)
              assert.deepStrictEqual(yield* store.state, { _tag: "Ready" })
            }))
        }))

      it.effect(`${name}: writes may come again, in pieces and in any order, and change nothing`, () =>
        Effect.gen(function*() {
          const all = stamped([life(sidOf(1)), life(sidOf(2))].flatMap((writes) => writes))
          const expected = yield* Effect.flatMap(fresh, (env) => use(env, ({ database }) => Effect.andThen(database.transaction(apply(database.sql, database.dialect, all)), dump(database.sql))))
          for (let seed = 1; seed <= 12; seed++) {
            const next = random(seed)
            yield* use(yield* fresh, ({ database }) =>
              Effect.gen(function*() {
                const again = shuffled([...all, ...all.filter(() => next() < 0.4)], next)
                for (let from = 0; from < again.length;) {
                  const size = 1 + Math.floor(next() * 15)
                  yield* database.transaction(apply(database.sql, database.dialect, again.slice(from, from + size)))
                  from += size
                }
                assert.deepStrictEqual(yield* dump(database.sql), expected, `seed ${seed}`)
              }))
          }
        }), 120_000)

      it.effect(`${name}: the database has a write and all earlier ones of the call when keep returns`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ database, store }) =>
            Effect.gen(function*() {
              store.write(began(sid))
              for (let sequence = 0; sequence < 300; sequence++) store.write(event(sid, sequence))
              yield* store.save(asked(sid, "a1"))
              const { actions, events } = yield* dump(database.sql)
              assert.strictEqual(actions.length, 1)
              assert.strictEqual(events.length, 300)
            }))
        }))

      it.effect(`${name}: another process finds what it needs to take over a call`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, ({ store }) =>
            Effect.gen(function*() {
              store.write(began(sid, { campaign: "spring", metadata: { customer: "c-1" } }))
              store.write({ _tag: "StreamBegan", callSid: sid, part: 0, at: 5 })
              for (const sequence of [0, 1, 2]) store.write(event(sid, sequence))
              store.write(turn(sid, 0, "Hello"))
              store.write(asked(sid, "a1", "answered"))
              store.write(asked(sid, "a2"))
              store.write(saved(sid, 1))
              yield* store.save(saved(sid, 2))
            }))
          yield* use(env, ({ store }) =>
            Effect.gen(function*() {
              const call = Option.getOrThrow(yield* store.find(sid))
              assert.include(call, { callSid: sid, direction: "inbound", parts: 1, nextEvent: 3, nextTurn: 1, axisZero: 5, endedAt: null, campaign: "spring", keepsWords: true })
              assert.deepStrictEqual(call.metadata, { customer: "c-1" })
              assert.deepStrictEqual(Option.getOrThrow(call.memory), { version: 2, memory: { version: 2, history: ["hello"] } })
              assert.deepStrictEqual(call.openActions.map(({ id, kind }) => [id, kind]), [["a2", "tool"]])
              assert.isTrue(Option.isNone(yield* store.find(sidOf(99))))
            }))
        }))

      it.effect(`${name}: a result of an action is not replaced by "unknown", whichever comes first`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* inTwoProcesses(env, ({ database, store: one }, { store: other }) =>
            Effect.gen(function*() {
              yield* one.save(asked(sid, "a1", "answered"))
              yield* other.save(asked(sid, "a1", "unknown"))
              yield* other.save(asked(sid, "a2", "unknown"))
              yield* one.save(asked(sid, "a2", "answered"))
              yield* other.save(asked(sid, "a3"))
              yield* one.save(asked(sid, "a3", "unknown"))
              // The clock of the process that takes over is behind, or the request waits in a journal.
              yield* other.save(asked(sid, "a4", "unknown"))
              yield* one.save(asked(sid, "a4"))
              const { actions } = yield* dump(database.sql)
              assert.deepStrictEqual(actions.map(({ id, state }) => [id, state]).toSorted(), [["a1", "answered"], ["a2", "answered"], ["a3", "unknown"], ["a4", "unknown"]])
            }))
        }))

      it.effect(`${name}: a call has one owner at a time, and only the owner can release it`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* inTwoProcesses(env, ({ store: one }, { store: other }) =>
            Effect.gen(function*() {
              const owners = Effect.map(Effect.all([one.ownedCalls, other.ownedCalls]), (all) => all.map((calls) => calls.has(sid)))
              yield* one.takeOwnership(sid)
              assert.deepStrictEqual(yield* owners, [true, false])
              yield* other.takeOwnership(sid)
              assert.deepStrictEqual(yield* owners, [false, true])
              yield* one.releaseOwnership(sid)
              assert.deepStrictEqual(yield* owners, [false, true])
              yield* other.releaseOwnership(sid)
              assert.deepStrictEqual(yield* owners, [false, false])
              yield* one.takeOwnership(sid)
              assert.deepStrictEqual(yield* owners, [true, false])
            }))
        }))

      it.effect(`${name}: a call without an end and without a process is found, and claimed by one process`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* inTwoProcesses(env, ({ store: one }, { store: other }) =>
            Effect.gen(function*() {
              const now = yield* Clock.currentTimeMillis
              const before = now - 120_000
              const [gone, over, young, owned] = [1, 2, 3, 4].map(sidOf)
              for (const callSid of [gone, over, owned]) one.write(began(callSid, { at: now - 600_000 }))
              one.write({ _tag: "StreamBegan", callSid: gone, part: 0, at: now - 590_000 })
              one.write({ ...event(gone, 0), at: now - 500_000 } as StoreWrite)
              one.write(ended(over, now - 400_000, false))
              yield* one.save(began(young, { at: now - 1000 }))
              for (const callSid of [gone, over, owned]) yield* one.whenSettled(callSid)
              yield* one.takeOwnership(owned)

              assert.deepStrictEqual(yield* other.findUnended(accountSid, before), [{ callSid: gone, seenAt: now - 500_000 }])
              assert.deepStrictEqual(yield* other.findUnended(`AC${"2".repeat(32)}`, before), [], "another account's calls are not ours to end")
              const claims = yield* Effect.all([one.claim(gone, before), other.claim(gone, before)], { concurrency: "unbounded" })
              assert.strictEqual(claims.filter((isClaimed) => isClaimed).length, 1)
              assert.deepStrictEqual(yield* other.findUnended(accountSid, before), [])
              assert.isFalse(yield* other.claim(owned, before), "its owner lives")
            }))
        }))

      it.effect(`${name}: a token can be used once, in all processes together`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* inTwoProcesses(env, ({ store: one }, { store: other }) =>
            Effect.gen(function*() {
              const uses = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? one : other).redeem("nonce"))
              const answers = yield* Effect.all(uses, { concurrency: "unbounded" })
              assert.strictEqual(answers.filter((isFirst) => isFirst).length, 1)
              assert.isTrue(yield* other.redeem("another"))
            }))
        }))

      it.effect(`${name}: the owner gets each report once, in order`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* inTwoProcesses(env, ({ store: one }, { store: other }) =>
            Effect.gen(function*() {
              yield* one.takeOwnership(sid)
              yield* other.sendToOwner(sid, { status: "in-progress", sequence: 2 })
              yield* other.sendToOwner(sid, { status: "completed", sequence: 3, durationSeconds: 61 })
              yield* other.sendToOwner(sidOf(2), { status: "completed", sequence: 3 })
              assert.deepStrictEqual(yield* other.takeReports, [])
              assert.deepStrictEqual(yield* one.takeReports, [
                { callSid: sid, report: { status: "in-progress", sequence: 2 } },
                { callSid: sid, report: { status: "completed", sequence: 3, durationSeconds: 61 } }
              ])
              assert.deepStrictEqual(yield* one.takeReports, [])
            }))
        }))

      it.effect(`${name}: no report is taken twice by two reads at the same time`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* inTwoProcesses(env, ({ store: one }, { store: other }) =>
            Effect.gen(function*() {
              yield* one.takeOwnership(sid)
              for (let sequence = 0; sequence < 10; sequence++) yield* other.sendToOwner(sid, { status: "in-progress", sequence })
              const taken = yield* Effect.all([one.takeReports, one.takeReports, one.takeReports], { concurrency: 3 })
              // Each read takes the rows that no other read has locked, so the reads may share them.
              const sequences = taken.flat().map(({ report }) => report.sequence).toSorted((one, other) => one - other)
              assert.deepStrictEqual(sequences, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
            }))
        }))

      it.effect(`${name}: later writes of an erased call are refused, except for the figures of its end`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ database, store }) =>
            Effect.gen(function*() {
              yield* database.query(database.sql`INSERT INTO erased_calls (call_sid, at) VALUES (${sid}, 1)`)
              for (const write of life(sid)) store.write(write)
              yield* store.save(ended(sid, 9, true))
              const { calls, ...others } = yield* dump(database.sql)
              assert.deepStrictEqual(Object.values(others).flat(), [])
              assert.include(calls[0], { from_number: null, metadata: null, is_final: 1, ended_at: 9 })
            }))
        }))

      it.effect(`${name}: a write that the database refuses is lost, and the writes around it are stored`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ database, store }) =>
            Effect.gen(function*() {
              store.write(event(sid, 0))
              store.write({ ...event(sid, 1), sequence: null } as never)
              yield* store.save(event(sid, 2))
              assert.deepStrictEqual((yield* dump(database.sql)).events.map(({ sequence }) => sequence), [0, 2])
            }))
        }))
    }

    it.effect("each write is the same after JSON encoding and decoding", () =>
      Effect.sync(() => {
        assert.isTrue(Schema.is(Schema.Json)(life(sid)))
      }))
  })
})
