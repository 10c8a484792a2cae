/**
 * Metrics of the process: the event loop's delay and the memory. Their values are read when `/metrics` is read.
 *
 * Effect's own fiber metrics are left out: at 100 conversations they took one percent of the process's time.
 */
import { type Context, Effect, Layer, Metric, type Scope } from "effect"
import { constVoid } from "effect/Function"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** The sampling interval of Node's histogram. Shorter delays are not seen. */
const resolutionMillis = 10

/** A gauge whose value is read when the metrics are read. */
const registerGauge = (metric: Metric.Metric<number, Metric.GaugeState<number>>, read: () => number) =>
  Effect.acquireRelease(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() =>
        Metric.registerUnsafe(metric, context, { get: () => ({ value: read() }), update: constVoid, modify: constVoid })
      )
    ),
    (registration) => Effect.sync(() => registration.remove())
  )

const eventLoopDelay = (quantile: string) =>
  Metric.gauge("client_caller_event_loop_delay_seconds", {
    description: "How late the event loop ran its timers since the start, by quantile",
    attributes: { quantile }
  })

const memory = (kind: string) =>
  Metric.gauge("client_caller_memory_bytes", { description: "Memory of the process, by kind", attributes: { kind } })

/** Registers the gauges for as long as the layer lives. */
export const layer: Layer.Layer<never> = Layer.effectDiscard(
  Effect.gen(function*(): Effect.fn.Return<void, never, Scope.Scope> {
    const histogram = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const histogram = monitorEventLoopDelay({ resolution: resolutionMillis })
        histogram.enable()
        return histogram
      }),
      (histogram) => Effect.sync(() => histogram.disable())
    )
    // The histogram records the whole time between two samples. The delay is that time minus the sampling interval.
    const delaySeconds = (nanos: number) => Math.max(0, nanos / 1e9 - resolutionMillis / 1000)
    yield* registerGauge(eventLoopDelay("0.5"), () => delaySeconds(histogram.percentile(50)))
    yield* registerGauge(eventLoopDelay("0.99"), () => delaySeconds(histogram.percentile(99)))
    yield* registerGauge(eventLoopDelay("1"), () => delaySeconds(histogram.max))
    yield* registerGauge(memory("resident"), () => process.memoryUsage.rss())
    yield* registerGauge(memory("heap"), () => process.memoryUsage().heapUsed)
  })
)
