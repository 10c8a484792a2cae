/**
 * The service as a process of its own: built once as `npm run build` does, started as `npm start` does.
 */
import { NodeServices } from "@effect/platform-node"
import { Context, Deferred, Effect, FileSystem, Layer, Redacted } from "effect"
import { execFile, execFileSync, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { apiKey, at, authToken, ourNumber, Service, until } from "./Service.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))

/** A folder with `dist`, as `npm run build` makes it, and the service's program in it. */
export class Build extends Context.Service<Build, { readonly folder: string; readonly main: string }>()("test/e2e/Build") {
  static readonly layer = Layer.effect(
    Build,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const compile = ["node_modules/.bin/tsc", "-p", "tsconfig.build.json", "--outDir", `${folder}/dist`]
      yield* Effect.callback<void>((resume) => {
        execFile(process.execPath, compile, { cwd: root }, (error, stdout) =>
          resume(error === null ? Effect.void : Effect.die(new Error(`The build failed: ${stdout}`))))
      })
      yield* fs.copy(`${root}/src/agent/builtin`, `${folder}/dist/agent/builtin`)
      yield* fs.copyFile(`${root}/package.json`, `${folder}/package.json`)
      yield* fs.symlink(`${root}/node_modules`, `${folder}/node_modules`)
      return { folder, main: `${folder}/dist/main.js` }
    })
  ).pipe(Layer.provide(NodeServices.layer))
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Started {
  readonly ended: Effect.Effect<Ended>
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sets the largest size of the files that the process writes. Unset: the limit is removed. */
  readonly limitFiles: (bytes?: number) => Effect.Effect<void>
  readonly signal: (signal: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
  /** The URL at which the process says that it listens; empty if the process has ended. */
  readonly url: Effect.Effect<string>
}

export interface Options {
  readonly env?: Readonly<Record<string, string>>
  /** Another program than the service. */
  readonly program?: string
  /** Another Node, or options of this one. */
  readonly node?: string
  readonly nodeOptions?: ReadonlyArray<string>
  /** The arguments after the program. */
  readonly words?: ReadonlyArray<string>
  /** Whether the reader of the process's output goes away at once. */
  readonly isUnread?: boolean
  /** The working directory; an empty one when not given. */
  readonly cwd?: string
}

/** Starts the process with these variables and no others; the scope's end kills it if it still runs. */
export const start = Effect.fnUntraced(function*(options: Options = {}) {
  const { main } = yield* Build
  const fs = yield* FileSystem.FileSystem
  const cwd = options.cwd ?? (yield* fs.makeTempDirectoryScoped())
  const ended = yield* Deferred.make<Ended>()
  const output = { stdout: "", stderr: "" }
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(options.node ?? process.execPath, [...options.nodeOptions ?? [], options.program ?? main, ...options.words ?? []], {
        cwd,
        env: { ...options.env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      child.stdout.on("data", (chunk) => output.stdout += chunk)
      child.stderr.on("data", (chunk) => output.stderr += chunk)
      if (options.isUnread === true) for (const stream of [child.stdout, child.stderr]) stream.destroy()
      child.on("close", (code, signal) => Deferred.doneUnsafe(ended, Effect.succeed({ code, signal })))
      return child
    }),
    (child) =>
      Effect.andThen(
        Effect.sync(() => child.kill("SIGKILL")),
        Deferred.await(ended)
      )
  )
  const started: Started = {
    ended: Deferred.await(ended),
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    limitFiles: (bytes) => Effect.sync(() => void execFileSync("prlimit", ["--pid", String(child.pid), `--fsize=${bytes ?? "unlimited"}:`])),
    signal: (signal) => Effect.sync(() => void child.kill(signal)),
    url: Effect.map(
      until("the address", Effect.sync(() => ({ ...output, code: child.exitCode })), ({ code, stdout }) =>
        code !== null || stdout.includes("Listening at ")),
      ({ stdout }) => /Listening at (\S+?);/.exec(stdout)?.[1] ?? ""
    )
  }
  return started
})

/** Starts the service on a free port, with the simulator as its Twilio. */
export const startWithTwilio = Effect.fnUntraced(function*(env: Readonly<Record<string, string>> = {}) {
  const simulator = yield* Simulator
  const fs = yield* FileSystem.FileSystem
  const started = yield* start({
    env: {
      SERVER_PORT: "0",
      TWILIO_ACCOUNT_SID: simulator.accountSid,
      TWILIO_AUTH_TOKEN: authToken,
      TWILIO_PHONE_NUMBER: ourNumber,
      TWILIO_API_BASE_URL: simulator.baseUrl,
      CALLS_PER_SECOND: "1000",
      API_KEY: apiKey,
      AGENT: "echo",
      DATA_DIR: yield* fs.makeTempDirectoryScoped(),
      ...env
    }
  })
  const service = Service.of(at(yield* started.url, apiKey, simulator.accountSid, authToken))
  return { started, service, simulator }
})

export const layer = Layer.mergeAll(
  Build.layer,
  Simulator.layer({ authToken: Redacted.make(authToken), callsPerSecond: 1000 }),
  NodeServices.layer
)
