/**
 * Attacks on the service, each during a live call whose echo is measured. They show how long a silence a stranger can cause, and how much
 * memory a stranger can take.
 *
 *     npm run bench -- siege                                  # all of them
 *     npm run bench -- siege --only "pipelined" --seconds 3   # those whose name has this word
 *
 * The service (as it is shipped, with `AGENT=echo`) runs on one core. The caller and the attacker share another one, where the caller
 * goes first. Each attack gets a new service. The table's columns:
 *
 * - "gap": the longest time between two frames of the echo at the caller, where a frame should come every 20 ms.
 * - "own": the caller's own delay, which is part of the gap.
 * - "turn": the longest turn of the service's event loop, in ms of CPU time. Other work of the machine does not change it.
 * - "MiB": the growth of memory that is alive after a collection. It is measured at the end, while the attack still holds its connections.
 * - "resident": the growth of resident memory, MiB. It is larger, since V8 keeps memory that it once had.
 * - "log": KB of log that were written during the attack, at the default level. Only a log that goes to a file is counted.
 *
 * The siege fails if an attack does one of these:
 *
 * - it causes a gap of more than 100 ms, without the caller's own delay;
 * - it makes living memory grow by more than 20 MB;
 * - it ends the call or the process;
 * - it makes the service fail other callers.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { connect } from "./line/inspect.ts"
import { argument, killAtExit, moveToCore, openFiles, pause, residentMiB, root } from "./line/processes.ts"
import { type Attack, failure } from "./siege/Attack.ts"
import type { Order } from "./siege/attacker.ts"
import { attacks } from "./siege/attacks.ts"
import type { Seen } from "./siege/neighbour.ts"
import * as Output from "./siege/output.ts"

/** The longest gap that an attack may make, ms. */
const maxGap = 100
/** The largest growth of memory, MB (10⁶ bytes). */
const maxGrowth = 20

const seconds = argument("seconds", 5)
const onlyAt = process.argv.indexOf("--only")
const only = onlyAt < 0 ? "" : process.argv[onlyAt + 1].toLowerCase()

/** A port that nobody uses. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Starts a child process on the second core. Of two such processes, the one with the larger `nice` yields to the other. */
const startOnSecondCore = (file: string, nice: number): ChildProcess => {
  const path = fileURLToPath(new URL(`siege/${file}`, import.meta.url))
  const child = spawn("nice", ["-n", String(nice), process.execPath, path], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  moveToCore(1, child.pid!)
  return child
}

const nextMessage = <A>(child: ChildProcess): Promise<A> =>
  new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${child.spawnargs.at(-1)} ended with ${code}`))
    child.once("exit", onExit)
    child.once("message", (value) => {
      child.off("exit", onExit)
      resolve(value as A)
    })
  })

/**
 * Code that runs in the service. It measures the CPU time (ms) that the main thread uses between two firings of a timer, and keeps the
 * largest.
 */
const watchTurns = `
  globalThis.longestTurn = 0
  let before = process.threadCpuUsage()
  const micros = ({ user, system }) => user + system
  void setInterval(() => {
    const now = process.threadCpuUsage()
    globalThis.longestTurn = Math.max(globalThis.longestTurn, (micros(now) - micros(before)) / 1000)
    before = now
  }, 5).unref()
`

interface Row {
  readonly attack: Attack
  readonly seen: Seen
  /** ms of CPU time, see `watchTurns`. */
  readonly turn: number
  readonly did: string
  /** MiB. */
  readonly growth: number
  readonly resident: number
  /** Bytes of log that were written. */
  readonly logged: number
  readonly isAlive: boolean
}

const startService = async (attack: Attack, hosted: Readonly<Record<string, string>>) => {
  const data = mkdtempSync(join(tmpdir(), "client-caller-siege-"))
  const output = Output.open(data, attack.output)
  const [port, inspectorPort] = [await freePort(), await freePort()]
  const flags = [`--inspect=127.0.0.1:${inspectorPort}`, "--max-semi-space-size=16"]
  const child = spawn("taskset", ["-c", "0", process.execPath, ...flags, join(root, "dist/main.js")], {
    cwd: data,
    env: {
      ...process.env,
      SERVER_PORT: String(port),
      DATA_DIR: data,
      API_KEY: "0c1b6e1a6f4e4f0fb1c2d3e4f5a6b7c8",
      LOG_FORMAT: "json",
      AGENT: "echo",
      ...attack.env,
      ...hosted
    },
    stdio: ["ignore", output.fd, "ignore"]
  })
  killAtExit(child)
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(`${url}/ready`).then((response) => response.ok, () => false))) {
    if (child.exitCode !== null) throw new Error(`The service ended with code ${child.exitCode} before it was ready.`)
    await pause(50)
  }
  const account = JSON.parse(readFileSync(join(data, "local-account.json"), "utf8"))
  const target = { url, host: "127.0.0.1", port, account, apiKey: "0c1b6e1a6f4e4f0fb1c2d3e4f5a6b7c8" }
  return {
    target,
    pid: child.pid!,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    inspector: await connect(inspectorPort),
    output,
    /** The number of log lines that the service could not write. */
    droppedLines: async (): Promise<number> => {
      const metrics = await fetch(`${url}/metrics`).then((response) => response.text())
      return Number(/^client_caller_log_lines_dropped_total(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? 0)
    },
    stop: async () => {
      const exited = new Promise((resolve) => child.once("exit", resolve))
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL")
        await exited
      }
      output.close()
      rmSync(data, { recursive: true, force: true })
    }
  }
}

const besiege = async (attack: Attack): Promise<Row> => {
  // The attacker starts first, since the service uses its servers.
  const attacker = startOnSecondCore("attacker.ts", 15)
  killAtExit(attacker)
  const hosting = nextMessage<Readonly<Record<string, string>>>(attacker)
  attacker.send(attack.name)
  const service = await startService(attack, await hosting)
  const neighbour = startOnSecondCore("neighbour.ts", 0)
  try {
    neighbour.send({ calls: 1, seconds: 0, warmup: 0, target: service.target.url, account: service.target.account })
    await nextMessage(neighbour)
    await pause(1500)
    const livingMiB = async () => {
      const { external, heap } = await service.inspector.livingMemory()
      return heap + external
    }
    const before = await livingMiB()
    const residentBefore = residentMiB(service.pid)
    await pause(500)
    await service.inspector.evaluate(watchTurns)
    neighbour.send("from")
    service.output.begin()
    const loggedBefore = service.output.bytes()
    const duration = Math.max(seconds, attack.seconds ?? 0)
    attacker.send({ ...service.target, seconds: duration } satisfies Order)
    const did = nextMessage<string>(attacker)
    // A rejection is handled where `did` is awaited. Until then it must not count as unhandled.
    did.catch(() => {})
    // At 300 ms before the end, the attack still holds its connections. The gaps are counted first, since the collection pauses the service.
    await pause(duration * 1000 - 300)
    const seen = nextMessage<Seen>(neighbour)
    neighbour.send("until")
    const result = await seen
    const isAlive = service.isAlive()
    const turn = isAlive ? Number(await service.inspector.evaluate("globalThis.longestTurn")) : Number.NaN
    const growth = isAlive ? (await livingMiB()) - before : Number.NaN
    const resident = isAlive ? residentMiB(service.pid) - residentBefore : Number.NaN
    const files = isAlive ? openFiles(service.pid) : 0
    const logged = service.output.bytes() - loggedBefore
    const dropped = isAlive ? await service.droppedLines() : 0
    const report = [await did, `${files} open files`, ...dropped === 0 ? [] : [`${dropped} lines of log dropped`]]
    return { attack, seen: result, turn, did: report.join("; "), growth, resident, logged, isAlive }
  } finally {
    service.inspector.close()
    neighbour.kill("SIGKILL")
    attacker.kill("SIGKILL")
    await service.stop()
  }
}

const keepsLimits = ({ did, growth, isAlive, seen }: Row) =>
  isAlive && !did.startsWith(failure) && seen.isOpen && seen.longestGap - seen.lateness <= maxGap && growth * 1.048_576 <= maxGrowth

const chosen = attacks.filter(({ name }) => name.toLowerCase().includes(only))
const columns = ["attack".padEnd(38), "strength".padEnd(38), "gap ms".padStart(8), "own".padStart(5), "turn".padStart(5), "MiB".padStart(7), "resident".padStart(9), "log KB".padStart(8), "".padEnd(9), "what it did"]
console.log(columns.join(" "))
let missed = 0
for (const attack of chosen) {
  const row = await besiege(attack)
  const { did, growth, logged, resident, seen, turn } = row
  if (!keepsLimits(row)) missed++
  console.log([
    attack.name.padEnd(38),
    attack.strength.padEnd(38),
    seen.longestGap.toFixed(0).padStart(8),
    seen.lateness.toFixed(0).padStart(5),
    turn.toFixed(0).padStart(5),
    growth.toFixed(1).padStart(7),
    resident.toFixed(0).padStart(9),
    (logged / 1000).toFixed(0).padStart(8),
    (keepsLimits(row) ? "kept" : row.isAlive ? seen.isOpen ? "MISSED" : "CALL LOST" : "DEAD").padEnd(9),
    did
  ].join(" "))
}
console.log(`\n${chosen.length - missed} of ${chosen.length} kept: no gap above ${maxGap} ms, memory grew by ${maxGrowth} MB at most, call and process live`)
if (missed > 0) process.exitCode = 1
