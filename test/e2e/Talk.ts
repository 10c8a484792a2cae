/**
 * Calls for tests: somebody who speaks, the echo of it, and a good call beside whatever else goes on.
 */
import { assert } from "@effect/vitest"
import { Effect, Result } from "effect"
import { readFileSync } from "node:fs"
import * as Pcm from "../../src/audio/Pcm.ts"
import * as Caller from "../../src/simulator/Caller.ts"
import * as Comparison from "../../src/simulator/Comparison.ts"
import type { Faults } from "../../src/simulator/Faults.ts"
import type { SimulatedCall } from "../../src/simulator/PhoneCall.ts"
import * as Sound from "../../src/simulator/Sound.ts"
import { type Both, ourNumber, somebody, until } from "./Service.ts"

const fixture = Result.getOrThrow(Sound.fromWav(readFileSync(new URL("../fixtures/speech-8k.wav", import.meta.url))))

/** A second and a half of a sentence. */
export const sentence: Pcm.Pcm<8000> = Pcm.of(8000, fixture.subarray(0, 12_000))

/** Speaks, and stays on the line. */
export const speaker = Caller.make(Caller.Step.Play({ sound: sentence }))

/** Speaks, waits for the last of the echo, and hangs up. */
export const brief = Caller.make(
  Caller.Step.Play({ sound: sentence }),
  Caller.Step.Silence({ duration: "800 millis" }),
  Caller.Step.HangUp()
)

export interface Placing {
  readonly caller?: Caller.Caller
  readonly faults?: Faults
  readonly webhookUrl?: string
  readonly method?: "GET" | "POST"
  readonly from?: string
}

/** Somebody calls our number. */
export const place = ({ service, simulator }: Both, options: Placing = {}) =>
  simulator.placeCall({
    from: options.from ?? somebody,
    to: ourNumber,
    webhookUrl: options.webhookUrl ?? `${service.url}/twiml`,
    statusCallback: `${service.url}/twilio/status`,
    caller: options.caller ?? speaker,
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    ...(options.method === undefined ? {} : { method: options.method })
  })

const windowSamples = 800
const slack = 1600

/** Normalised correlation of `said[from…to)` with what was heard `lag` samples later. */
const correlate = (said: Int16Array, heard: Int16Array, lag: number, from: number, to: number) => {
  let product = 0
  let powerSaid = 0
  let powerHeard = 0
  for (let index = from; index < to; index++) {
    const x = said[index]
    const y = heard[index + lag] ?? 0
    product += x * y
    powerSaid += x * x
    powerHeard += y * y
  }
  return powerSaid === 0 || powerHeard === 0 ? 0 : product / Math.sqrt(powerSaid * powerHeard)
}

/**
 * How much what was heard is what was said: the median over windows of 100 ms, each at its best lag.
 *
 * On a machine that is busy with other tests a frame may come after the playback ran empty, and then there
 * is a gap in the sound; that spoils a window or two, and not the median. Other sound comes to about a half.
 */
export const likeness = (said: Pcm.Pcm<8000>, heard: Pcm.Pcm<8000>): number => {
  const around = Math.round(Comparison.compare(said, heard).lagMillis * 8)
  const windows = Array.from({ length: Math.floor(said.length / windowSamples) }, (_, index) => index * windowSamples)
  const loudness = (from: number) => said.subarray(from, from + windowSamples).reduce((sum, sample) => sum + Math.abs(sample), 0)
  const loud = windows.toSorted((a, b) => loudness(b) - loudness(a)).slice(0, sentence.length / windowSamples / 2)
  const best = loud.map((from) => {
    let correlation = 0
    for (let lag = Math.max(0, around - slack); lag <= around + slack; lag++) {
      correlation = Math.max(correlation, correlate(said, heard, lag, from, from + windowSamples))
    }
    return correlation
  })
  return best.toSorted((a, b) => a - b)[Math.floor(best.length / 2)] ?? 0
}

/** What the caller heard is what the caller said. */
export const assertEcho = Effect.fnUntraced(function*(call: SimulatedCall) {
  assert.isAbove(likeness(yield* call.said, yield* call.heard), 0.95, "what was heard is what was said")
})

/** The same for the last sentence of somebody who speaks on and on, less its last second, whose echo may be on the way. */
export const assertRecentEcho = Effect.fnUntraced(function*(call: SimulatedCall) {
  const said = yield* call.said
  const heard = yield* call.heard
  const from = Math.max(0, said.length - sentence.length - 8000)
  const recent = Pcm.of(8000, said.subarray(from, from + sentence.length))
  assert.isAbove(likeness(recent, Pcm.of(8000, heard.subarray(from))), 0.95, "what is heard is what is said")
})

/** Waits until this much more sound (20 ms each) has come back. */
export const awaitFrames = Effect.fnUntraced(function*(call: SimulatedCall, count: number) {
  const before = (yield* call.traffic).arrivals.length
  yield* until(
    `${count} more frames of the echo`,
    Effect.map(call.traffic, ({ arrivals }) => arrivals.length - before),
    (more) => more >= count
  )
})

/** Why a call's streams ended, and the close codes of those that the service closed. */
export const streamEnds = (call: SimulatedCall) =>
  Effect.map(call.events, (events) =>
    events.flatMap((event) =>
      event._tag === "StreamEnded" ? [event.code === undefined ? event.why : `${event.why} ${event.code}`] : []
    ))

/** Why the service says that calls ended. */
export const endedBecause = ({ service }: Both, reason: string) =>
  Effect.map(service.metrics, (metrics) => metrics("client_caller_calls_ended_total", { reason }))

export const problemCodes = (call: SimulatedCall) => Effect.map(call.problems, (problems) => problems.map(({ code }) => code))

/** Does this while a good call is on, which must be as good as ever. */
export const besideAGoodCall = <A, E, R>(both: Both, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const good = yield* place(both)
    yield* good.awaitEvent("FirstSound")
    const result = yield* effect
    // The whole sentence has come back, and the line still works after what happened.
    yield* until("the sentence", good.traffic, ({ sentAt }) => sentAt.length >= sentence.length / 160)
    yield* awaitFrames(good, 40)
    assert.deepStrictEqual(yield* streamEnds(good), [])
    assert.deepStrictEqual(yield* good.problems, [])
    yield* good.hangUp
    assert.strictEqual(yield* good.settled, "completed")
    yield* assertEcho(good)
    return result
  })
