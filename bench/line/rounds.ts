/** Rounds of load on a peer, and their cost. */
import { fork } from "node:child_process"
import { join } from "node:path"
import type { Load, Seen } from "./load.ts"
import { cpuSeconds, here, moveToCore, pause } from "./processes.ts"

export interface Round extends Seen {
  /** µs of the peer's CPU time. */
  readonly cpuPerFrame: number
  /** The peer's CPU time as a share of one core. */
  readonly cpuShare: number
}

/** Runs a round of load on the peer with this process ID. `onSteady` is called when the warm-up is over. */
export const measure = (pid: number, load: Load, onSteady: () => void = () => {}): Promise<Round> =>
  new Promise((resolve, reject) => {
    const child = fork(join(here, "load.ts"), { execArgv: [] })
    moveToCore(1, child.pid!)
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

/** Waits until the service has ended all calls, which is a little after their hang-ups. Only then is its count of frames complete. */
export const waitForCallEnds = async (url: string) => {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { active_connections } = await (await fetch(`${url}/health`)).json() as { readonly active_connections: number }
    if (active_connections === 0) return
    await pause(100)
  }
  throw new Error("Some calls of the last round did not end within ten seconds.")
}

export const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
export const ms = (value: number) => `${value.toFixed(2)} ms`
