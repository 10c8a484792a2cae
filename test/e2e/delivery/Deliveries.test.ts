import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Logger, Option } from "effect"
import * as Deliveries from "../../../src/delivery/Deliveries.ts"
import { DeliveryTable } from "../../../src/delivery/DeliveryTable.ts"
import { CallStore } from "../../../src/store/CallStore.ts"
import * as CallViews from "../../../src/http/api/history/CallViews.ts"
import { Database } from "../../../src/store/Database.ts"
import { StoredCalls } from "../../../src/store/history/StoredCalls.ts"
import { accountSid } from "../../support/conversation/Samples.ts"
import * as Receiver from "../../support/delivery/Receiver.ts"
import { until } from "../../support/service/Service.ts"
import { exactly, identity } from "../../support/service/TestConfig.ts"
import * as Databases from "../../support/store/Databases.ts"
import { asksDelivery, began, ended, life, sidOf, turn } from "../../support/store/Writes.ts"

const secret = `whsec_${"n".repeat(32)}`
const oldSecret = `whsec_${"o".repeat(32)}`

/** Shorter waits between attempts than in a service. */
const delays = [Duration.millis(50), Duration.millis(50)]

interface Process {
  readonly store: CallStore["Service"]
  readonly database: Database["Service"]
  readonly deliveries: Deliveries.Deliveries["Service"]
}

/** A process with this environment, until `use` is over. */
const asProcess = <A, E, R>(env: Databases.Environment, use: (process: Process) => Effect.Effect<A, E, R>, options: Deliveries.Options = {}) => {
  const all = { WEBHOOK_SECRET: secret, WEBHOOK_PRIVATE_ADDRESSES: "on", ...env }
  return Effect.gen(function*() {
    return yield* use({ store: yield* CallStore, database: yield* Database, deliveries: yield* Deliveries.Deliveries })
  }).pipe(
    Effect.provide(Layer.fresh(Deliveries.layerOf({ delays, ...options })).pipe(Layer.provideMerge(Databases.storeOf(all)), Layer.provide([exactly(all), identity(), NodeServices.layer])))
  )
}

const sid = sidOf(1)
const id = `call_ended_${sid}`

const rows = ({ sql }: Database["Service"]) =>
  sql.unsafe<{ id: string; state: string; attempts: number; last_error: string | null; next_at: number | null; payload: string }>("SELECT * FROM deliveries ORDER BY id")

const stateOf = (database: Database["Service"]) => Effect.map(rows(database), ([row]) => row)

/** Writes an ended call and the request for its webhook. */
const endedCall = ({ store }: Process, url: string, callSid = sid) => {
  for (const write of [began(callSid, { accountSid }), ended(callSid, 1_700_000_062_000, true), asksDelivery(callSid, "call.ended", url)]) store.write(write)
}

const arrived = (receiver: Receiver.Receiver, count: number) => until("webhooks that arrived", Effect.sync(() => receiver.received.length), (length) => length >= count)

const settled = (database: Database["Service"], state: string) => until("the webhook's state", stateOf(database), (row) => row?.state === state)

describe("webhooks", { timeout: 60_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: the receiver verifies them with its secret, and reads the call in them`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make()
          yield* asProcess(yield* fresh, ({ database, store }) =>
            Effect.gen(function*() {
              for (const write of life(sid)) {
                store.write(write._tag === "CallBegan" ? began(sid, { accountSid, isTranscriptSent: true }) : write._tag === "DeliveryAsked" ? { ...write, url: receiver.url } : write)
              }
              yield* arrived(receiver, 2)
              yield* until("both delivered", rows(database), (all) => all.every(({ state }) => state === "delivered"))
            }))
          const events = receiver.received.map((one) => Receiver.verify(secret, one)).toSorted((one, other) => one.type < other.type ? 1 : -1)
          assert.deepStrictEqual(receiver.received.map((one) => one.id).toSorted(), [`call_ended_${sid}`, `call_started_${sid}`])
          assert.deepStrictEqual(events.map(({ timestamp, type }) => [type, timestamp]), [["call.started", "2023-11-14T22:13:21.000Z"], ["call.ended", "2023-11-14T22:14:22.000Z"]])
          const call = { call_sid: sid, direction: "inbound", from: "+14155550123", to: "+14155550100", metadata: { customer: "c-1", visits: 3, nested: { not: "looked for" } } }
          for (const { data } of events) assert.deepInclude(data, call)
          assert.notProperty(events[0].data, "status")
          assert.notProperty(events[0].data, "transcript")
          assert.deepInclude(events[1].data, { status: "completed", ended_by: "caller", duration_seconds: 61, billable_minutes: 2, resumptions: 1, streams: 2, final: true })
          const transcript = events[1].data["transcript"] as ReadonlyArray<Record<string, unknown>>
          assert.deepStrictEqual(transcript.slice(0, 2).map(({ role, text }) => [role, text]), [["agent", "Good morning,"], ["caller", "I want to book a table"]])
        }))

      it.effect(`${name}: a webhook that was not accepted is sent again, with the same body and id, until it is`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make((number) => ({ status: [500, 302, 200][number] }))
          yield* asProcess(yield* fresh, (process) =>
            Effect.gen(function*() {
              endedCall(process, receiver.url)
              yield* settled(process.database, "delivered")
              assert.include(yield* stateOf(process.database), { attempts: 3, last_error: null, next_at: null })
            }))
          assert.deepStrictEqual(receiver.received.map((one) => one.id), [id, id, id])
          assert.strictEqual(new Set(receiver.received.map(({ body }) => body)).size, 1)
          for (const one of receiver.received) Receiver.verify(secret, one)
        }))

      it.effect(`${name}: a webhook that fails for too long is given up, and sent again on demand`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make((number) => ({ status: number < 3 ? 503 : 200 }))
          yield* asProcess(yield* fresh, (process) =>
            Effect.gen(function*() {
              const { database, deliveries } = process
              endedCall(process, receiver.url)
              yield* settled(database, "failed")
              assert.include(yield* stateOf(database), { attempts: 3, last_error: "it answered 503" })
              assert.isTrue(Option.isNone(yield* deliveries.resend(sid, "call_ended")))
              assert.isTrue(Option.isNone(yield* deliveries.resend(sidOf(2), id)))
              const again = yield* deliveries.resend(sid, id)
              assert.include(Option.getOrThrow(again), { id, type: "call.ended", state: "pending", attempts: 0, lastError: null })
              yield* settled(database, "delivered")
            }))
          assert.strictEqual(new Set(receiver.received.map((one) => `${one.id} ${one.body}`)).size, 1)
          assert.strictEqual(receiver.received.length, 4)
        }))

      it.effect(`${name}: no stored body has a plain number once the call's numbers are hashed`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make()
          const started = `call_started_${sid}`
          yield* asProcess({ ...(yield* fresh), STORE_NUMBERS: "hashed" }, ({ database, deliveries, store }) =>
            Effect.gen(function*() {
              store.write(began(sid, { accountSid, keeping: { words: true, numbers: "hashed" } }))
              store.write(asksDelivery(sid, "call.started", receiver.url))
              yield* settled(database, "delivered")
              assert.include((yield* stateOf(database)).payload, "+14155550123")
              yield* store.save(ended(sid, 1_700_000_062_000, true))
              assert.notInclude((yield* stateOf(database)).payload, "+14155550123")
              assert.isTrue(Option.isSome(yield* deliveries.resend(sid, started)))
              yield* arrived(receiver, 2)
              yield* settled(database, "delivered")
              assert.notInclude((yield* stateOf(database)).payload, "+14155550123")
            }))
          const [first, again] = receiver.received.map((one) => Receiver.verify(secret, one))
          assert.deepStrictEqual(receiver.received.map((one) => one.id), [started, started])
          assert.strictEqual(first.data["from"], "+14155550123")
          assert.match(String(again.data["from"]), /^hmac:/)
          assert.deepStrictEqual({ ...again, data: { ...again.data, from: null, to: null } }, { ...first, data: { ...first.data, from: null, to: null } })
        }))

      it.effect(`${name}: the body of an attempt that began before the call's end is not stored after it, if numbers are hashed`, () =>
        Effect.gen(function*() {
          yield* Effect.gen(function*() {
            const store = yield* CallStore
            const table = yield* DeliveryTable
            yield* store.save(began(sid, { accountSid, keeping: { words: true, numbers: "hashed" } }))
            yield* store.save(asksDelivery(sid, "call.started", "https://example.com/"))
            const [claimed] = yield* table.claim([`call_started_${sid}`])
            yield* store.save(ended(sid, 1_700_000_062_000, true))
            yield* table.storeBody(claimed, "+14155550123")
            assert.strictEqual((yield* stateOf(yield* Database)).payload, "")
          }).pipe(Effect.provide(DeliveryTable.layer.pipe(Layer.provideMerge(Databases.storeOf({ ...(yield* fresh), STORE_NUMBERS: "hashed" })), Layer.provide(identity()))))
        }))

      it.effect(`${name}: webhooks that were not delivered are sent after a restart`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make((number) => ({ status: number === 0 ? 500 : 200 }))
          const env = yield* fresh
          yield* asProcess(env, (process) =>
            Effect.gen(function*() {
              endedCall(process, receiver.url)
              yield* until("the first attempt", stateOf(process.database), (row) => row?.last_error === "it answered 500")
            }), { delays: [Duration.seconds(1)] })
          assert.strictEqual(receiver.received.length, 1)
          yield* asProcess(env, ({ database }) => settled(database, "delivered"))
          assert.deepStrictEqual(receiver.received.map((one) => one.id), [id, id])
        }))
    }

    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: a webhook has the same facts about a call as the API, even if the end is not known`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make()
          const [known, unknown] = [sidOf(1), sidOf(2)]
          const views = yield* asProcess(yield* fresh, ({ store }) =>
            Effect.gen(function*() {
              const stored = yield* StoredCalls
              for (const callSid of [known, unknown]) {
                const writes = [...life(callSid), turn(callSid, 3, "")].filter(({ _tag }) => _tag !== "DeliveryAsked" && (_tag !== "CallEnded" || callSid === known))
                for (const write of writes) store.write(write._tag === "CallBegan" ? began(callSid, { accountSid, isTranscriptSent: true }) : write)
                store.write(asksDelivery(callSid, "call.ended", receiver.url))
              }
              yield* arrived(receiver, 2)
              return yield* Effect.forEach([known, unknown], (callSid) => Effect.map(stored.find(callSid), Option.map((call) => CallViews.details(call, Option.none()))))
            }).pipe(Effect.provide(StoredCalls.layer.pipe(Layer.provide(identity())))))
          const published = receiver.received.map((one) => Receiver.verify(secret, one).data).toSorted((one, other) => String(one["call_sid"]).localeCompare(String(other["call_sid"])))
          for (const [index, { transcript, ...data }] of published.entries()) {
            assert.deepInclude(JSON.parse(JSON.stringify(Option.getOrThrow(views[index]))), data)
            assert.deepStrictEqual((transcript as ReadonlyArray<{ readonly turn: number }>).map((one) => one.turn), [0, 1, 2])
          }
          assert.deepStrictEqual(published.map((data) => data["resumptions"]), [1, 1])
        }))

      it.effect(`${name}: the next process reports the end of a call whose process died, once`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make()
          const env = yield* fresh
          const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          yield* asProcess(env, ({ store }) =>
            Effect.gen(function*() {
              for (const [call, agoMillis, isFinal] of [[1, 240_000, false], [2, 60_000, false], [3, 240_000, true], [4, 90_000_000, false]] as const) {
                store.write(began(sidOf(call), { accountSid, webhookUrl: receiver.url }))
                store.write(ended(sidOf(call), now - agoMillis, isFinal))
              }
              yield* store.whenSettled(sidOf(4))
            }))
          for (let start = 0; start < 2; start++) {
            yield* asProcess(env, ({ database }) => settled(database, "delivered"))
          }
          assert.deepStrictEqual(receiver.received.map((one) => one.id), [id])
          assert.strictEqual(Receiver.verify(secret, receiver.received[0]).data["final"], false)
        }))
    }

    const sqlite = Databases.kinds[0].fresh

    it.effect("a receiver that answers 410 gets no further attempt", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make(() => ({ status: 410 }))
        yield* asProcess(yield* sqlite, (process) =>
          Effect.gen(function*() {
            endedCall(process, receiver.url)
            yield* settled(process.database, "failed")
            assert.include(yield* stateOf(process.database), { attempts: 1, last_error: "it answered 410: it does not want this webhook any more" })
          }))
        assert.strictEqual(receiver.received.length, 1)
      }))

    it.effect("redirects are not followed", () =>
      Effect.gen(function*() {
        const other = yield* Receiver.make()
        const receiver = yield* Receiver.make(() => ({ status: 307, headers: { location: other.url } }))
        yield* asProcess(yield* sqlite, (process) =>
          Effect.gen(function*() {
            endedCall(process, receiver.url)
            yield* settled(process.database, "failed")
            assert.strictEqual((yield* stateOf(process.database)).last_error, "it answered 307, and redirects are not followed")
          }))
        assert.strictEqual(other.connections(), 0)
      }))

    it.effect("private addresses are not connected to, and neither are names that lead to them", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make()
        const { port } = new URL(receiver.url)
        const resolve = () => Effect.succeed([{ address: "127.0.0.1", family: 4 }])
        for (const [host, why, attempts] of [["receiver.example", /private addresses only/, 3], ["127.0.0.1", /private network/, 1], ["[::ffff:7f00:1]", /private network/, 1]] as const) {
          yield* asProcess({ ...(yield* sqlite), WEBHOOK_PRIVATE_ADDRESSES: "off" }, (process) =>
            Effect.gen(function*() {
              endedCall(process, `https://${host}:${port}/hooks`)
              yield* settled(process.database, "failed")
              const row = yield* stateOf(process.database)
              assert.match(row.last_error ?? "", why)
              assert.strictEqual(row.attempts, attempts)
            }), { resolve })
        }
        assert.strictEqual(receiver.connections(), 0)
      }))

    it.effect("the connection goes to the address that was checked", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make()
        let lookups = 0
        const resolve = () => Effect.sync(() => [{ address: lookups++ === 0 ? "127.0.0.1" : "192.0.2.1", family: 4 }])
        yield* asProcess(yield* sqlite, (process) =>
          Effect.gen(function*() {
            endedCall(process, receiver.url.replace("127.0.0.1", "receiver.example"))
            yield* settled(process.database, "delivered")
          }), { resolve })
        assert.strictEqual(lookups, 1)
        assert.match(String(receiver.received[0].headers.host), /^receiver\.example:/)
      }))

    it.effect("a fault of the service itself is logged and counts as an attempt", () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const listen = Logger.layer([Logger.make(({ logLevel, message }) => void (logLevel === "Error" && lines.push(String(message))))])
        yield* asProcess(yield* sqlite, (process) =>
          Effect.gen(function*() {
            endedCall(process, "https://receiver.example/hooks")
            yield* settled(process.database, "failed")
            assert.deepInclude(yield* stateOf(process.database), { attempts: 3, last_error: "this service failed to make or to send it; the log says why" })
          }), { resolve: () => Effect.die(new TypeError("planted")) }).pipe(Effect.provide(listen))
        assert.strictEqual(lines.length, 3)
        for (const line of lines) assert.match(line, /^A webhook \(call\.ended\) could not be made or sent.*planted/)
      }))

    it.effect("receivers with the old secret and with the new one accept them during a rotation", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make()
        yield* asProcess({ ...(yield* sqlite), WEBHOOK_SECRET: `${secret},${oldSecret}` }, (process) => {
          endedCall(process, receiver.url)
          return settled(process.database, "delivered")
        })
        for (const known of [secret, oldSecret]) assert.strictEqual(Receiver.verify(known, receiver.received[0]).type, "call.ended")
      }))

    it.effect("a receiver that never answers does not delay other receivers, and its webhooks are still due after a stop", () =>
      Effect.gen(function*() {
        const hanging = yield* Receiver.make(() => "hang")
        const good = yield* Receiver.make()
        const env = yield* sqlite
        yield* asProcess(env, (process) =>
          Effect.gen(function*() {
            for (let call = 1; call <= 40; call++) endedCall(process, hanging.url, sidOf(call))
            yield* arrived(hanging, 8)
            endedCall(process, good.url, sidOf(41))
            const before = performance.now()
            yield* arrived(good, 1)
            assert.isBelow(performance.now() - before, 5000)
            assert.strictEqual(hanging.received.length, 8)
          }))
        const left = yield* Effect.flatMap(Database, rows).pipe(Effect.provide(Databases.databaseOf(env)))
        const pending = left.filter(({ state }) => state === "pending")
        assert.strictEqual(pending.length, 40)
        const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        assert.isTrue(pending.every(({ attempts, next_at }) => attempts === 0 && (next_at ?? Infinity) <= now))
      }))

    it.effect("an answer's endless body is not read to its end", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make(() => "endless")
        yield* asProcess(yield* sqlite, (process) => {
          endedCall(process, receiver.url)
          return settled(process.database, "delivered")
        })
        assert.strictEqual(receiver.received.length, 1)
      }))

    it.effect("the webhook of a call without stored words has no transcript", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make()
        yield* asProcess({ ...(yield* sqlite), WEBHOOK_TRANSCRIPT: "on" }, (process) =>
          Effect.gen(function*() {
            for (const [call, words] of [[1, false], [2, true]] as const) {
              process.store.write(began(sidOf(call), { accountSid, keeping: { words, numbers: "plain" } }))
              process.store.write(turn(sidOf(call), 0, "Good morning"))
              endedCall(process, receiver.url, sidOf(call))
            }
            yield* arrived(receiver, 2)
          }))
        const transcripts = receiver.received.map((one) => Receiver.verify(secret, one).data).toSorted((one, other) => String(one["call_sid"]).localeCompare(String(other["call_sid"])))
        assert.deepStrictEqual(transcripts.map((data) => "transcript" in data), [false, true])
      }))

    it.effect("webhooks of another account are not sent", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make()
        yield* asProcess(yield* sqlite, (process) =>
          Effect.gen(function*() {
            process.store.write(began(sidOf(2)))
            process.store.write(asksDelivery(sidOf(2), "call.started", receiver.url))
            endedCall(process, receiver.url)
            yield* arrived(receiver, 1)
            yield* Effect.sleep("1 second")
            assert.isTrue(Option.isNone(yield* process.deliveries.resend(sidOf(2), `call_started_${sidOf(2)}`)))
          }))
        assert.deepStrictEqual(receiver.received.map((one) => one.id), [id])
      }))

    it.effect("two processes of one Postgres send each webhook once", () =>
      Effect.gen(function*() {
        const receiver = yield* Receiver.make()
        const env = yield* Databases.kinds[1].fresh
        yield* asProcess(env, (first) =>
          asProcess(env, () =>
            Effect.gen(function*() {
              for (let call = 1; call <= 100; call++) endedCall(first, receiver.url, sidOf(call))
              yield* until("all delivered", rows(first.database), (all) => all.length === 100 && all.every(({ state }) => state === "delivered"))
            })))
        assert.strictEqual(receiver.received.length, 100)
        assert.strictEqual(new Set(receiver.received.map((one) => one.id)).size, 100)
      }))
  })
})
