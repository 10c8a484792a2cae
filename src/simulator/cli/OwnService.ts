/**
 * Starts a service for the demo if no service runs on this machine.
 *
 * The service runs as with `npm start`, in the same folder and with the same variables, but on a free port. So the demo and its service use
 * the same account and API key, from the data folder. The service ends with the demo's scope, even if the demo fails or is interrupted. If
 * the demo's process is killed, the service ends by itself (`EndWithParent`).
 */
import { Clock, Console, Deferred, Duration, Effect, Fiber, FileSystem, Path, Predicate, type Scope, Stream } from "effect"
import { HttpClient, type HttpClientError } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { DemoError } from "./Demo.ts"

/** Who answers at an address: our service, nobody, or another program. `unclear`: there was no usable answer in time. */
type ProbeResult = "service" | "nobody" | "other" | "unclear"

/** How long a service that is just starting may take to open its port. */
const maxPortWait = Duration.millis(1000)

/** How long a start with all engines may take on a slow machine. */
const maxStart = "2 minutes"

/** How many of the service's last log lines are shown when it does not start. */
const maxShownLines = 12

const isRefused = (error: HttpClientError.HttpClientError): boolean =>
  Predicate.hasProperty(error.cause, "code") && error.cause.code === "ECONNREFUSED"

const probe = Effect.fnUntraced(function*(address: string) {
  const http = yield* HttpClient.HttpClient
  return yield* http.get(`${address}/health`).pipe(
    Effect.map(({ status }): ProbeResult => status === 200 ? "service" : "other"),
    Effect.timeoutOrElse({ duration: "2 seconds", orElse: () => Effect.succeed<ProbeResult>("unclear") }),
    Effect.catch((error) => Effect.succeed<ProbeResult>(isRefused(error) ? "nobody" : "unclear"))
  )
})

/** Finds out who answers at an address. Waits up to {@link maxPortWait} for a service that is just starting there. */
const probeRepeatedly = Effect.fnUntraced(function*(address: string) {
  const began = yield* Clock.monotonicTimeNanos
  while (true) {
    const found = yield* probe(address)
    const waited = (yield* Clock.monotonicTimeNanos) - began
    if (found !== "nobody" || waited >= Duration.toNanosUnsafe(maxPortWait)) return found
    yield* Effect.sleep("200 millis")
  }
})

/** The URL of a file beside a module: the TypeScript file if the module runs as TypeScript, otherwise the compiled file. */
const fileBeside = (module: string, name: string): URL => new URL(module.endsWith(".ts") ? `${name}.ts` : `${name}.js`, module)

const preload = fileBeside(import.meta.url, "./EndWithParent")

/** The service's program. It is started as a process and never imported. */
const program = fileBeside(preload.href, "../../main")

/** The message of a JSON log line. A line without a message is returned as it is. */
const messageOf = (line: string): string => /"message":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line

const seconds = (nanos: bigint) => `${(Number(nanos) / 1e9).toFixed(1)} s`

/** Starts a service and waits until it can take calls. Returns its address. */
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
    // The service's standard input stays open as long as this process lives.
    stdin: Stream.never,
    forceKillAfter: "5 seconds"
  })).pipe(Effect.mapError(() => new DemoError({ message: `The service can't be started with ${process.execPath}.` })))

  const began = yield* Clock.monotonicTimeNanos
  const lastLines: Array<string> = []
  const address = yield* Deferred.make<string>()
  // The output is read until it ends, since a full pipe would block the service.
  const reading = yield* Effect.forkScoped(child.all.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach((line) =>
      Effect.sync(() => {
        // Lines about the API key are left out, so that the key can't appear in the message of a failure.
        if (line === "" || line.startsWith("API key")) return
        const [, url] = /Listening at (\S+?);/.exec(line) ?? []
        if (url !== undefined) Deferred.doneUnsafe(address, Effect.succeed(url))
        lastLines.push(messageOf(line))
        if (lastLines.length > maxShownLines) lastLines.shift()
      })
    ),
    Effect.ignore
  ))
  const shownLines = () => lastLines.map((line) => `\n  ${line}`).join("")

  const progress = Effect.forever(Effect.gen(function*() {
    yield* Effect.sleep("3 seconds")
    yield* Console.log(`  … still starting (${seconds((yield* Clock.monotonicTimeNanos) - began)})`)
  }))
  const listening = Effect.raceFirst(Deferred.await(address), progress)
  const ended = Effect.andThen(
    Effect.ignore(child.exitCode),
    Effect.andThen(
      Fiber.await(reading),
      Effect.suspend(() => Effect.fail(new DemoError({ message: `The service ended while it started.${shownLines()}` })))
    )
  )
  const url = yield* Effect.raceFirst(listening, ended).pipe(
    Effect.timeoutOrElse({
      duration: maxStart,
      orElse: () => Effect.fail(new DemoError({ message: `The service did not start within ${maxStart}.${shownLines()}` }))
    })
  )
  yield* Console.log(`It listens at ${url} after ${seconds((yield* Clock.monotonicTimeNanos) - began)}.`)
  return url
})

/**
 * The URL of the service at the standard address. If no service answers there, starts one and returns its URL. `environment`: variables for
 * the service that is started, in addition to those of this process.
 */
export const findOrStart = (
  standardUrl: string,
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<
  string,
  DemoError,
  HttpClient.HttpClient | ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path | Scope.Scope
> =>
  Effect.gen(function*() {
    const found = yield* probeRepeatedly(standardUrl)
    // If it is unclear, the caller of this function waits for the service (`Demo.awaitService`).
    if (found === "service" || found === "unclear") return standardUrl
    yield* Console.log(
      `${found === "nobody" ? "Nobody answers" : "Another program answers"} at ${standardUrl}: the demo starts a service of its own, and stops it at the end.`
    )
    return yield* start(environment)
  })
