import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import { RestFault } from "../../../src/simulator/twilio/Faults.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import { ourNumber, until, withService } from "../../support/service/Service.ts"
import { endedBecause, place, streamEnds } from "../../support/service/Talk.ts"

const AGENT = fileURLToPath(new URL("../../fixtures/switchboard.yaml", import.meta.url))
const office = "+14155550177"

/** The caller hears the greeting, and presses the office's key. */
const caller = Caller.make(
  Caller.Step.AwaitMark({ atMost: "20 seconds" }),
  Caller.Step.Press({ digits: "1#" })
)

const dialled = (call: SimulatedCall) =>
  Effect.map(call.events, (events) => events.flatMap((event) => event._tag === "Dialled" ? [event] : []))

describe("a caller who is transferred", () => {
  it.live("talks to the office, which sees the service's number, and the call ends when the office's conversation ends", () =>
    withService({ env: { AGENT }, simulator: { phones: () => PhoneBehaviour.Answers({ after: "200 millis", caller: Caller.silent }) } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller })
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["callChanged"])
        assert.deepStrictEqual((yield* dialled(call)).map(({ callerId, status, to }) => ({ callerId, status, to })), [
          { callerId: ourNumber, status: "completed", to: office }
        ])
        assert.deepStrictEqual(yield* call.problems, [])
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
        assert.strictEqual(yield* endedBecause(both, "transferred"), 1)
        const metrics = yield* both.service.metrics
        assert.strictEqual(metrics("client_caller_calls"), 0)
        assert.strictEqual(metrics("client_caller_twilio_requests_total", { operation: "transfer", outcome: "ok" }), 1)
      })), 60_000)

  it.live("comes back to the agent when the office is busy", () =>
    withService({ env: { AGENT }, simulator: { phones: () => PhoneBehaviour.Busy({ after: "200 millis" }) } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller })
        yield* call.awaitEvent("Dialled", ({ status }) => status === "busy")
        yield* until(
          "a second stream",
          Effect.map(call.events, (events) => events.filter(({ _tag }) => _tag === "FirstSound").length),
          (count) => count === 2
        )
        yield* until("the call", both.service.health, ({ calls }) => calls === 1)
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["callChanged", "callerHungUp"])
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
        assert.strictEqual(yield* endedBecause(both, "transferred"), 0)
      })), 60_000)

  it.live("hears an apology when Twilio refuses, and the conversation goes on", () =>
    withService({
      env: { AGENT },
      simulator: {
        restFaults: ({ parameters }) =>
          parameters["Twiml"] === undefined ? undefined : RestFault.Reply({ status: 400, code: 21220, message: "no" })
      }
    }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller })
        yield* until("the failure", both.service.metrics, (metrics) => metrics("client_caller_transfer_failures_total", { reason: "rejected" }) === 1)
        // The greeting, the answer, and the apology.
        yield* until(
          "the apology",
          Effect.map(call.events, (events) => events.filter(({ _tag }) => _tag === "MarkReturned").length),
          (count) => count === 3
        )
        assert.deepStrictEqual(yield* streamEnds(call), [])
        assert.deepStrictEqual(yield* dialled(call), [])
        yield* call.hangUp
        yield* until("the end", endedBecause(both, "callerLeft"), (count) => count === 1)
      })), 60_000)
})
