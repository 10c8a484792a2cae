/**
 * Logs: JSON lines where a machine reads them, pretty on a terminal.
 *
 * Numbers and sound are personal data: no message holds them.
 */
import { Effect, Layer, Logger, References } from "effect"
import { AppConfig } from "../config/AppConfig.ts"

export const layer: Layer.Layer<never, never, AppConfig> = Layer.unwrap(
  Effect.gen(function*() {
    const { log } = yield* AppConfig
    const isPretty = log.format === "pretty" || (log.format === "auto" && process.stdout.isTTY === true)
    return Layer.mergeAll(
      Logger.layer([isPretty ? Logger.consolePretty() : Logger.consoleJson]),
      Layer.succeed(References.MinimumLogLevel, log.level)
    )
  })
)
