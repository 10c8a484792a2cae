/**
 * Measured conversations: the service is a process; the simulator and its callers run in this one.
 *
 * Voice to voice "by the service" is the time from the arrival of the caller's last voiced sample to the sending of the reply's first
 * frame. "At the caller's" is measured in the caller's own sound (docs/latency.md).
 */
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Fiber, Layer, Redacted, Stream } from "effect"
import * as Caller from "../src/simulator/caller/Caller.ts"
import * as AudioSimilarity from "../src/simulator/report/AudioSimilarity.ts"
import * as ServiceEvents from "../src/simulator/report/ServiceEvents.ts"
import type { SimulatedCall } from "../src/simulator/caller/PhoneCall.ts"
import { type Options as SimulatorOptions, Simulator } from "../src/simulator/Simulator.ts"
import { CallerSpeech } from "../src/simulator/caller/CallerSpeech.ts"
import * as SpeakingTurns from "../src/simulator/report/SpeakingTurns.ts"
import { killAtExit, pause, root } from "./line/processes.ts"

/** A port that nobody uses. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** The port and data folder of a service. A service that is started again gets those of the earlier one. */
export interface Place {
  readonly port: number
  readonly data: string
}

export interface Service {
  readonly url: string
  readonly place: Place
  readonly child: ChildProcess
  readonly pid: number
  readonly account: { readonly accountSid: string; readonly authToken: string }
  readonly key: Redacted.Redacted
  readonly stop: () => Promise<void>
}

/** The service as it is shipped, with a local account. */
export const start = async (options: {
  readonly env: Readonly<Record<string, string>>
  /** The only core that the service may use. */
  readonly core?: number
  readonly flags?: ReadonlyArray<string>
  /** The place of an earlier service that this one replaces. */
  readonly place?: Place
}): Promise<Service> => {
  const place = options.place ?? { port: await freePort(), data: mkdtempSync(join(tmpdir(), "client-caller-bench-")) }
  const { data, port } = place
  const url = `http://127.0.0.1:${port}`
  const command = [process.execPath, ...options.flags ?? [], join(root, "dist/main.js")]
  const [program, ...words] = options.core === undefined ? command : ["taskset", "-c", String(options.core), ...command]
  const child = spawn(program, words, {
    env: {
      ...process.env,
      SERVER_PORT: String(port),
      DATA_DIR: data,
      MAX_CALLS: "1000",
      LOG_LEVEL: "Error",
      LOG_FORMAT: "json",
      ...options.env
    },
    stdio: ["ignore", "pipe", "inherit"]
  })
  child.stdout!.resume()
  // A bench that is stopped leaves no service behind.
  killAtExit(child)
  while (!(await fetch(`${url}/ready`).then((response) => response.ok, () => false))) {
    if (child.exitCode !== null) throw new Error(`The service ended with code ${child.exitCode} before it was ready.`)
    await pause(100)
  }
  return {
    url,
    place,
    child,
    pid: child.pid!,
    account: JSON.parse(readFileSync(join(data, "local-account.json"), "utf8")),
    key: Redacted.make(readFileSync(join(data, "api-key"), "utf8").trim()),
    stop: async () => {
      const exited = new Promise((resolve) => child.once("exit", resolve))
      child.kill("SIGTERM")
      await exited
      rmSync(data, { recursive: true, force: true })
    }
  }
}

/** Runs the program with a simulator that has the service's Twilio account. */
export const withSimulator = <A, E>(
  { account }: Service,
  program: Effect.Effect<A, E, Simulator | CallerSpeech | LiveEventsClient>,
  options: SimulatorOptions = {}
) =>
  Effect.runPromise(
    program.pipe(
      Effect.provide(
        Layer.mergeAll(
          Simulator.layer({ ...options, accountSid: account.accountSid, authToken: Redacted.make(account.authToken) }),
          CallerSpeech.layer,
          NodeHttpClient.layerUndici
        ).pipe(Layer.provideMerge(NodeServices.layer))
      )
    )
  )

/** The services that are needed to read a call's events. */
type LiveEventsClient = Stream.Services<ReturnType<typeof ServiceEvents.of>>

export interface Result {
  readonly call: SimulatedCall
  /** When the call was made, in monotonic ms of this machine, accurate to 1 ms. The `at` of the call's events counts ms from this time. */
  readonly madeAt: number
  readonly liveEvents: ReadonlyArray<ServiceEvents.LiveEvent>
}

/** Monotonic ms of this machine, the same in all processes. */
export const monotonic = () => Number(process.hrtime.bigint()) / 1e6

/** Makes a call and waits for its end. Also returns the service's events about it. */
export const converse = Effect.fnUntraced(function*(
  service: Service,
  caller: Caller.Caller,
  options: { readonly agent?: string; readonly onEvent?: (event: ServiceEvents.LiveEvent) => void } = {}
) {
  const simulator = yield* Simulator
  const madeAt = monotonic()
  const call = yield* simulator.placeCall({
    from: "+14155550123",
    to: "+14155550100",
    webhookUrl: `${service.url}/twiml${options.agent === undefined ? "" : `?agent=${options.agent}`}`,
    statusCallback: `${service.url}/twilio/status`,
    caller
  })
  const liveEvents: Array<ServiceEvents.LiveEvent> = []
  const watcher = yield* Effect.forkChild(
    call.awaitEvent("StreamStarted").pipe(
      Effect.andThen(Stream.runForEach(ServiceEvents.of(service.url, call.sid, service.key), (event) =>
        Effect.sync(() => {
          liveEvents.push(event)
          options.onEvent?.(event)
        })))
    )
  )
  yield* call.settled
  yield* Effect.timeoutOption(Fiber.await(watcher), "3 seconds")
  return { call, madeAt, liveEvents } satisfies Result
})

const { AwaitSilence, AwaitSpeech } = Caller.Step

/** Waits until the agent has begun and ended what it says. */
export const listen = [AwaitSpeech({ atMost: "8 seconds" }), AwaitSilence({ duration: "800 millis", atMost: "20 seconds" })]

// -- figures -------------------------------------------------------------------------------------

export const percentiles = (values: ReadonlyArray<number>): string =>
  values.length === 0
    ? "none"
    : [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${AudioSimilarity.percentile(values, share).toFixed(0)}`).join(", ")
      + ` ms, of ${values.length}`

/** Like `percentiles`, but with tenths. */
export const finePercentiles = (values: ReadonlyArray<number>): string =>
  [0.5, 0.95].map((share) => `p${share * 100} ${AudioSimilarity.percentile(values, share).toFixed(1)}`).join(", ") + " ms"

/** The moments of a turn, ms after the caller's last voiced sample. */
export interface TurnTimes {
  readonly due: number
  readonly firstMedia: number
  readonly transcript?: number
  readonly firstText?: number
  readonly firstClause?: number
  readonly firstSound?: number
}

const isAnswered = (times: Readonly<Record<string, number>>): boolean => times["due"] !== undefined && times["firstMedia"] !== undefined

export const timesOf = (results: ReadonlyArray<Result>): ReadonlyArray<TurnTimes> =>
  results.flatMap(({ liveEvents }) =>
    liveEvents.flatMap((event) => (event._tag === "TurnMeasured" && isAnswered(event.times) ? [event.times as unknown as TurnTimes] : []))
  )

/** The times of the answered turns, from the service's log, which has a line for each turn. */
export const timesOfLog = (log: string): ReadonlyArray<TurnTimes> =>
  log.split("\n").flatMap((line) => {
    if (!line.includes("\"firstMedia\"")) return []
    const { annotations } = JSON.parse(line) as { readonly annotations: Readonly<Record<string, number>> }
    return isAnswered(annotations) ? [annotations as unknown as TurnTimes] : []
  })

/** Voice to voice in the callers' sound, ms. */
export const atCallers = Effect.fnUntraced(function*(results: ReadonlyArray<Result>) {
  const all: Array<number> = []
  for (const { call } of results) {
    for (const { voiceToVoice } of SpeakingTurns.exchanges(yield* call.said, yield* call.heard)) {
      if (voiceToVoice !== undefined) all.push(voiceToVoice)
    }
  }
  return all
})

/** Prints the turns' times. `ownWork` gives the part of a turn's latency that is our own work, ms. */
export const printTurns = (
  turns: ReadonlyArray<TurnTimes>,
  atCaller: ReadonlyArray<number>,
  ownWork: (times: TurnTimes) => number
) => {
  console.log(`  voice to voice, by the service   ${percentiles(turns.map(({ firstMedia }) => firstMedia))}`)
  console.log(`  voice to voice, at the caller's  ${percentiles(atCaller)}`)
  console.log(`  of it our own work               ${finePercentiles(turns.map(ownWork))}`)
  const stage = (title: string, pick: (times: TurnTimes) => number | undefined) =>
    console.log(`  ${title.padEnd(32)} ${percentiles(turns.flatMap((times) => pick(times) ?? []))}`)
  stage("transcript", ({ transcript }) => transcript)
  stage("first text", ({ firstText }) => firstText)
  stage("first clause", ({ firstClause }) => firstClause)
  stage("first sound of speech", ({ firstSound }) => firstSound)
}

/** CPU seconds of a process by the names of its threads. */
export const cpuByThread = (pid: number): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8")
    const name = Number(task) === pid ? "main" : text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"))
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
    // User and system time, in ticks of 10 ms.
    sums.set(name, (sums.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / 100)
  }
  return sums
}

/** CPU time since `before` by the names of the threads, in percent of a core. */
export const cpuShares = (pid: number, before: ReadonlyMap<string, number>, seconds: number): string =>
  [...cpuByThread(pid)].map(([name, sum]) => [name, ((sum - (before.get(name) ?? 0)) / seconds) * 100] as const)
    .filter(([, share]) => share >= 0.5).map(([name, share]) => `${name} ${share.toFixed(1)}`).join(", ")
