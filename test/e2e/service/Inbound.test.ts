import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as AudioSimilarity from "../../../src/simulator/report/AudioSimilarity.ts"
import { until, withService } from "../../support/service/Service.ts"
import { assertEcho, awaitFrames, besideAGoodCall, brief, place, problemCodes, speaker } from "../../support/service/Talk.ts"

describe("an inbound call", () => {
  it.live("hears its own sound without a lost frame", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief })
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
        const { lagMillis } = AudioSimilarity.compare(yield* call.said, yield* call.heard)
        assert.isAtLeast(lagMillis, 20)

        const { arrivals, sentAt } = yield* call.traffic
        const metrics = yield* both.service.metrics
        assert.strictEqual(metrics("client_caller_frames_received_total"), sentAt.length)
        assert.strictEqual(arrivals.length, metrics("client_caller_frames_sent_total"))
        assert.isTrue(arrivals.every(({ bytes }) => bytes === 160))
        // A frame that did not come back is counted as dropped, or was on its way when the caller hung up.
        const missing = sentAt.length - arrivals.length - metrics("client_caller_frames_dropped_total")
        assert.isAtLeast(missing, 0)
        assert.isAtMost(missing, 40)
        assert.deepStrictEqual(yield* problemCodes(call), [])
      })
    ))

  it.live("is seen in /health and in the metrics, while it lasts and after", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const { service } = both
        assert.strictEqual((yield* service.health).active_connections, 0)
        const call = yield* place(both)
        yield* awaitFrames(call, 10)
        const during = yield* service.health
        assert.deepInclude(during as object, { status: "healthy", active_connections: 1, calls: 1, draining: false })
        const live = yield* service.metrics
        assert.strictEqual(live("client_caller_calls", { phase: "Streaming", direction: "inbound" }), 1)
        assert.strictEqual(live("client_caller_calls"), 1)
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "completed")
        yield* until("no call left", service.health, (health) => health.calls === 0 && health.active_connections === 0)
        const after = yield* service.metrics
        assert.strictEqual(after("client_caller_calls"), 0)
        assert.strictEqual(after("client_caller_calls_ended_total", { direction: "inbound" }), 1)
        assert.isAbove(after("client_caller_frames_received_total"), 0)
        assert.isAbove(after("client_caller_echo_latency_seconds_count"), 0)
        assert.isAbove(after("client_caller_queue_latency_seconds_count"), 0)
      })
    ))

  it.live("is also answered by GET", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief, method: "GET" })
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
      })
    ))

  it.live("is not disturbed by pressed keys", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: speaker })
        yield* besideAGoodCall(both, call.press("1#"))
        yield* call.awaitEvent("Digit", ({ digit }) => digit === "#")
        yield* awaitFrames(call, 10)
        assert.strictEqual((yield* both.service.metrics)("client_caller_bad_messages_total"), 0)
      })
    ))

  it.live("is one of ten at once, and each caller hears their own sound", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const calls = yield* Effect.forEach(
          Array.from({ length: 10 }, (_, index) => index),
          (index) => place(both, { caller: brief, from: `+141555501${index + 10}` })
        )
        yield* until("ten streams", both.service.health, (health) => health.active_connections === 10)
        for (const call of calls) assert.strictEqual(yield* call.settled, "completed")
        for (const call of calls) yield* assertEcho(call)
        yield* until("no call left", both.service.health, (health) => health.calls === 0)
      })
    ))
})
