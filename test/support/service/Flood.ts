/**
 * A program that logs `argv[4]` lines (200 if not given) every two ms, or as often as it can, for `argv[2]` ms or until SIGTERM. Then it
 * reports on standard error. It survives whatever happens to its log.
 */
import { Clock, ConfigProvider, Effect, Layer, Metric } from "effect"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import * as LogSink from "../../../src/observability/LogSink.ts"
import { logLinesDropped } from "../../../src/observability/Metrics.ts"
import * as Telemetry from "../../../src/observability/Telemetry.ts"

LogSink.surviveErrors([process.stdout, process.stderr])

const perStep = Number(process.argv[4] ?? 200)

const stop = { isAsked: false }
process.on("SIGTERM", () => {
  stop.isAsked = true
})

const flood = Effect.gen(function*() {
  const until = (yield* Clock.currentTimeMillis) + Number(process.argv[2])
  process.stderr.write("begun\n")
  let lines = 0
  while (!stop.isAsked && (yield* Clock.currentTimeMillis) < until) {
    for (let line = 0; line < perStep; line++) yield* Effect.logInfo("a line", { number: lines++ })
    yield* Effect.sleep("2 millis")
  }
  return { lines, dropped: (yield* Metric.value(logLinesDropped)).count, resident: process.memoryUsage.rss() }
})

const env = { LOG_FORMAT: process.argv[3] ?? "auto" }
const live = Telemetry.layer.pipe(Layer.provide(AppConfig.layer), Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
process.stderr.write(JSON.stringify(await Effect.runPromise(Effect.provide(flood, live))))
// Exits as the service does, without waiting for anything.
process.exit(0)
