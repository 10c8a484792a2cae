/**
 * The figures of conversations with the embedded engines and the built-in receptionist. The service is a process; the simulator and its
 * callers run in this one.
 *
 *     npm run bench -- conversation [--turns 50 --interruptions 20 --calls 20]
 *
 * Voice to voice "by the service" is the time from the arrival of the caller's last voiced sample to the sending of the reply's first
 * frame. "At the caller's" is measured in the caller's own sound (docs/latency.md).
 */
import { Effect } from "effect"
import * as Caller from "../src/simulator/caller/Caller.ts"
import type { Voice } from "../src/simulator/caller/CallerSpeech.ts"
import * as SpeakingTurns from "../src/simulator/report/SpeakingTurns.ts"
import { atCallers, converse, cpuByThread, cpuShares, listen, percentiles, type Result, start, printTurns, timesOf, withSimulator } from "./calls.ts"
import { argument, residentMiB } from "./line/processes.ts"

const turns = argument("turns", 50)
const interruptions = argument("interruptions", 20)
const callsAtOnce = argument("calls", 20)

const { AwaitSpeech, HangUp, Silence, Speak } = Caller.Step

const lines = ["What are your opening hours?", "Where are you?", "I would like to book an appointment.", "On Monday.", "At ten.", "Yes, please."]

/** About the time from one line to the next, ms. It must stay below the silence (8 s) after which the agent asks "Are you still there?". */
const cycle = 6000

/** A caller who hears the greeting out, waits `startAfter` ms, and says a line whenever the agent has finished. */
const politeCaller = (voice: Voice, said: ReadonlyArray<string>, startAfter = 0): Caller.Caller =>
  Caller.make(
    ...listen,
    Silence({ duration: `${startAfter} millis` }),
    ...said.flatMap((text) => [Speak({ text, voice }), ...listen]),
    HangUp()
  )

/**
 * One of the callers that call at once. Their first lines are spread evenly over a cycle. The callers of the first half ask one more
 * question, so that all calls end at about the same time.
 */
const oneOfMany = (index: number): Caller.Caller => {
  const share = index / callsAtOnce
  return politeCaller(index % 2 === 0 ? "rms" : "awb", share < 0.5 ? [...lines, lines[1]] : lines, share * cycle)
}

/** A caller who asks something else about a second into each answer. */
const rudeCaller = (voice: Voice, times: number): Caller.Caller =>
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

const print = Effect.fnUntraced(function*(results: ReadonlyArray<Result>) {
  printTurns(
    timesOf(results),
    yield* atCallers(results),
    ({ due, firstMedia, firstSound = 0, transcript = 0 }) => firstMedia - Math.max(due, firstSound, transcript)
  )
  const understood = results.flatMap(({ liveEvents }) => liveEvents.filter((event) => event._tag === "CallerSaid"))
  console.log(`  utterances not understood        ${understood.filter((event) => event._tag === "CallerSaid" && event.text === "").length} of ${understood.length}`)
})

const program = Effect.gen(function*() {
  console.log(`one call at a time, ${turns} turns`)
  const singleCalls: Array<Result> = []
  while (timesOf(singleCalls).length < turns) {
    singleCalls.push(yield* converse(service, politeCaller(singleCalls.length % 2 === 0 ? "rms" : "awb", lines)))
    if (singleCalls.length > turns) break
  }
  yield* print(singleCalls)

  console.log(`\ninterruptions, ${interruptions}`)
  const rudeCalls: Array<Result> = []
  const clearDelays = (results: ReadonlyArray<Result>) =>
    results.flatMap(({ liveEvents }) => liveEvents.flatMap((event) => (event._tag === "BargeIn" ? [event.clearAfter] : [])))
  for (let count = 0; count < 5 && clearDelays(rudeCalls).length < interruptions; count++) {
    rudeCalls.push(yield* converse(service, rudeCaller("rms", 11)))
  }
  console.log(`  first voiced sample to clear, by the service   ${percentiles(clearDelays(rudeCalls))}`)
  const seen: Array<number> = []
  let soundAfter = 0
  for (const { call } of rudeCalls) {
    const events = yield* call.events
    const answered = events.find((event) => event._tag === "Status" && event.status === "in-progress")?.at ?? 0
    const heard = yield* call.heard
    const said = SpeakingTurns.speeches(yield* call.said)
    for (const event of events) {
      if (event._tag !== "Cleared") continue
      const at = event.at - answered
      const interrupting = said.findLast(({ from }) => from < at)
      if (interrupting !== undefined) seen.push(at - interrupting.from)
      // The agent must be silent from the clear until the caller has finished.
      const quiet = heard.subarray(Math.round((at + 5) * 8), Math.round(Math.max(at + 5, interrupting?.to ?? at) * 8))
      if (quiet.some((sample) => Math.abs(sample) > 200)) soundAfter++
    }
  }
  console.log(`  first voiced sample to clear, at the caller's  ${percentiles(seen)}`)
  console.log(`  clears after which the agent was heard         ${soundAfter} of ${seen.length}`)

  console.log(`\n${callsAtOnce} conversations at once`)
  const before = cpuByThread(service.pid)
  const from = performance.now()
  const callsTogether = yield* Effect.forEach(
    Array.from({ length: callsAtOnce }, (_, index) => index),
    (index) => converse(service, oneOfMany(index)),
    { concurrency: "unbounded" }
  )
  const seconds = (performance.now() - from) / 1000
  yield* print(callsTogether)
  console.log(
    `  CPU of the service over ${seconds.toFixed(0)} s, percent of a core: ${cpuShares(service.pid, before, seconds)}; memory ${residentMiB(service.pid).toFixed(0)} MiB`
  )
})

const service = await start({ env: { AGENT: "receptionist" } })
try {
  await withSimulator(service, program)
} finally {
  await service.stop()
}
