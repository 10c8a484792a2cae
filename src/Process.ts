/**
 * The service as a process: live layers, signals, exit codes. Started by `main`.
 *
 * SIGTERM or SIGINT drains and exits 0; a second signal stops at once (exit code 1). A configuration that can't be used is explained with
 * one line for each variable (exit code 1). A failed start and a shutdown take bounded time.
 */
import { NodeHttpServer, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, ConfigProvider, Console, Data, Duration, Effect, Exit, Layer, Option, Result, Schedule } from "effect"
import { Command } from "effect/cli"
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
    return `.env in the working directory can't be read. ${advice}.`
  }
}

/** The environment first, then `.env` in the working directory. */
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
      // The drain waits for live calls, and ends before the server is closed.
      gracefulShutdownTimeout: "0 millis"
    })
    return Option.match(server.admin, {
      onNone: () => serving,
      onSome: (address) => Layer.merge(serving, AdminServer.layer(main, NodeServer.make(server.connections), address))
    })
  })
)

/** Frees what only the start needed (45 MB) before the first call. Later, V8's memory settings follow the number of calls (docs/adr/0016). */
const Memory = Layer.effectDiscard(
  Effect.gen(function*() {
    const registry = yield* CallRegistry
    const adapt = Effect.map(registry.live, V8.adaptTo)
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

/** Ends the process within `shutdownLimitMillis`, whoever is connected and whatever an engine is doing. */
const endInTime = () => {
  if (isEnding) return
  isEnding = true
  setTimeout(() => {
    process.stderr.write("The service could not stop everything in time. It ends now.\n")
    process.exit(1)
  }, shutdownLimitMillis).unref()
}

/** Once the service has started, a shutdown may also take SHUTDOWN_GRACE. */
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
  // `App` has this same layer, so it is built only once. The engines log through it, too.
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

/** Explains the failure before the start's resources are freed. */
const explainInTime = (cause: Cause.Cause<Layer.Error<typeof Main>>) => Effect.andThen(Effect.sync(endInTime), explain(cause))

LogSink.surviveErrors([process.stdout, process.stderr])

// The runtime handles the first signal: it interrupts the program, which drains. A second signal, of either kind, exits.
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

/** The scheduler is chosen before the rest of the configuration is read. `AppConfig` reports a wrong value of its variable. */
const FiberScheduler = Layer.unwrap(
  Effect.map(load("PROMPT_SCHEDULER", variables.PROMPT_SCHEDULER), (choice) =>
    Option.contains(choice, false) ? Layer.empty : NextTickScheduler.layer)
).pipe(
  Layer.provide(Provider),
  Layer.catch(() => NextTickScheduler.layer)
)

serve.pipe(
  Command.run({ version }),
  Effect.provide(FiberScheduler.pipe(Layer.provideMerge(NodeServices.layer))),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })
)
