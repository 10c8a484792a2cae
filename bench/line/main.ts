/**
 * The telephone line under load, against a bare `ws` echo in the same run.
 *
 * The service (as it is shipped: `dist/main.js`) and the bare peer run on one core, the load generator on
 * another. Rounds alternate, so that both see the same machine. Figures: CPU time per frame (in and
 * out), round trip, frames lost, memory per call.
 */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Load, Seen } from "./load.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
const root = join(here, "../..")

const argument = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}
const calls = argument("calls", 200)
const seconds = argument("seconds", 20)
const rounds = argument("rounds", 3)
const warmup = argument("warmup", 5)

const ticksPerSecond = 100

/** CPU seconds that a process has used, user and system. */
const cpuSeconds = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

const residentMiB = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024

const ready = (child: ChildProcess, sign: RegExp) =>
  new Promise<void>((resolve, reject) => {
    let output = ""
    const onData = (data: Buffer) => {
      output += data.toString()
      if (sign.test(output)) resolve()
    }
    child.stdout!.on("data", onData)
    child.stderr!.on("data", onData)
    child.once("exit", () => reject(new Error(`the peer stopped: ${output}`)))
  })

const onCore = (core: number, script: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  spawn("taskset", ["-c", String(core), process.execPath, ...args.filter((arg) => arg.startsWith("--")), script, ...args.filter((arg) => !arg.startsWith("--"))], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })

interface Round extends Seen {
  readonly cpuPerFrame: number
  readonly cpuShare: number
}

const measure = (pid: number, load: Load): Promise<Round> =>
  new Promise((resolve, reject) => {
    const child = fork(join(here, "load.ts"), { execArgv: [] })
    spawn("taskset", ["-cp", "1", String(child.pid)], { stdio: "ignore" })
    let before = 0
    let used = 0
    child.on("message", (message) => {
      if (message === "steady") before = cpuSeconds(pid)
      else if (message === "done") used = cpuSeconds(pid) - before
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

const data = mkdtempSync(join(tmpdir(), "client-caller-bench-"))
const bare = onCore(0, join(here, "bare.ts"), ["18001"])
const profile = process.argv.includes("--cpu-prof") ? ["--cpu-prof", `--cpu-prof-dir=${root}`] : process.argv.includes("--perf") ? ["--perf-basic-prof"] : []
const service = onCore(0, join(root, "dist/main.js"), profile, {
  SERVER_PORT: "18000",
  DATA_DIR: data,
  MAX_CALLS: "1000",
  LOG_LEVEL: "Warn",
  LOG_FORMAT: "json",
  AGENT: "echo"
})
try {
  await ready(bare, /ready/)
  await ready(service, /API key/)
  const target = "http://127.0.0.1:18000"
  while (!(await fetch(`${target}/health`).then((response) => response.ok, () => false))) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const account = JSON.parse(readFileSync(join(data, "local-account.json"), "utf8"))
  const load = { calls, seconds, warmup }

  console.log(`${calls} calls at once on one core, ${seconds} s a round, ${rounds} rounds\n`)
  // The first calls pay for compilation: they are not the memory of a call.
  await measure(service.pid!, { calls: 20, seconds: 2, warmup: 1, target, account })
  await new Promise((resolve) => setTimeout(resolve, 4000))
  const idle = residentMiB(service.pid!)

  const bareRounds: Array<Round> = []
  const serviceRounds: Array<Round> = []
  let peak = 0
  for (let round = 0; round < rounds; round++) {
    const bareRound = await measure(bare.pid!, { ...load, target: "ws://127.0.0.1:18001" })
    print("bare", bareRound)
    bareRounds.push(bareRound)
    const watch = setInterval(() => {
      peak = Math.max(peak, residentMiB(service.pid!))
    }, 1000)
    const serviceRound = await measure(service.pid!, { ...load, target, account })
    clearInterval(watch)
    print("service", serviceRound)
    serviceRounds.push(serviceRound)
  }

  const cpu = median(serviceRounds.map((round, index) => round.cpuPerFrame / bareRounds[index].cpuPerFrame))
  const added = median(serviceRounds.map((round, index) => round.latency.p99 - bareRounds[index].latency.p99))
  const lost = serviceRounds.reduce((total, round) => total + round.sent - round.received, 0)
  console.log(`
CPU per frame, service / bare        ${cpu.toFixed(2)}   (target ≤ 1.6)
added latency, p99 less bare's p99   ${ms(added)}   (target < 20 ms)
frames lost                          ${lost}   (target 0)
memory per call (resident, peak)     ${((peak - idle) / calls).toFixed(2)} MiB   (target ≤ 0.5)`)
} finally {
  bare.kill()
  service.kill("SIGTERM")
  await new Promise((resolve) => service.once("exit", resolve))
  rmSync(data, { recursive: true, force: true })
}
