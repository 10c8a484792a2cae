/**
 * `MEDIA_FAST_PATH`: a caller hears the same with the fast path and without it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { until, withService } from "../../support/service/Service.ts"
import { assertEcho, brief, place, streamEnds } from "../../support/service/Talk.ts"

const counters = { received: "client_caller_frames_received_total", scanned: "client_caller_frames_scanned_total", sent: "client_caller_frames_sent_total" }

describe.each([
  { setting: "on", isFast: true },
  { setting: "off", isFast: false }
])("with MEDIA_FAST_PATH=$setting", ({ isFast, setting }) => {
  it.live("a caller hears the echo of a whole sentence", () =>
    withService({ env: { MEDIA_FAST_PATH: setting } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief })
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* call.problems, [])
        yield* assertEcho(call)
        const metrics = yield* until("the frames of the call", both.service.metrics, (metrics) => metrics(counters.sent) >= 75)
        assert.isAtLeast(metrics(counters.received), 75)
        if (isFast) assert.isAtLeast(metrics(counters.scanned), 75)
        else assert.strictEqual(metrics(counters.scanned), 0)
      })), 60_000)

  it.live("bad messages between good ones are counted, and the call goes on", () =>
    withService({ env: { MEDIA_FAST_PATH: setting } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief, faults: { rubbish: { every: 3, kinds: ["notJson", "binary"] } } })
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["callerHungUp"])
        const metrics = yield* both.service.metrics
        for (const reason of ["notJson", "binary"]) assert.isAtLeast(metrics("client_caller_bad_messages_total", { reason }), 1)
      })), 60_000)
})
