/**
 * The telephone line under load, against a bare `ws` echo in the same run.
 *
 * The service (as it is shipped: `dist/main.js`) and the bare peer run on one core, the load generator on
 * another. Rounds alternate, so that both see the same machine. Figures: CPU time per frame (in and
 * out), round trip, frames lost, memory per call.
 */
import { fork } from "node:child_process"
import { join } from "node:path"
import { connect } from "./inspect.ts"
import type { Load, Seen } from "./load.ts"
import { argument, cpuSeconds, here, moveTo, onCore, pause, ready, residentMiB, root, startService } from "./processes.ts"

const calls = argument("calls", 200)
const seconds = argument("seconds", 20)
const rounds = argument("rounds", 3)
const warmup = argument("warmup", 5)

interface Round extends Seen {
  readonly cpuPerFrame: number
  readonly cpuShare: number
}

const measure = (pid: number, load: Load, onSteady: () => void = () => {}): Promise<Round> =>
  new Promise((resolve, reject) => {
    const child = fork(join(here, "load.ts"), { execArgv: [] })
    moveTo(1, child.pid!)
    let before = 0
    let used = 0
    child.on("message", (message) => {
      if (message === "steady") {
        before = cpuSeconds(pid)
        onSteady()
      } else if (message === "done") used = cpuSeconds(pid) - before
      else {
        const seen = message as Seen
        const frames = load.calls * load.seconds * 50
        resolve({ ...seen, cpuPerFrame: (used / frames) * 1e6, cpuShare: used / load.seconds })
      }
    })
    child.once("exit", (code) => code === 0 || reject(new Error(`the load generator stopped with ${code}`)))
    child.send(load)
  })

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const ms = (value: number) => `${value.toFixed(2)} ms`

const print = (name: string, round: Round) =>
  console.log(
    `${name.padEnd(8)} ${round.cpuPerFrame.toFixed(1).padStart(6)} µs CPU/frame (${
      (round.cpuShare * 100).toFixed(0)
    } % of a core)   round trip p50 ${ms(round.latency.p50)}, p99 ${ms(round.latency.p99)}, max ${
      ms(round.latency.max)
    }   sent ${round.sent}, lost ${round.sent - round.received}   generator late p99 ${ms(round.lateness.p99)}`
  )

const bare = onCore(0, join(here, "bare.ts"), { args: ["18001"] })
const profile = process.argv.includes("--cpu-prof")
  ? ["--cpu-prof", `--cpu-prof-dir=${root}`]
  : process.argv.includes("--perf") ? ["--perf-basic-prof"] : []
await ready(bare, /ready/)

const load = { calls, seconds, warmup }
/** The first calls pay for compilation: they are not a call's cost. */
const firstCalls = { calls: 20, seconds: 2, warmup: 1 }

console.log(`${calls} calls at once on one core, ${seconds} s a round, ${rounds} rounds\n`)
const bareRounds: Array<Round> = []
const serviceRounds: Array<Round> = []
const service = await startService(profile)
try {
  const { account, pid, target } = service
  await measure(pid, { ...firstCalls, target, account })
  for (let round = 0; round < rounds; round++) {
    bareRounds.push(await measure(bare.pid!, { ...load, target: "ws://127.0.0.1:18001" }))
    print("bare", bareRounds[round])
    serviceRounds.push(await measure(pid, { ...load, target, account }))
    print("service", serviceRounds[round])
  }
} finally {
  bare.kill()
  await service.stop()
}

// Memory is looked at in a process of its own: an inspector that listens costs time.
const inspected = await startService(["--inspect=127.0.0.1:18002"])
try {
  const { account, pid, target } = inspected
  await measure(pid, { ...firstCalls, target, account })
  await pause(5000)
  const inspector = await connect(18002)
  const look = async () => {
    const { external, heap } = await inspector.alive()
    return { alive: heap + external, resident: residentMiB(pid) }
  }
  const before = await look()
  const during = Promise.withResolvers<typeof before>()
  await measure(pid, { calls, seconds: 8, warmup: 3, target, account }, () => {
    void pause(3000).then(look).then(during.resolve)
  })
  const after = await during.promise
  inspector.close()

  const cpu = median(serviceRounds.map((round, index) => round.cpuPerFrame / bareRounds[index].cpuPerFrame))
  const added = median(serviceRounds.map((round, index) => round.latency.p99 - bareRounds[index].latency.p99))
  const lost = serviceRounds.reduce((total, round) => total + round.sent - round.received, 0)
  console.log(`
CPU per frame, service / bare             ${cpu.toFixed(2)}   (target ≤ 1.6)
added latency, p99 less bare's p99        ${ms(added)}   (target < 20 ms)
frames lost                               ${lost}   (target 0)
memory per call, alive after collection   ${((after.alive - before.alive) / calls).toFixed(2)} MiB   (target ≤ 0.5)
memory per call, resident                 ${((after.resident - before.resident) / calls).toFixed(2)} MiB   (target ≤ 0.5)`)
} finally {
  await inspected.stop()
}
