/**
 * The loggers: JSON lines for machines, pretty lines on a terminal. Both write through {@link LogOutput}, so that a slow or stopped log
 * reader does not disturb calls.
 *
 * Phone numbers and sound are personal data: no message contains them.
 */
import { Clock, Console, type Context, Effect, Layer, Logger, Metric, References } from "effect"
import { constVoid } from "effect/Function"
import { Console as NodeConsole } from "node:console"
import { Writable } from "node:stream"
import { AppConfig } from "../config/AppConfig.ts"
import * as LogOutput from "./LogOutput.ts"
import * as LogSink from "./LogSink.ts"
import * as Metrics from "./Metrics.ts"

const droppedText = (dropped: number): string => `${dropped} log lines were dropped, because standard output was slower than the log`

/** Registers the counter of dropped lines. Its value is read when `/metrics` is read. */
const countDropped = (output: LogOutput.LogOutput) =>
  Effect.acquireRelease(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() =>
        Metric.registerUnsafe(Metrics.logLinesDropped, context, {
          get: () => ({ count: output.dropped(), incremental: true }),
          update: constVoid,
          modify: constVoid
        })
      )
    ),
    (registration) => Effect.sync(() => registration.remove())
  )

/** A console for Effect's pretty logger, which writes to `output`. */
const consoleOf = (output: LogOutput.LogOutput): Console.Console =>
  new NodeConsole({
    stdout: new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        output.write(text.replace(/\n$/, ""))
        done()
      }
    }),
    stderr: process.stderr,
    colorMode: process.stdout.isTTY === true
  })

export const layer: Layer.Layer<never, never, AppConfig> = Layer.unwrap(
  Effect.gen(function*() {
    const { log } = yield* AppConfig
    const clock = yield* Clock.Clock
    const isPretty = log.format === "pretty" || (log.format === "auto" && process.stdout.isTTY === true)
    const timestamp = () => new Date(clock.currentTimeMillisUnsafe()).toISOString()
    const output = yield* LogOutput.make(LogSink.make(process.stdout), (dropped) =>
      isPretty ? droppedText(dropped) : JSON.stringify({ message: droppedText(dropped), level: "WARN", timestamp: timestamp(), annotations: { dropped }, spans: {} }))
    yield* countDropped(output)
    const logger = isPretty ? Logger.consolePretty() : Logger.map(Logger.formatJson, output.write)
    return Layer.mergeAll(
      Logger.layer([logger]),
      isPretty ? Layer.succeed(Console.Console, consoleOf(output)) : Layer.empty,
      Layer.succeed(References.MinimumLogLevel, log.level)
    )
  })
)
