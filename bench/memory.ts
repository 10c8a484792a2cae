/**
 * The memory of the service as it is shipped, with the default agent and with the echo.
 *
 *     npm run bench -- memory [--calls 5 --rounds 3]
 *
 * - At rest: some seconds after it listens, without a call.
 * - Peak: the largest resident memory by the kernel's count (VmHWM), from the start until after the conversations. Their callers speak,
 *   wait, interrupt and hang up.
 *
 * Resident memory is what counts on a machine without swap. It includes mapped files, such as Node itself, which are also shown alone.
 *
 * The benchmark fails if either value is too large for a machine of 512 MB.
 */
import { readFileSync } from "node:fs"
import { Effect } from "effect"
import * as Caller from "../src/simulator/caller/Caller.ts"
import * as SpeakingTurns from "../src/simulator/report/SpeakingTurns.ts"
import { atCallers, converse, listen, percentiles, type Result, type Service, start, timesOf, withSimulator } from "./calls.ts"
import { argument, pause } from "./line/processes.ts"

const callsAtOnce = argument("calls", 5)
const rounds = argument("rounds", 3)

/** The limits, MiB. */
const maxAtRest = 350
const maxPeak = 450

/** ms after which all work of the start, or of the last call, is done. */
const settleMillis = 5000

const { AwaitSpeech, HangUp, Silence, Speak } = Caller.Step

const lines = ["What are your opening hours?", "I would like to book an appointment.", "On Tuesday at eleven o'clock.", "Yes, please.", "Where are you?"]

/** A caller who hears the agent out. */
const polite = lines.flatMap((text) => [Speak({ text, voice: "rms" as const }), ...listen])

/** A caller who says the next line into each answer. */
const rude = [...lines, ...lines].flatMap((text, index) => [
  Speak({ text, voice: "awb" as const }),
  AwaitSpeech({ atMost: "8 seconds" }),
  Silence({ duration: `${600 + (index % 5) * 137} millis` })
])

/** A caller whose sentences have nothing to do with the agent. Recognizing such sentences costs the most time and memory. */
const foreign = [
  "My neighbour bought a yellow bicycle last summer, and it rained so hard that the cellar was flooded.",
  "The teacher explained the lesson twice, but the children were drawing dinosaurs all the time."
].flatMap((text) => [Speak({ text, voice: "kal16" as const }), ...listen])

type Steps = ReadonlyArray<Caller.Step>

/** Callers of an agent that answers. */
const agentCallers: ReadonlyArray<Steps> = [polite, rude, foreign].map((steps) => [...listen, ...steps])

/** Callers of the echo. */
const echoCallers: ReadonlyArray<Steps> = [
  lines.flatMap((text) => [Speak({ text, voice: "rms" as const }), Silence({ duration: "1 second" })])
]

const person = (kinds: ReadonlyArray<Steps>, index: number): Caller.Caller =>
  Caller.make(Silence({ duration: `${index * 400} millis` }), ...kinds[index % kinds.length], HangUp())

/** A field of `/proc/<pid>/<file>`, converted from KiB to MiB. */
const field = (pid: number, file: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))![1]) / 1024

const resident = (pid: number) => field(pid, "status", "VmRSS")
const peak = (pid: number) => field(pid, "status", "VmHWM")

const printRow = (what: string, mib: number, more = "") => console.log(`  ${what.padEnd(58)} ${mib.toFixed(0).padStart(4)} MiB${more}`)

const talk = (service: Service, kinds: ReadonlyArray<Steps>) =>
  Effect.forEach(Array.from({ length: callsAtOnce }, (_, index) => index), (index) => converse(service, person(kinds, index)), {
    concurrency: "unbounded"
  })

/** ms from the moment when a call is answered to the first voiced sample that the caller hears. */
const greetingDelays = Effect.fnUntraced(function*(results: ReadonlyArray<Result>) {
  const all: Array<number> = []
  for (const { call } of results) {
    const [first] = SpeakingTurns.speeches(yield* call.heard)
    if (first !== undefined) all.push(first.from)
  }
  return all
})

const measure = async (agent: string, env: Readonly<Record<string, string>>, kinds: ReadonlyArray<Steps>) => {
  console.log(agent)
  const began = performance.now()
  const service = await start({ env })
  const { pid } = service
  const ready = performance.now() - began
  try {
    await pause(settleMillis)
    const atRest = resident(pid)
    printRow("at rest", atRest, `, mapped files ${(atRest - field(pid, "smaps_rollup", "Anonymous")).toFixed(0)}; it was ready after ${(ready / 1000).toFixed(1)} s`)
    printRow("peak until then", peak(pid))
    let highest = 0
    const watch = setInterval(() => {
      highest = Math.max(highest, resident(pid))
    }, 50)
    await withSimulator(
      service,
      Effect.gen(function*() {
        const results: Array<Result> = []
        for (let round = 1; round <= rounds; round++) {
          results.push(...yield* talk(service, kinds))
          printRow(`after ${callsAtOnce * round} conversations, ${callsAtOnce} at once`, resident(pid), `, at most ${highest.toFixed(0)}`)
        }
        if (kinds !== agentCallers) return
        console.log(`  greeting after                   ${percentiles(yield* greetingDelays(results))}`)
        console.log(`  voice to voice, by the service   ${percentiles(timesOf(results).map(({ firstMedia }) => firstMedia))}`)
        console.log(`  voice to voice, at the caller's  ${percentiles(yield* atCallers(results))}`)
      })
    )
    clearInterval(watch)
    await pause(settleMillis)
    printRow("at rest afterwards", resident(pid))
    const highestResident = peak(pid)
    printRow("peak", highestResident)
    const verdict = (value: number, limit: number) => `${value.toFixed(0)} of at most ${limit} MiB: ${value <= limit ? "kept" : "MISSED"}`
    console.log(`  at rest ${verdict(atRest, maxAtRest)}; peak ${verdict(highestResident, maxPeak)}\n`)
    return atRest <= maxAtRest && highestResident <= maxPeak
  } finally {
    await service.stop()
  }
}

const areMet = [await measure("the default agent, with the embedded engines", {}, agentCallers), await measure("the echo agent", { AGENT: "echo" }, echoCallers)]
if (areMet.includes(false)) process.exitCode = 1
