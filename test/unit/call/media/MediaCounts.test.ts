import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import * as MediaCounts from "../../../../src/call/media/MediaCounts.ts"
import * as Metrics from "../../../../src/observability/Metrics.ts"

const start = { received: 0, scanned: 0, lastAt: 0, lost: 0, ahead: 0, surplusMillis: 0, burst: 0, untaken: 0, sampleIndex: -1, sampleAt: 0 }

/** Counts with metrics of the test's own. */
const open = Effect.fnUntraced(function*(isEcho = false) {
  const context = yield* Effect.context<never>()
  const tally = { ...start }
  let now = 0
  const counts = MediaCounts.make({ tally, now: () => now, isEcho, context })
  return {
    tally,
    counts,
    at: (moment: number) => {
      now = moment
    }
  }
})
const ownMetrics = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provideService(test, Metric.MetricRegistry, new Map())
const countOf = (metric: typeof Metrics.framesSent) => Effect.map(Metric.value(metric), ({ count }) => Number(count))

describe("the counts of a media stream", () => {
  it.effect("add their growth since the last report to the metrics", () =>
    Effect.gen(function*() {
      const { counts, tally } = yield* open()
      tally.received = 50
      tally.burst = 3
      counts.addSent(40)
      counts.addCleared(4)
      counts.report()
      counts.report()
      tally.received = 60
      tally.surplusMillis = 1500
      counts.addStale(2)
      counts.report()
      assert.strictEqual(yield* countOf(Metrics.framesReceived), 60)
      assert.strictEqual(yield* countOf(Metrics.framesSent), 40)
      assert.strictEqual(yield* countOf(Metrics.framesDropped("networkBurst")), 3)
      assert.strictEqual(yield* countOf(Metrics.framesDropped("cleared")), 4)
      assert.strictEqual(yield* countOf(Metrics.framesDropped("stale")), 2)
      assert.strictEqual(yield* countOf(Metrics.mediaSurplus), 1.5)
    }).pipe(ownMetrics))

  it.effect("show a loss only once there is one", () =>
    Effect.gen(function*() {
      const { counts } = yield* open()
      counts.report()
      const ids = (yield* Metric.snapshot).map(({ id }) => id)
      assert.include(ids, "client_caller_frames_sent_total")
      assert.notInclude(ids, "client_caller_frames_dropped_total")
    }).pipe(ownMetrics))

  it.effect("measure the one message in fifty that the stream timed, not counting messages dropped before it", () =>
    Effect.gen(function*() {
      const { at, counts, tally } = yield* open(true)
      tally.received = 51
      tally.sampleIndex = 50
      tally.sampleAt = 1000
      tally.burst = 10
      at(1004)
      counts.addTaken(40)
      assert.strictEqual((yield* Metric.value(Metrics.queueLatency)).count, 0)
      counts.addTaken(1)
      at(1006)
      counts.addSent(41)
      counts.addSent(1)
      const queue = yield* Metric.value(Metrics.queueLatency)
      const echo = yield* Metric.value(Metrics.echoLatency)
      assert.deepStrictEqual([queue.count, echo.count], [1, 1])
      assert.closeTo(queue.sum, 0.004, 1e-9)
      assert.closeTo(echo.sum, 0.006, 1e-9)
    }).pipe(ownMetrics))
})
