/**
 * Starts the service and its peers as processes on given cores, and reads their use of CPU, memory and files.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const here = fileURLToPath(new URL(".", import.meta.url))
export const root = join(here, "../..")

/** `--name value` on the command line. */
export const argument = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

const children = new Set<ChildProcess>()

/** Kills the child when this process ends or is stopped. All children share one listener. */
export const killAtExit = (child: ChildProcess): void => {
  if (children.size === 0) {
    process.on("exit", killChildren)
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, exit)
  }
  children.add(child)
  child.once("exit", () => {
    children.delete(child)
    if (children.size > 0) return
    process.off("exit", killChildren)
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, exit)
  })
}

const killChildren = () => {
  for (const child of children) child.kill("SIGKILL")
}

const exit = () => process.exit(1)

export const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const ticksPerSecond = 100

/** CPU seconds that a process has used, user and system. */
export const cpuSeconds = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export const residentMiB = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024

/** The number of open files, most of which are sockets. */
export const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length

/** Waits until the process has written text that matches `sign`. */
export const waitForOutput = (child: ChildProcess, sign: RegExp) =>
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

/** A Node process on one core. `taskset` replaces itself with Node, so the child's pid is Node's. */
export const startOnCore = (
  core: number,
  script: string,
  options: { readonly flags?: ReadonlyArray<string>; readonly args?: ReadonlyArray<string>; readonly env?: Record<string, string> }
) =>
  spawn("taskset", ["-c", String(core), process.execPath, ...options.flags ?? [], script, ...options.args ?? []], {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"]
  })

/** Moves a running process to one core with all its threads, among them those for garbage collection and compilation. */
export const moveToCore = (core: number, pid: number): void => {
  spawnSync("taskset", ["-acp", String(core), String(pid)], { stdio: "ignore" })
}

export interface Service {
  readonly child: ChildProcess
  readonly pid: number
  readonly target: string
  readonly account: { readonly accountSid: string; readonly authToken: string }
  readonly stop: () => Promise<number | null>
}

/** The service as it is shipped, with a local account, on core 0. */
export const startService = async (flags: ReadonlyArray<string>, env: Record<string, string> = {}): Promise<Service> => {
  const data = mkdtempSync(join(tmpdir(), "client-caller-bench-"))
  const child = startOnCore(0, join(root, "dist/main.js"), {
    flags,
    env: { SERVER_PORT: "18000", DATA_DIR: data, MAX_CALLS: "1000", LOG_LEVEL: "Error", LOG_FORMAT: "json", AGENT: "echo", ...env }
  })
  await waitForOutput(child, /API key/)
  const target = "http://127.0.0.1:18000"
  while (!(await fetch(`${target}/health`).then((response) => response.ok, () => false))) await pause(50)
  return {
    child,
    pid: child.pid!,
    target,
    account: JSON.parse(readFileSync(join(data, "local-account.json"), "utf8")),
    stop: async () => {
      const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
      child.kill("SIGTERM")
      const code = await exited
      rmSync(data, { recursive: true, force: true })
      return code
    }
  }
}
