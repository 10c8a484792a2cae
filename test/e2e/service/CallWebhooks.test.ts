import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { join } from "node:path"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import * as Receiver from "../../support/delivery/Receiver.ts"
import { apiKey, somebody, until, withService } from "../../support/service/Service.ts"
import { brief, place } from "../../support/service/Talk.ts"

const secret = `whsec_${"n".repeat(32)}`

const envOf = ({ url }: Receiver.Receiver) => ({ WEBHOOK_URL: url, WEBHOOK_SECRET: secret, WEBHOOK_PRIVATE_ADDRESSES: "on" })

const received = (receiver: Receiver.Receiver, count: number) =>
  Effect.map(
    until("webhooks that arrived", Effect.sync(() => receiver.received.length), (length) => length >= count),
    () => receiver.received.map((one) => Receiver.verify(secret, one)).toSorted((one, other) => one.type < other.type ? 1 : -1)
  )

describe("the webhooks of a call", () => {
  it.live("report an answered call when it starts and when it has ended, and are sent again on demand", () =>
    Effect.gen(function*() {
      const receiver = yield* Receiver.make()
      yield* withService({ env: envOf(receiver) }, (both) =>
        Effect.gen(function*() {
          const { service } = both
          const call = yield* place(both, { caller: brief })
          assert.strictEqual(yield* call.settled, "completed")
          const [started, ended, ...others] = yield* received(receiver, 2)
          assert.deepStrictEqual(others, [])
          assert.deepInclude(started.data, { call_sid: call.sid, direction: "inbound", from: somebody, agent: "echo", metadata: null })
          assert.deepInclude(ended.data, { call_sid: call.sid, status: "completed", reason: "callerLeft", ended_by: "caller", final: true })
          assert.notProperty(ended.data, "transcript")

          const headers = { authorization: `Bearer ${apiKey}` }
          const resend = (id: string) => service.ask(`/calls/${call.sid}/deliveries/${id}/resend`, { method: "POST", headers })
          const id = `call_ended_${call.sid}`
          const again = yield* resend(id)
          assert.strictEqual(again.status, 202)
          assert.deepStrictEqual(again.json, { id, type: "call.ended", state: "pending", attempts: 0 })
          yield* received(receiver, 3)
          assert.strictEqual(receiver.received[2].id, id)
          const shown = yield* until(
            "the webhooks of the call",
            Effect.map(service.ask(`/calls/${call.sid}`, { headers }), ({ json }) => (json as { readonly deliveries: ReadonlyArray<{ readonly type: string; readonly state: string }> }).deliveries),
            (deliveries) => deliveries.every(({ state }) => state === "delivered")
          )
          assert.sameMembers(shown.map(({ type }) => type), ["call.started", "call.ended"])
          const unknown = yield* resend("call_ended")
          assert.deepStrictEqual([unknown.status, unknown.problem.name], [404, "no-such-delivery"])
          assert.strictEqual((yield* service.ask(`/calls/${call.sid}/deliveries/${id}/resend`, { method: "POST" })).status, 401)
          const metrics = yield* service.metrics
          assert.strictEqual(metrics("client_caller_webhooks_total", { result: "Delivered" }), 3)
        }))
    }).pipe(Effect.scoped))

  it.live("report the call's cost by the price list, as GET /calls/{sid} does, and null without a list", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = join(yield* fs.makeTempDirectoryScoped(), "prices.yaml")
      yield* fs.writeFileString(file, "currency: USD\ntwilio: { inbound: { minute: 0.0085 } }\n")
      const costOf = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>) {
        const receiver = yield* Receiver.make()
        return yield* withService({ env: { ...envOf(receiver), ...env } }, (both) =>
          Effect.gen(function*() {
            const call = yield* place(both, { caller: brief })
            assert.strictEqual(yield* call.settled, "completed")
            const ended = (yield* received(receiver, 2))[1].data as { readonly cost: unknown; readonly billable_minutes: unknown }
            const shown = (yield* both.service.ask(`/calls/${call.sid}`, { headers: { authorization: `Bearer ${apiKey}` } })).json as { readonly cost: unknown }
            assert.deepStrictEqual(shown.cost, ended.cost)
            assert.strictEqual(ended.billable_minutes, 1)
            return ended.cost
          }))
      })
      assert.deepStrictEqual(yield* costOf({ PRICES_FILE: file }), { currency: "USD", total: 0.0085, twilio: 0.0085, engines: [], unpriced: [] })
      assert.isNull(yield* costOf({}))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("report only the end of a call that nobody answered", () =>
    Effect.gen(function*() {
      const receiver = yield* Receiver.make()
      yield* withService({ env: envOf(receiver), simulator: { phones: () => PhoneBehaviour.Busy({ after: "20 millis" }) } }, ({ service }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* service.dial({ to: somebody })).status, 200)
          const [ended] = yield* received(receiver, 1)
          assert.strictEqual(ended.type, "call.ended")
          assert.deepInclude(ended.data, { direction: "outbound", to: somebody, status: "busy", reason: "busy", ended_by: "nobody", answered_at: null, final: true })
          yield* Effect.sleep("1 second")
          assert.strictEqual(receiver.received.length, 1)
        }))
    }).pipe(Effect.scoped))
})
