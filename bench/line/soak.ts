/**
 * Calls that come and go: do they leave anything behind? Each of 100 callers calls again and again, and talks for 5 to 25 seconds. Most
 * hang up; one in ten is cut off. After the last call, the service's sockets, calls, fibers, and heap after a collection are counted.
 */
import { connect } from "./inspect.ts"
import { type Caller, sendTimedFrame, hangUp, open } from "./load.ts"
import { argument, openFiles, pause, residentMiB, startService } from "./processes.ts"

const calls = argument("calls", 100)
const minutes = argument("minutes", 10)

const service = await startService(["--inspect=127.0.0.1:18002"])
const { account, pid, target } = service
const load = { calls: 1, seconds: 0, warmup: 0, target, account }

let finished = 0
let cutOff = 0
let failed = 0

/** Sends sound until `until`, or until the stream is cut. After a cut Twilio would request TwiML again; this caller does not. */
const talk = (caller: Caller, until: number) =>
  new Promise<void>((resolve) => {
    let next = performance.now()
    const step = () => {
      if (performance.now() >= until || caller.socket.readyState !== 1) return resolve()
      sendTimedFrame(caller)
      next += 20
      setTimeout(step, Math.max(0, next - performance.now()))
    }
    step()
  })

const callAgain = async (end: number, index: number) => {
  await pause(Math.random() * 5000)
  while (performance.now() < end) {
    try {
      const caller = await open(load, index)
      await talk(caller, Math.min(end, performance.now() + 5000 + Math.random() * 20_000))
      if (Math.random() < 0.1) {
        cutOff++
        caller.socket.terminate()
      } else hangUp(load, caller)
      finished++
    } catch {
      failed++
    }
    await pause(Math.random() * 500)
  }
}

const health = async () => await (await fetch(`${target}/health`)).json() as { calls: number; active_connections: number }

const fibers = async () => {
  const text = await (await fetch(`${target}/metrics`)).text()
  return Number(/^child_fibers_active (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}

const inspector = await connect(18002)
const printCounts = async (name: string) => {
  const living = await inspector.livingMemory()
  const { active_connections, calls: live } = await health()
  console.log(
    `${name.padEnd(12)} calls ${String(live).padStart(4)}   streams ${String(active_connections).padStart(4)}   fibers ${
      String(await fibers()).padStart(5)
    }   open files ${String(openFiles(pid)).padStart(4)}   heap alive ${(living.heap + living.external).toFixed(1).padStart(6)} MiB   resident ${
      residentMiB(pid).toFixed(0).padStart(4)
    } MiB`
  )
}

try {
  console.log(`${calls} callers for ${minutes} minutes\n`)
  // The first calls take memory for compilation and caches, which is no leak.
  const warm = performance.now() + 15_000
  await Promise.all(Array.from({ length: 20 }, (_, index) => callAgain(warm, index)))
  await pause(20_000)
  await printCounts("before")
  finished = 0
  cutOff = 0
  const begin = performance.now()
  const end = begin + minutes * 60_000
  const watch = (async () => {
    for (let minute = 1; minute <= minutes; minute++) {
      await pause(Math.max(0, begin + minute * 60_000 - 1000 - performance.now()))
      await printCounts(`minute ${minute}`)
    }
  })()
  await Promise.all([watch, ...Array.from({ length: calls }, (_, index) => callAgain(end, index))])
  await pause(20_000)
  await printCounts("after")
  console.log(`\n${finished} calls, ${cutOff} of them cut off, ${failed} failed`)
} finally {
  inspector.close()
  await service.stop()
}
