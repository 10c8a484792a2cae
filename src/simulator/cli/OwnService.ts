/**
 * A service of the demo's own, for a machine on which none runs: a process that begins and ends with the demo.
 *
 * It is the service as `npm start` runs it, in the same folder and with the same variables, but on a free port. So the demo and its
 * service use the same account and API key, from the data folder. The service ends with the demo's scope, even if the demo fails or is
 * interrupted. If the demo's process is gone, the service ends by itself (`EndWithParent`).
 */
import { Clock, Console, Deferred, Duration, Effect, Fiber, FileSystem, Path, Predicate, type Scope, Stream } from "effect"
import { HttpClient, type HttpClientError } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { DemoError } from "./Demo.ts"

/** Who answers at an address: our service, nobody, another program, or something that is too slow to tell. */
type Found = "service" | "nobody" | "other" | "unclear"

/** How long a service that is just starting may take to open its port. */
const maxPortWait = Duration.millis(1000)

/** How long a start with all engines may take on a slow machine. */
const maxStart = "2 minutes"

/** How many of the service's last log lines are shown when it does not start. */
const maxShownLines = 12

const isRefused = (error: HttpClientError.HttpClientError): boolean =>
  Predicate.hasProperty(error.cause, "code") && error.cause.code === "ECONNREFUSED"

const look = Effect.fnUntraced(function*(address: string) {
  const http = yield* HttpClient.HttpClient
  return yield* http.get(`${address}/health`).pipe(
    Effect.map(({ status }): Found => status === 200 ? "service" : "other"),
    Effect.timeoutOrElse({ duration: "2 seconds", orElse: () => Effect.succeed<Found>("unclear") }),
    Effect.catch((error) => Effect.succeed<Found>(isRefused(error) ? "nobody" : "unclear"))
  )
})

/** Looks who answers at an address, and waits a moment for a service that is about to listen there. */
const find = Effect.fnUntraced(function*(address: string) {
  const start = yield* Clock.monotonicTimeNanos
  while (true) {
    const found = yield* look(address)
    const waited = (yield* Clock.monotonicTimeNanos) - start
    if (found !== "nobody" || waited >= Duration.toNanosUnsafe(maxPortWait)) return found
    yield* Effect.sleep("200 millis")
  }
})

/** A file beside a module: source if the module runs as source, else compiled. */
const fileBeside = (module: string, name: string): URL => new URL(module.endsWith(".ts") ? `${name}.ts` : `${name}.js`, module)

const preload = fileBeside(import.meta.url, "./EndWithParent")

/** The service's program, which is started and never imported. */
const program = fileBeside(preload.href, "../../main")

/** The message of a log line, which is JSON; the line itself if it has none. */
const messageOf = (line: string): string => /"message":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line

const seconds = (nanos: bigint) => `${(Number(nanos) / 1e9).toFixed(1)} s`

/** Starts a service and waits until it can take calls; gives its address. */
const start = Effect.fnUntraced(function*(environment: Readonly<Record<string, string>>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const main = yield* Effect.orDie(path.fromFileUrl(program))
  const exists = yield* Effect.orElseSucceed(fs.exists(main), () => false)
  if (!exists) {
    return yield* new DemoError({ message: `The service is not built: there is no ${path.relative(path.resolve(), main)}. Run "npm run build" first.` })
  }
  // Finalizers run in reverse order, so this one runs after the process has ended.
  yield* Effect.addFinalizer(() => Console.log("The demo's own service has ended."))
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const child = yield* spawner.spawn(ChildProcess.make(process.execPath, ["--import", preload.href, main], {
    env: { SERVER_HOST: "127.0.0.1", SERVER_PORT: "0", LOG_FORMAT: "json", LOG_LEVEL: "Info", SHUTDOWN_GRACE: "2s", ...environment },
    extendEnv: true,
    // Stays open as long as this process lives.
    stdin: Stream.never,
    forceKillAfter: "5 seconds"
  })).pipe(Effect.mapError(() => new DemoError({ message: `The service can't be started with ${process.execPath}.` })))

  const began = yield* Clock.monotonicTimeNanos
  const last: Array<string> = []
  const address = yield* Deferred.make<string>()
  // Read to its end, since a full pipe would block the service.
  const reading = yield* Effect.forkScoped(child.all.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach((line) =>
      Effect.sync(() => {
        // The key is in its file, and must not appear in a failure's message.
        if (line === "" || line.startsWith("API key")) return
        const [, url] = /Listening at (\S+?);/.exec(line) ?? []
        if (url !== undefined) Deferred.doneUnsafe(address, Effect.succeed(url))
        last.push(messageOf(line))
        if (last.length > maxShownLines) last.shift()
      })
    ),
    Effect.ignore
  ))
  const said = () => last.map((line) => `\n  ${line}`).join("")

  const progress = Effect.forever(Effect.gen(function*() {
    yield* Effect.sleep("3 seconds")
    yield* Console.log(`  … still starting (${seconds((yield* Clock.monotonicTimeNanos) - began)})`)
  }))
  const listening = Effect.raceFirst(Deferred.await(address), progress)
  const ended = Effect.andThen(
    Effect.ignore(child.exitCode),
    Effect.andThen(
      Fiber.await(reading),
      Effect.suspend(() => Effect.fail(new DemoError({ message: `The service ended while it started.${said()}` })))
    )
  )
  const url = yield* Effect.raceFirst(listening, ended).pipe(
    Effect.timeoutOrElse({
      duration: maxStart,
      orElse: () => Effect.fail(new DemoError({ message: `The service did not start within ${maxStart}.${said()}` }))
    })
  )
  yield* Console.log(`It listens at ${url} after ${seconds((yield* Clock.monotonicTimeNanos) - began)}.`)
  return url
})

/**
 * The service at the standard address, or the demo's own if no service answers there. `environment`: variables of the demo's own
 * service, in addition to those of this process.
 */
export const orStart = (
  standard: string,
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<
  string,
  DemoError,
  HttpClient.HttpClient | ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path | Scope.Scope
> =>
  Effect.gen(function*() {
    const found = yield* find(standard)
    // The caller of this function waits for a service that does not answer yet.
    if (found === "service" || found === "unclear") return standard
    yield* Console.log(
      `${found === "nobody" ? "Nobody answers" : "Another program answers"} at ${standard}: the demo starts a service of its own, which ends with it.`
    )
    return yield* start(environment)
  })
