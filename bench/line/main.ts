/**
 * The telephone line under load, against a bare `ws` echo in the same run, with messages in Twilio's own order of fields.
 *
 * The service (as it is shipped: `dist/main.js`) and the bare peer run on one core, the load generator on another. Rounds alternate, so
 * that both see the same machine. Figures: CPU time per frame (in and out), added latency, lost frames, frames on the fast path, memory
 * per call.
 *
 * Added latency is the round trip of a frame, from its sending by the generator to the arrival of the echo. CPU time is judged by the
 * ratio to the bare peer, since that is similar on other machines. Latency is judged in ms on a fast core (see `fastCore`), and by the
 * ratio on a slower one, which is closer to its limit.
 *
 * Missed targets are printed. The benchmark fails only if too few frames took the fast path, since the other figures mean nothing then.
 */
import { join } from "node:path"
import { connect } from "./inspect.ts"
import type { Load } from "./load.ts"
import { argument, here, startOnCore, pause, waitForOutput, residentMiB, root, type Service, startService } from "./processes.ts"
import { waitForCallEnds, measure, median, ms, type Round } from "./rounds.ts"

const target = {
  cpuRatio: 1.4,
  /** The latency on a fast core, ms. A core is fast if the bare peer takes at most `fastCore` µs a frame. */
  added: 10,
  fastCore: 30,
  /** The latency on a slower core, divided by the bare peer's. */
  addedRatio: 2,
  /** The share of frames on the fast path. */
  scanned: 0.99,
  /** MiB a call. */
  memory: 0.5
}

/** The greatest lateness of the generator itself, in ms. If it is later, the measured latencies are not the peers'. */
const maxLateness = 5

const calls = argument("calls", 200)
const seconds = argument("seconds", 20)
const rounds = argument("rounds", 5)
const warmup = argument("warmup", 5)

interface ServiceRound extends Round {
  /** Frames on the fast path, by the service's own count. */
  readonly scanned: number
}

/** The service's own count of frames on the fast path. */
const scannedFrames = async (url: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^client_caller_frames_scanned_total (\d+)/m.exec(text)?.[1] ?? 0)
}

const measureService = async ({ account, pid, target: url }: Service, load: Omit<Load, "target" | "account">): Promise<ServiceRound> => {
  const before = await scannedFrames(url)
  const round = await measure(pid, { ...load, target: url, account })
  await waitForCallEnds(url)
  return { ...round, scanned: await scannedFrames(url) - before }
}

const print = (name: string, round: Round) =>
  console.log(
    `${name.padEnd(8)} ${round.cpuPerFrame.toFixed(1).padStart(6)} µs CPU/frame (${
      (round.cpuShare * 100).toFixed(0)
    } % of a core)   added latency p50 ${ms(round.latency.p50)}, p99 ${ms(round.latency.p99)}, max ${
      ms(round.latency.max)
    }   sent ${round.sent}, lost ${round.sent - round.received}   generator late p99 ${ms(round.lateness.p99)}`
  )

const bare = startOnCore(0, join(here, "bare.ts"), { args: ["18001"] })
const profile = process.argv.includes("--cpu-prof")
  ? ["--cpu-prof", `--cpu-prof-dir=${root}`]
  : process.argv.includes("--perf") ? ["--perf-basic-prof"] : []
await waitForOutput(bare, /ready/)

const load = { calls, seconds, warmup }
/** The first calls are slow because of compilation, so they do not count. */
const firstCalls = { calls: 20, seconds: 2, warmup: 1 }

console.log(`${calls} calls at once on one core, ${seconds} s a round, ${rounds} rounds\n`)
const bareRounds: Array<Round> = []
const serviceRounds: Array<ServiceRound> = []
const service = await startService(profile)
try {
  await measureService(service, firstCalls)
  for (let round = 0; round < rounds; round++) {
    bareRounds.push(await measure(bare.pid!, { ...load, target: "ws://127.0.0.1:18001" }))
    print("bare", bareRounds[round])
    serviceRounds.push(await measureService(service, load))
    print("service", serviceRounds[round])
  }
} finally {
  bare.kill()
  await service.stop()
}

const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
const sent = sum(serviceRounds.map((round) => round.sent))
const lost = sent - sum(serviceRounds.map((round) => round.received))
const scanned = sum(serviceRounds.map((round) => round.scanned)) / sent
const percent = (share: number) => `${(share * 100).toFixed(2)} %`

// Memory is measured in a second service, since a listening inspector costs time.
const inspected = await startService(["--inspect=127.0.0.1:18002"])
const memory = await (async () => {
  try {
    const { account, pid, target: url } = inspected
    await measure(pid, { ...firstCalls, target: url, account })
    await pause(5000)
    const inspector = await connect(18002)
    const look = async () => {
      const { external, heap } = await inspector.livingMemory()
      return { alive: heap + external, resident: residentMiB(pid) }
    }
    const before = await look()
    const during = Promise.withResolvers<typeof before>()
    await measure(pid, { calls, seconds: 8, warmup: 3, target: url, account }, () => {
      void pause(3000).then(look).then(during.resolve)
    })
    const after = await during.promise
    inspector.close()
    return { alive: (after.alive - before.alive) / calls, resident: (after.resident - before.resident) / calls }
  } finally {
    await inspected.stop()
  }
})()

const cpu = median(serviceRounds.map((round, index) => round.cpuPerFrame / bareRounds[index].cpuPerFrame))
const bareCpu = median(bareRounds.map((round) => round.cpuPerFrame))
const added = median(serviceRounds.map((round) => round.latency.p99))
const bareAdded = median(bareRounds.map((round) => round.latency.p99))
const isFastCore = bareCpu <= target.fastCore
const maxAdded = isFastCore ? target.added : target.addedRatio * bareAdded
const mib = (value: number) => `${value.toFixed(2)} MiB`

const printRow = (what: string, measured: string, wanted: string, verdict: string) =>
  console.log(`${what.padEnd(44)}${measured.padEnd(14)}${wanted.padEnd(48)}${verdict}`)
const printVerdict = (what: string, measured: string, wanted: string, isMet: boolean) => printRow(what, measured, wanted, isMet ? "met" : "MISSED")

console.log()
printRow(`${calls} calls, medians of ${rounds} rounds`, "measured", "target", "verdict")
printVerdict("CPU per frame, service / bare ws", cpu.toFixed(2), `≤ ${target.cpuRatio}`, Number(cpu.toFixed(2)) <= target.cpuRatio)
printVerdict(
  "added latency, p99",
  ms(added),
  isFastCore
    ? `< ${ms(target.added)} (bare ws ${ms(bareAdded)}, ${bareCpu.toFixed(0)} µs a frame)`
    : `≤ ${target.addedRatio} × bare ws's ${ms(bareAdded)} (${bareCpu.toFixed(0)} µs a frame)`,
  isFastCore ? added < maxAdded : added <= maxAdded
)
printVerdict("frames lost", `${lost}`, "0", lost === 0)
printVerdict("frames that took the fast path", percent(scanned), `≥ ${percent(target.scanned)}`, scanned >= target.scanned)
printVerdict("memory per call, alive after collection", mib(memory.alive), `≤ ${mib(target.memory)}`, memory.alive <= target.memory)
printVerdict("memory per call, resident", mib(memory.resident), `≤ ${mib(target.memory)}`, memory.resident <= target.memory)

const late = median([...bareRounds, ...serviceRounds].map((round) => round.lateness.p99))
if (late > maxLateness) {
  console.log(`\nThe generator itself was ${ms(late)} late (p99): this machine does other work, so these latencies are not the peers'.`)
}
if (scanned < target.scanned) {
  console.error(
    `\nOnly ${percent(scanned)} of ${sent} media messages took the fast path of MediaFrame (at least ${percent(target.scanned)} must): `
      + "the scanner does not know the messages of this generator, which are written like Twilio's. The other figures mean nothing."
  )
  process.exit(1)
}
