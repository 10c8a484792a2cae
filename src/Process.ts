/**
 * The service as a process: Node's layers, the configured engines, signals and exit codes. `main` loads this file.
 *
 * After SIGTERM or SIGINT the service waits for live calls to end, and exits with code 0. A second signal ends the process at once with
 * code 1. If the configuration can't be used, the process prints one line for each wrong variable and exits with code 1. A failed start and
 * a shutdown have a time limit.
 */
import { NodeHttpServer, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, ConfigProvider, Console, Data, Duration, Effect, Exit, Layer, Option, Result, Schedule } from "effect"
import { CliConfig, Command, GlobalFlag } from "effect/cli"
import { setTimeout } from "node:timers"
import * as App from "./App.ts"
import { CallRegistry } from "./call/CallRegistry.ts"
import { AppConfig } from "./config/AppConfig.ts"
import * as Environment from "./config/Environment.ts"
import * as Files from "./config/Files.ts"
import { load } from "./config/variables/Variable.ts"
import { variables } from "./config/variables/Variables.ts"
import * as Engines from "./engines/Engines.ts"
import { version } from "./http/api/Api.ts"
import * as AdminServer from "./http/AdminServer.ts"
import * as EarlySignature from "./http/webhooks/EarlySignature.ts"
import * as NodeServer from "./http/connections/NodeServer.ts"
import * as LogSink from "./observability/LogSink.ts"
import * as Telemetry from "./observability/Telemetry.ts"
import * as NextTickScheduler from "./runtime/NextTickScheduler.ts"
import * as Collector from "./runtime/Collector.ts"
import * as V8 from "./runtime/V8.ts"

/** `.env` exists, but can't be read. */
class EnvironmentUnreadable extends Data.TaggedError("EnvironmentUnreadable")<{ readonly why: Files.FileUnreadable["why"] }> {
  override get message() {
    const advice = this.why === "forbidden" ? "Check its permissions" : `It must be a regular file of at most ${Files.maxBytes / 1024 / 1024} MiB`
    return this.why === "notText" ? ".env in the working directory is not UTF-8 text. Save it as UTF-8." : `.env in the working directory can't be read. ${advice}.`
  }
}

/** Reads each variable from the environment, or from `.env` in the working directory if the environment does not have it. */
const Provider = ConfigProvider.layer(
  Effect.gen(function*() {
    const environment = ConfigProvider.fromEnv()
    const file = yield* Effect.result(Files.read(".env"))
    if (Result.isSuccess(file)) return Environment.firstOf(environment, ConfigProvider.fromDotEnvContents(file.success.text))
    return file.failure.why === "missing" ? environment : yield* new EnvironmentUnreadable({ why: file.failure.why })
  })
)

const HttpServer = Layer.unwrap(
  Effect.gen(function*() {
    const config = yield* AppConfig
    const { server } = config
    const main = NodeServer.make({ ...server.connections, trustedProxies: server.trustedProxies, isSigned: EarlySignature.make(config) })
    const serving = NodeHttpServer.layer(() => main, {
      host: server.host,
      port: server.port,
      // The server has nothing to wait for: before it is closed, `Drain` in `App` has waited for live calls.
      gracefulShutdownTimeout: "0 millis"
    })
    return Option.match(server.admin, {
      onNone: () => serving,
      onSome: (address) => Layer.merge(serving, AdminServer.layer(main, NodeServer.make(server.connections), address))
    })
  })
)

/**
 * Before the first call, frees the memory that only the start needed (45 MB). After that, adapts V8's memory settings to the number of live
 * calls every five seconds (docs/adr/0016).
 */
const Memory = Layer.effectDiscard(
  Effect.gen(function*() {
    const registry = yield* CallRegistry
    const adapt = Effect.map(registry.liveCount, V8.adaptTo)
    yield* Effect.andThen(adapt, Effect.sync(Collector.collectAll))
    yield* Effect.forkScoped(Effect.repeat(adapt, Schedule.spaced("5 seconds")))
  })
)

// -- The time limits of a start and of a shutdown ------------------------------------------------

/** ms that a failed or interrupted start may take to free its resources. */
const startingLimitMillis = 8000

/**
 * ms in addition to SHUTDOWN_GRACE: 5 s until the remaining calls have ended, 2 s for the last events of their watchers, 5 s for the server's
 * last answers, and 3 s in reserve.
 */
const stoppingLimitMillis = 15_000

let shutdownLimitMillis = startingLimitMillis
let isEnding = false

/** Ends the process after `shutdownLimitMillis`, even if clients are still connected or an engine is still busy. */
const endInTime = () => {
  if (isEnding) return
  isEnding = true
  setTimeout(() => {
    process.stderr.write("The service could not stop everything in time. It ends now.\n")
    process.exit(1)
  }, shutdownLimitMillis).unref()
}

/** After the start, a shutdown may take SHUTDOWN_GRACE and `stoppingLimitMillis`. */
const Started = Layer.effectDiscard(
  Effect.gen(function*() {
    const { server } = yield* AppConfig
    yield* Effect.sync(() => {
      shutdownLimitMillis = Duration.toMillis(server.shutdownGrace) + stoppingLimitMillis
    })
  })
)

const Main = Layer.mergeAll(Memory, Started).pipe(
  Layer.provide(App.layer),
  Layer.provide(Engines.layer),
  Layer.provide(HttpServer),
  // The engines log through this layer, too. `App` has the same layer, so it is built only once.
  Layer.provide(Telemetry.layer),
  Layer.provide(AppConfig.layer),
  Layer.provide(Provider),
  Layer.provide(NodeServices.layer)
)

/** Prints one line for the operator, and a stack only for an unexpected failure. */
const explain = (cause: Cause.Cause<Layer.Error<typeof Main>>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.findErrorOption(cause)
  if (Option.isNone(error)) return Effect.logError("The service failed", cause)
  switch (error.value._tag) {
    case "UnknownAgent":
      return Console.error(`AGENT: ${error.value.message}`)
    case "ServeError":
      return Console.error(
        `The server can't listen: ${String(error.value.cause)}. Free the port, or set SERVER_HOST and SERVER_PORT.`
      )
    default:
      return Console.error(error.value.message)
  }
}

/** Starts the time limit, and explains the failure before the start's resources are freed. */
const explainInTime = (cause: Cause.Cause<Layer.Error<typeof Main>>) => Effect.andThen(Effect.sync(endInTime), explain(cause))

LogSink.surviveErrors([process.stdout, process.stderr])

// Effect's runtime handles the first signal: it interrupts the program, which then waits for live calls. A second signal, of either kind,
// ends the process.
let signals = 0
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (++signals > 1) process.exit(1)
    endInTime()
  })
}

const serve = Command.make("client-caller", {}, () => Layer.launch(Layer.tapCause(Main, explainInTime))).pipe(
  Command.withDescription(
    "Puts an AI agent on the telephone. It takes no arguments. Its settings are environment variables, or lines of .env in the working directory; .env.example explains each."
  )
)

/** The scheduler is chosen before the rest of the configuration is read. `AppConfig` reports a wrong value of `PROMPT_SCHEDULER`. */
const FiberScheduler = Layer.unwrap(
  Effect.map(load("PROMPT_SCHEDULER", variables.PROMPT_SCHEDULER), (choice) =>
    Option.contains(choice, false) ? Layer.empty : NextTickScheduler.layer)
).pipe(
  Layer.provide(Provider),
  Layer.catch(() => NextTickScheduler.layer)
)

/** Effect's wizard and completions need arguments, which the service does not have. Its log-level flag would have no effect: `LOG_LEVEL` decides. */
const Flags = CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })

serve.pipe(
  Command.run({ version }),
  Effect.provide(FiberScheduler.pipe(Layer.provideMerge(NodeServices.layer), Layer.merge(Flags))),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })
)
