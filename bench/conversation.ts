/**
 * The conversation by its figures: the service as a process, with its embedded engines and the built-in
 * receptionist; the simulator and its callers in this one.
 *
 *     npm run bench -- conversation [--turns 50 --interruptions 20 --calls 20]
 *
 * Voice to voice "by the service" is from the caller's last voiced sample arriving to the reply's first frame
 * leaving; "at the caller's" is taken from the sound itself, at the far end (docs/latency.md).
 */
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { type ChildProcess, spawn } from "node:child_process"
import { type AddressInfo, createServer } from "node:net"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Fiber, Layer, Redacted, Stream } from "effect"
import * as Caller from "../src/simulator/Caller.ts"
import * as Comparison from "../src/simulator/Comparison.ts"
import * as LiveEvents from "../src/simulator/LiveEvents.ts"
import type { SimulatedCall } from "../src/simulator/PhoneCall.ts"
import { Simulator } from "../src/simulator/Simulator.ts"
import type { Voice } from "../src/simulator/Speech.ts"
import * as Turns from "../src/simulator/Turns.ts"
import { argument, pause, residentMiB, root } from "./line/processes.ts"

const turns = argument("turns", 50)
const interruptions = argument("interruptions", 20)
const callsAtOnce = argument("calls", 20)

/** One that nobody uses. */
const port = await new Promise<number>((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
})
const service = `http://127.0.0.1:${port}`
const data = mkdtempSync(join(tmpdir(), "client-caller-bench-"))

const start = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [join(root, "dist/main.js")], {
    env: { ...process.env, SERVER_PORT: String(port), DATA_DIR: data, LOG_LEVEL: "Error", LOG_FORMAT: "json", AGENT: "receptionist" },
    stdio: ["ignore", "ignore", "inherit"]
  })
  // A bench that is stopped leaves no service behind.
  process.on("exit", () => child.kill("SIGKILL"))
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1))
  while (!(await fetch(`${service}/health`).then((response) => response.ok, () => false))) {
    if (child.exitCode !== null) throw new Error(`The service ended with code ${child.exitCode} before it was ready.`)
    await pause(100)
  }
  return child
}

const { AwaitSilence, AwaitSpeech, HangUp, Silence, Speak } = Caller.Step
const listen = [AwaitSpeech({ atMost: "8 seconds" }), AwaitSilence({ duration: "800 millis", atMost: "20 seconds" })]

const lines = ["What are your opening hours?", "Where are you?", "I would like to book an appointment.", "On Monday.", "At ten.", "Yes, please."]

/** One who says every line when the agent has ended. */
const polite = (voice: Voice, startAfter: number): Caller.Caller =>
  Caller.make(
    Silence({ duration: `${startAfter} millis` }),
    ...listen,
    ...lines.flatMap((text) => [Speak({ text, voice }), ...listen]),
    HangUp()
  )

/** One who asks, and asks something else a second into each answer. */
const rude = (voice: Voice, times: number): Caller.Caller =>
  Caller.make(
    ...listen,
    ...Array.from({ length: times }, (_, index) => [
      Speak({ text: lines[index % 2], voice }),
      AwaitSpeech({ atMost: "8 seconds" }),
      Silence({ duration: `${600 + (index % 5) * 137} millis` })
    ]).flat(),
    ...listen,
    HangUp()
  )

interface Result {
  readonly call: SimulatedCall
  readonly told: ReadonlyArray<LiveEvents.LiveEvent>
}

/** A call to its end, with what the service told of it. */
const converse = Effect.fnUntraced(function*(caller: Caller.Caller, key: Redacted.Redacted) {
  const simulator = yield* Simulator
  const call = yield* simulator.placeCall({
    from: "+14155550123",
    to: "+14155550100",
    webhookUrl: `${service}/twiml`,
    statusCallback: `${service}/twilio/status`,
    caller
  })
  const told: Array<LiveEvents.LiveEvent> = []
  const watcher = yield* Effect.forkChild(
    call.awaitEvent("StreamStarted").pipe(
      Effect.andThen(Stream.runForEach(LiveEvents.of(service, call.sid, key), (event) => Effect.sync(() => void told.push(event))))
    )
  )
  yield* call.settled
  yield* Effect.timeoutOption(Fiber.await(watcher), "3 seconds")
  return { call, told } satisfies Result
})

const percentiles = (values: ReadonlyArray<number>): string =>
  values.length === 0
    ? "none"
    : [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${Comparison.percentile(values, share).toFixed(0)}`).join(", ")
      + ` ms, of ${values.length}`

const timesOf = (results: ReadonlyArray<Result>) =>
  results.flatMap(({ told }) => told.flatMap((event) => (event._tag === "TurnMeasured" && event.times.firstMedia !== undefined ? [event.times] : [])))

const tellTurns = Effect.fnUntraced(function*(results: ReadonlyArray<Result>) {
  const times = timesOf(results)
  const own = times.map(({ due, firstMedia, firstSound = 0, transcript = 0 }) => firstMedia - Math.max(due, firstSound, transcript))
  const atCaller: Array<number> = []
  for (const { call } of results) {
    for (const { voiceToVoice } of Turns.exchanges(yield* call.said, yield* call.heard)) {
      if (voiceToVoice !== undefined) atCaller.push(voiceToVoice)
    }
  }
  const understood = results.flatMap(({ told }) => told.filter((event) => event._tag === "CallerSaid"))
  console.log(`  voice to voice, by the service   ${percentiles(times.map(({ firstMedia }) => firstMedia))}`)
  console.log(`  voice to voice, at the caller's  ${percentiles(atCaller)}`)
  console.log(`  of it our own work               p50 ${Comparison.percentile(own, 0.5).toFixed(1)}, p95 ${Comparison.percentile(own, 0.95).toFixed(1)} ms`)
  console.log(`  transcript                       ${percentiles(times.flatMap(({ transcript }) => (transcript === undefined ? [] : [transcript])))}`)
  console.log(`  first sound of speech            ${percentiles(times.flatMap(({ firstSound }) => (firstSound === undefined ? [] : [firstSound])))}`)
  console.log(`  utterances not understood        ${understood.filter((event) => event._tag === "CallerSaid" && event.text === "").length} of ${understood.length}`)
})

/** CPU seconds of a process by the kind of thread. */
const cpuByThread = (pid: number): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8")
    const name = Number(task) === pid ? "main" : text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"))
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
    sums.set(name, (sums.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / 100)
  }
  return sums
}

const program = Effect.gen(function*() {
  const key = Redacted.make(readFileSync(join(data, "api-key"), "utf8").trim())
  const { pid } = child

  console.log(`one call at a time, ${turns} turns`)
  const alone: Array<Result> = []
  while (timesOf(alone).length < turns) {
    alone.push(yield* converse(polite(alone.length % 2 === 0 ? "rms" : "awb", 0), key))
    if (alone.length > turns) break
  }
  yield* tellTurns(alone)

  console.log(`\ninterruptions, ${interruptions}`)
  const rudeCalls: Array<Result> = []
  const stops = (results: ReadonlyArray<Result>) =>
    results.flatMap(({ told }) => told.flatMap((event) => (event._tag === "BargeIn" ? [event.clearAfter] : [])))
  for (let count = 0; count < 5 && stops(rudeCalls).length < interruptions; count++) {
    rudeCalls.push(yield* converse(rude("rms", 11), key))
  }
  console.log(`  first voiced sample to clear, by the service   ${percentiles(stops(rudeCalls))}`)
  const seen: Array<number> = []
  let soundAfter = 0
  for (const { call } of rudeCalls) {
    const events = yield* call.events
    const answered = events.find((event) => event._tag === "Status" && event.status === "in-progress")?.at ?? 0
    const heard = yield* call.heard
    const said = Turns.speeches(yield* call.said)
    for (const event of events) {
      if (event._tag !== "Cleared") continue
      const at = event.at - answered
      const interrupting = said.findLast(({ from }) => from < at)
      if (interrupting !== undefined) seen.push(at - interrupting.from)
      // Nothing may be heard between the clear and the end of what the caller says.
      const quiet = heard.subarray(Math.round((at + 5) * 8), Math.round(Math.max(at + 5, interrupting?.to ?? at) * 8))
      if (quiet.some((sample) => Math.abs(sample) > 200)) soundAfter++
    }
  }
  console.log(`  first voiced sample to clear, at the caller's  ${percentiles(seen)}`)
  console.log(`  clears after which the agent was heard         ${soundAfter} of ${seen.length}`)

  console.log(`\n${callsAtOnce} conversations at once`)
  const before = cpuByThread(pid!)
  const from = performance.now()
  const together = yield* Effect.forEach(
    Array.from({ length: callsAtOnce }, (_, index) => index),
    (index) => converse(polite(index % 2 === 0 ? "rms" : "awb", (index * 10_000) / callsAtOnce), key),
    { concurrency: "unbounded" }
  )
  const seconds = (performance.now() - from) / 1000
  yield* tellTurns(together)
  console.log(`  CPU of the service over ${seconds.toFixed(0)} s, percent of a core: ${
    [...cpuByThread(pid!)].map(([name, sum]) => [name, ((sum - (before.get(name) ?? 0)) / seconds) * 100] as const)
      .filter(([, share]) => share >= 0.5).map(([name, share]) => `${name} ${share.toFixed(1)}`).join(", ")
  }; memory ${residentMiB(pid!).toFixed(0)} MiB`)
})

const child = await start()
try {
  const account = JSON.parse(readFileSync(join(data, "local-account.json"), "utf8")) as { accountSid: string; authToken: string }
  const simulated = Simulator.layer({ accountSid: account.accountSid, authToken: Redacted.make(account.authToken) })
  await Effect.runPromise(
    Effect.scoped(program).pipe(Effect.provide(Layer.mergeAll(simulated, NodeHttpClient.layerUndici, NodeServices.layer)))
  )
} finally {
  child.kill("SIGTERM")
  await new Promise((resolve) => child.once("exit", resolve))
  rmSync(data, { recursive: true, force: true })
}
