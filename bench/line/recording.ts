/**
 * The cost of recording: rounds of echo calls on one core, alternately with `RECORDING` off and on, each in a new service.
 *
 *     npm run bench -- recording --calls 200 --seconds 20 --rounds 5
 */
import { argument, type Service, startService } from "./processes.ts"
import { waitForCallEnds, measure, median, ms } from "./rounds.ts"

const target = {
  /** CPU a frame, with recording / without. */
  cpuRatio: 1.15,
  /** ms that recording adds to the p99 of the event loop's delay. */
  delay: 1
}

const calls = argument("calls", 200)
const seconds = argument("seconds", 20)
const rounds = argument("rounds", 5)
const warmup = argument("warmup", 5)

const metric = (text: string, name: string) => Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1] ?? 0)

const measureService = async ({ account, pid, target }: Service) => {
  const peer = { target, account }
  // The first calls are slow because of compilation, so they are not measured.
  await measure(pid, { calls: 20, seconds: 2, warmup: 1, ...peer })
  await waitForCallEnds(target)
  const round = await measure(pid, { calls, seconds, warmup, ...peer })
  const text = await (await fetch(`${target}/metrics`)).text()
  await waitForCallEnds(target)
  return {
    ...round,
    delay: 1000 * metric(text, 'client_caller_event_loop_delay_seconds\\{quantile="0.99"\\}'),
    lost: metric(text, "client_caller_recording_lost_seconds_total")
  }
}

const run = async (recording: "on" | "off") => {
  const service = await startService([], { RECORDING: recording })
  try {
    const round = await measureService(service)
    console.log(
      `recording ${recording.padEnd(3)} ${round.cpuPerFrame.toFixed(1)} µs CPU/frame   event loop p99 ${ms(round.delay)}   added latency p99 ${
        ms(round.latency.p99)
      }   frames lost ${round.sent - round.received}   sound lost ${round.lost.toFixed(1)} s`
    )
    return round
  } finally {
    await service.stop()
  }
}

console.log(`${calls} calls at once on one core, ${seconds} s a round, ${rounds} rounds\n`)
const ratios: Array<number> = []
const delays: Array<number> = []
let lost = 0
for (let round = 0; round < rounds; round++) {
  const off = await run("off")
  const on = await run("on")
  ratios.push(on.cpuPerFrame / off.cpuPerFrame)
  delays.push(on.delay - off.delay)
  lost += on.lost
}

const printVerdict = (what: string, measured: string, wanted: string, isMet: boolean) =>
  console.log(`${what.padEnd(52)}${measured.padEnd(14)}${wanted.padEnd(14)}${isMet ? "met" : "MISSED"}`)

console.log()
printVerdict("CPU a frame, with recording / without", median(ratios).toFixed(2), `≤ ${target.cpuRatio}`, median(ratios) <= target.cpuRatio)
printVerdict("event loop's delay that recording adds, p99", ms(median(delays)), `≤ ${ms(target.delay)}`, median(delays) <= target.delay)
printVerdict("seconds of sound that are missing", lost.toFixed(1), "0", lost === 0)
