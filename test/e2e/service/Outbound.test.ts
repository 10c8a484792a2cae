import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { CallStatus } from "../../../src/simulator/report/SimulatedCallEvent.ts"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import type { Simulator } from "../../../src/simulator/Simulator.ts"
import { type Both, ourNumber, type Options, somebody, until, withService } from "../../support/service/Service.ts"
import { assertEcho, awaitFrames, besideAGoodCall, brief, endedBecause, speaker, streamEnds } from "../../support/service/Talk.ts"

const answersSoon = (caller = brief) => PhoneBehaviour.Answers({ after: "50 millis", caller })

const withPhone = <A, E, R>(
  phone: PhoneBehaviour,
  test: (both: Both) => Effect.Effect<A, E, R>,
  options: Options = {}
) => withService({ ...options, simulator: { phones: () => phone, ...options.simulator } }, test)

/** The calls that Twilio was asked to create. */
const dialled = (simulator: Simulator["Service"]) =>
  Effect.map(simulator.requests, (requests) => requests.filter(({ method, path }) => method === "POST" && path.endsWith("/Calls.json")))

const onlyCall = (simulator: Simulator["Service"]) =>
  Effect.map(simulator.calls, (calls) => {
    assert.strictEqual(calls.length, 1, "calls at Twilio")
    return calls[0]
  })

const passed = (statuses: ReadonlyArray<CallStatus>) => ["queued", "initiated", ...statuses]

describe("an outbound call", () => {
  it.live("rings, is answered, hears its own sound, and ends", () =>
    withPhone(answersSoon(), (both) =>
      Effect.gen(function*() {
        const { service, simulator } = both
        const { contentType, json, status } = yield* service.dial({ to: somebody, agent: "echo" })
        assert.strictEqual(status, 200)
        assert.strictEqual(contentType, "application/json")
        const call = yield* onlyCall(simulator)
        assert.deepInclude(json as object, {
          call_sid: call.sid,
          status: "queued",
          to: somebody,
          from: ourNumber,
          agent: "echo"
        })
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
        const events = yield* call.events
        assert.deepStrictEqual(
          events.flatMap((event) => event._tag === "Status" ? [event.status] : []),
          passed(["ringing", "in-progress", "completed"])
        )
        // Twilio reported every state, and the service accepted it.
        const callbacks = events.flatMap((event) => event._tag === "Webhook" && event.kind === "status" ? [event] : [])
        assert.deepStrictEqual(callbacks.map(({ parameters }) => parameters["CallStatus"]), passed(["ringing", "in-progress", "completed"]).slice(1))
        assert.isTrue(callbacks.every(({ answer }) => answer === 204 || answer === 200))
        assert.deepStrictEqual(yield* streamEnds(call), ["callerHungUp"])
        assert.deepStrictEqual(yield* call.problems, [])
        yield* until("no call left", service.health, (health) => health.calls === 0)
        const metrics = yield* service.metrics
        assert.strictEqual(metrics("client_caller_calls_ended_total", { direction: "outbound" }), 1)
        assert.strictEqual(metrics("client_caller_twilio_requests_total", { operation: "dial", outcome: "ok" }), 1)
      })
    ))

  it.live("can be requested in the query, with the + escaped or as it is", () =>
    withPhone(answersSoon(), ({ service, simulator }) =>
      Effect.gen(function*() {
        for (const query of [`to_number=%2B14155550123`, `to_number=+14155550123`, `to_number=+1%20(415)%20555-0123&agent=echo`]) {
          const { json, status } = yield* service.dial(undefined, { query })
          assert.strictEqual(status, 200, query)
          assert.deepInclude(json as object, { to: somebody, from: ourNumber, agent: "echo" })
        }
        assert.deepStrictEqual((yield* simulator.calls).map(({ to }) => to), [somebody, somebody, somebody])
      })
    ))

  it.live("may name our own WebSocket, in the query, too", () =>
    withPhone(answersSoon(), ({ service, simulator }) =>
      Effect.gen(function*() {
        const { status } = yield* service.dial(undefined, {
          query: `to_number=+14155550123&websocket_url=${service.url.replace("http", "ws")}/ws`
        })
        assert.strictEqual(status, 200)
        const call = yield* onlyCall(simulator)
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
      })
    ))

  it.live("may be sent to a host of WEBSOCKET_HOSTS", () =>
    withPhone(answersSoon(), ({ service, simulator }) =>
      Effect.gen(function*() {
        const { status } = yield* service.dial({ to: somebody, websocket_url: "wss://media.example.com/stream" })
        assert.strictEqual(status, 200)
        const [request] = yield* dialled(simulator)
        assert.include(String(request.parameters["Url"]), encodeURIComponent("wss://media.example.com/stream"))
      }), { env: { WEBSOCKET_HOSTS: "media.example.com" } }))

  it.live("is placed once for one Idempotency-Key, however often it is requested", () =>
    withPhone(answersSoon(speaker), ({ service, simulator }) =>
      Effect.gen(function*() {
        const ask = service.dial({ to: somebody }, { headers: { "idempotency-key": "order-1" } })
        const answers = [...yield* Effect.all([ask, ask], { concurrency: "unbounded" }), yield* ask]
        assert.deepStrictEqual(answers.map(({ status }) => status), [200, 200, 200])
        assert.strictEqual(new Set(answers.map(({ json }) => (json as { call_sid: string }).call_sid)).size, 1)
        yield* onlyCall(simulator)
        assert.strictEqual((yield* dialled(simulator)).length, 1)

        const other = yield* service.dial({ to: "+14155550124" }, { headers: { "idempotency-key": "order-1" } })
        assert.strictEqual(other.status, 422)
        assert.strictEqual(other.problem.name, "idempotency-key-reused")
        assert.strictEqual((yield* dialled(simulator)).length, 1)
      })
    ))

  it.live("waits when CALLS_PER_SECOND is used up, and its response says how long", () =>
    withPhone(answersSoon(), ({ service }) =>
      Effect.gen(function*() {
        const first = yield* service.dial({ to: somebody })
        const second = yield* service.dial({ to: somebody })
        assert.strictEqual((first.json as { queued_ms: number }).queued_ms, 0)
        assert.isAbove((second.json as { queued_ms: number }).queued_ms, 0)
      }), { env: { CALLS_PER_SECOND: "0.5" } }))

  it.live("is refused with a time to wait when too many calls wait already", () =>
    withPhone(answersSoon(), ({ service, simulator }) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* service.dial({ to: somebody })).status, 200)
        const { headers, problem, status } = yield* service.dial({ to: somebody })
        assert.strictEqual(status, 429)
        assert.strictEqual(problem.name, "too-many-requests")
        assert.isAbove(Number(headers.get("retry-after")), 0)
        yield* onlyCall(simulator)
      }), { env: { CALLS_PER_SECOND: "0.01" } }))

  for (
    const [name, phone, status, reason] of [
      ["busy", PhoneBehaviour.Busy({ after: "20 millis" }), "busy", "busy"],
      ["not answered", PhoneBehaviour.NoAnswer({ after: "20 millis" }), "no-answer", "noAnswer"],
      ["not reached", PhoneBehaviour.Failed({ after: "20 millis" }), "failed", "failed"],
      ["canceled", PhoneBehaviour.Canceled({ after: "20 millis" }), "canceled", "canceled"]
    ] as const
  ) {
    it.live(`that is ${name} ends with that outcome, and is counted with it`, () =>
      withPhone(phone, (both) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 200)
          const call = yield* onlyCall(both.simulator)
          assert.strictEqual(yield* call.settled, status)
          yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
          assert.strictEqual(yield* endedBecause(both, reason), 1)
        })
      ))
  }

  it.live("is declined before the answer", () =>
    withPhone(PhoneBehaviour.NoAnswer({ after: "1 minute" }), (both) =>
      Effect.gen(function*() {
        yield* both.service.dial({ to: somebody })
        const call = yield* onlyCall(both.simulator)
        yield* call.awaitEvent("Status", ({ status }) => status === "ringing")
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "busy")
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
      })
    ))

  for (
    const [name, delivery] of [
      ["late", { delay: "700 millis" }],
      ["twice", { twice: true }],
      ["out of order", { swapped: true }],
      ["late, twice and out of order", { delay: "150 millis", twice: true, swapped: true }]
    ] as const
  ) {
    it.live(`is not disturbed when statuses come ${name}`, () =>
      withPhone(answersSoon(), (both) =>
        Effect.gen(function*() {
          yield* both.service.dial({ to: somebody })
          const call = yield* onlyCall(both.simulator)
          assert.strictEqual(yield* call.settled, "completed")
          yield* assertEcho(call)
          assert.deepStrictEqual(yield* call.problems, [])
          yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
          const metrics = yield* both.service.metrics
          assert.strictEqual(metrics("client_caller_calls_ended_total"), 1)
          assert.strictEqual(metrics("client_caller_calls"), 0)
        }), { simulator: { statusDelivery: delivery } }))
  }

  it.live("goes on beside an inbound call", () =>
    withPhone(answersSoon(speaker), (both) =>
      besideAGoodCall(
        both,
        Effect.gen(function*() {
          yield* both.service.dial({ to: somebody })
          const call = yield* until(
            "the phone",
            both.simulator.calls,
            (calls) => calls.some(({ direction }) => direction === "outbound-api")
          )
          yield* awaitFrames(call.find(({ direction }) => direction === "outbound-api")!, 10)
        })
      )))
})
