/**
 * Calls for tests: a caller who speaks, the check of their echo, and a good call during which other things go wrong.
 */
import { assert } from "@effect/vitest"
import { Effect, Result } from "effect"
import { readFileSync } from "node:fs"
import * as Pcm from "../../../src/audio/Pcm.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import type { Faults } from "../../../src/simulator/twilio/Faults.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import * as SoundFiles from "../../../src/simulator/caller/SoundFiles.ts"
import { type Both, ourNumber, somebody, until } from "./Service.ts"

const fixture = Result.getOrThrow(SoundFiles.fromWav(readFileSync(new URL("../../fixtures/speech-8k.wav", import.meta.url))))

/** The first 1.5 s of a sentence. */
export const sentence: Pcm.Pcm<8000> = Pcm.of(8000, fixture.subarray(0, 12_000))

/** The caller speaks, and stays on the line. */
export const speaker = Caller.make(Caller.Step.Play({ sound: sentence }))

/** The caller speaks, waits for the end of the echo, and hangs up. */
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

/** The longest that the echo may take, even on a machine that is busy with other tests: 0.8 s, in samples. */
const maxLagSamples = 6400

/** Normalised correlation of `said` with what was heard `lag` samples later. */
const correlate = (said: Int16Array, heard: Int16Array, lag: number) => {
  let product = 0
  let powerSaid = 0
  let powerHeard = 0
  for (let index = 0; index < said.length; index++) {
    const x = said[index]
    const y = heard[index + lag]
    product += x * y
    powerSaid += x * x
    powerHeard += y * y
  }
  return powerSaid === 0 || powerHeard === 0 ? 0 : product / Math.sqrt(powerSaid * powerHeard)
}

/** The sound without its gaps: runs of at least 2 ms of digital silence. */
const withoutGaps = (sound: Int16Array): Int16Array => {
  const kept: Array<number> = []
  for (let index = 0; index < sound.length;) {
    let end = index
    while (end < sound.length && sound[end] === 0) end++
    if (end - index < 16) end = Math.max(end, index + 1)
    else index = end
    for (; index < end; index++) kept.push(sound[index])
  }
  return Int16Array.from(kept)
}

const loudness = (sound: Int16Array) => sound.reduce((sum, sample) => sum + Math.abs(sample), 0)

/**
 * How alike the heard and the said sound are: the median over loud windows of 100 ms, each at its own lag.
 *
 * On a busy machine a frame may come after the playback ran empty, which leaves a gap in the heard sound. Gaps are left out. Lost sound
 * spoils a window or two, but not the median. Equal sounds give 0.99, other sounds at most 0.75. The computation blocks this process for a
 * while, so no call whose timing matters should be live meanwhile.
 */
export const likeness = (said: Int16Array, heard: Int16Array): number => {
  const windows = Array.from({ length: Math.floor(said.length / windowSamples) }, (_, index) => {
    const from = index * windowSamples
    const sound = said.subarray(from, from + windowSamples)
    return { from, sound, loudness: loudness(sound) }
  })
  const loudest = Math.max(...windows.map((window) => window.loudness))
  const loud = windows.filter((window) => window.loudness > loudest / 3)
  const every = Math.ceil(loud.length / 16)
  const best = loud.filter((_, index) => index % every === 0).map(({ from, sound }) => {
    const near = withoutGaps(heard.subarray(from, from + windowSamples + maxLagSamples))
    let correlation = 0
    for (let lag = 0; lag <= near.length - windowSamples; lag++) {
      correlation = Math.max(correlation, correlate(sound, near, lag))
    }
    return correlation
  })
  return best.toSorted((a, b) => a - b)[Math.floor(best.length / 2)] ?? 0
}

/** Asserts that the caller heard their own words. */
export const assertEcho = Effect.fnUntraced(function*(call: SimulatedCall) {
  assert.isAbove(likeness(yield* call.said, yield* call.heard), 0.9, "what was heard is what was said")
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

/** How many calls ended with this reason, by the service's metrics. */
export const endedBecause = ({ service }: Both, reason: string) =>
  Effect.map(service.metrics, (metrics) => metrics("client_caller_calls_ended_total", { reason }))

export const problemCodes = (call: SimulatedCall) => Effect.map(call.problems, (problems) => problems.map(({ code }) => code))

/** Runs an effect during a good call, which must not suffer. */
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
