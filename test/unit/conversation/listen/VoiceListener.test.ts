import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as EchoCanceller from "../../../../src/conversation/listen/EchoCanceller.ts"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import * as MediaClock from "../../../../src/conversation/listen/MediaClock.ts"
import type { Detector } from "../../../../src/conversation/ports/VoiceActivity.ts"
import * as VoiceListener from "../../../../src/conversation/listen/VoiceListener.ts"
import * as Detectors from "../../../support/conversation/Detectors.ts"
import * as Sounds from "../../../support/conversation/Sounds.ts"

const failure = new EngineFailed({ stage: "voiceActivity", reason: "broken", advice: "It is a test." })

/** ms that a detector takes for its window of this number, from 0; `Infinity`: for ever; none: it fails; less: it dies. */
type Speed = (index: number) => number | undefined

/** A listener whose detector is sure of each window that it is shown, and takes its time. */
const setUp = Effect.fnUntraced(function*(speed: Speed = () => 0, broken?: Detector) {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const events: Array<{ readonly _tag: string; readonly at: number; readonly toldAt: number }> = []
  const troubles: Array<string> = []
  /** What the detector was given, as it was when it looked at it to its end. */
  const windows: Array<ReadonlyArray<number>> = []
  let atOnce = 0
  let most = 0
  let count = 0
  const detector = Detectors.make((window) =>
    Effect.gen(function*() {
      const takes = speed(count++)
      most = Math.max(most, ++atOnce)
      if (takes === undefined) return yield* failure
      if (takes < 0) throw new TypeError("It is a mistake.")
      yield* takes === Infinity ? Effect.never : takes === 0 ? Effect.void : Effect.sleep(takes)
      windows.push([...window])
      return 0.9
    }).pipe(Effect.ensuring(Effect.sync(() => void atOnce--)))
  )
  const listener = yield* VoiceListener.make({
    open: broken === undefined ? detector : Effect.succeed(broken),
    openTimeout: "1 second",
    echo: EchoCanceller.make(),
    clock: MediaClock.make(now),
    onPiece: () => undefined,
    onEcho: () => undefined,
    onPassed: () => undefined,
    onVoice: (event) => Effect.sync(() => void events.push({ ...event, toldAt: now() })),
    onTrouble: (cause: Cause.Cause<EngineFailed>) => void troubles.push(Cause.squash(cause) instanceof EngineFailed ? (Cause.squash(cause) as EngineFailed).reason : "defect")
  })
  /** Frames of 20 ms as a line brings them, each in memory that is used again for the next one. */
  const frames = Effect.fnUntraced(function*(sound: Pcm<8000>) {
    const frame = new Int16Array(160)
    for (let at = 0; at < sound.length; at += 160) {
      yield* Effect.sleep(20)
      frame.set(sound.subarray(at, at + 160))
      yield* listener.hear([frame])
    }
  })
  const hear = Effect.fnUntraced(function*(sound: Pcm<8000>) {
    const heard = yield* Effect.forkChild(frames(sound), { startImmediately: true })
    while (heard.pollUnsafe() === undefined) yield* TestClock.adjust(10)
  })
  return { events, troubles, windows, hear, most: () => most, asked: () => count }
})

/** Loud from 320 to 960 ms. */
const voice = Sounds.join(Sounds.silence(320), Sounds.noise(640, -20), Sounds.silence(800))
const voiceMoments = [["VoiceStarted", 320], ["VoiceStopped", 960]] as const
const length = 1760

/** Told as it was, but for a frame: a window counts as come with the frame that it ends in. */
const tells = (events: ReadonlyArray<{ readonly _tag: string; readonly at: number }>, moments: ReadonlyArray<readonly [string, number]>) => {
  assert.deepStrictEqual(events.map(({ _tag }) => _tag), moments.map(([tag]) => tag))
  for (const [index, { at }] of events.entries()) assert.closeTo(at, moments[index][1], 20)
}

/** Windows of 32 ms that hold a part of it. */
const loud = 20

describe("a listener", () => {
  it.effect("notices a pause without an answer to what is silent", () =>
    Effect.gen(function*() {
      const quick = yield* setUp()
      yield* quick.hear(voice)
      const slow = yield* setUp((index) => index < loud ? 0 : 400)
      yield* slow.hear(voice)
      tells(quick.events, voiceMoments)
      assert.isAtMost(quick.events[1].toldAt - quick.events[1].at, 64 + 20)
      const lags = (events: typeof quick.events) => events.map(({ at, toldAt }) => toldAt - at)
      assert.deepStrictEqual(lags(slow.events), lags(quick.events))
      assert.deepStrictEqual(slow.troubles, [])
    }))

  it.effect("shows the detector every window once, in its order, one at a time, however slow it is", () =>
    Effect.gen(function*() {
      const twice = Sounds.join(voice, voice)
      const quick = yield* setUp()
      yield* quick.hear(twice)
      const slow = yield* setUp((index) => index % 5 === loud % 5 ? 90 : 0)
      yield* slow.hear(twice)
      assert.deepStrictEqual([quick.most(), slow.most()], [1, 1])
      assert.isAbove(quick.windows.length, 2 * loud)
      assert.deepStrictEqual(slow.windows, quick.windows)
    }))

  const inSilence = (index: number) => index === loud + 2
  it.effect.each([
    { name: "hangs", speed: (index: number) => inSilence(index) ? Infinity : 0, reason: "timeout" },
    { name: "fails", speed: (index: number) => inSilence(index) ? undefined : 0, reason: "broken" },
    { name: "dies", speed: (index: number) => inSilence(index) ? -1 : 0, reason: "defect" }
  ])("is told once when a detector $name over a silent window, and goes on by the energy", ({ reason, speed }) =>
    Effect.gen(function*() {
      const { asked, events, hear, troubles } = yield* setUp(speed)
      yield* hear(Sounds.join(voice, voice))
      assert.deepStrictEqual(troubles, [reason])
      tells(events, [...voiceMoments, ...voiceMoments.map(([tag, at]) => [tag, at + length] as const)])
      assert.strictEqual(asked(), loud + 3)
    }))

  it.effect("goes on by the energy when a detector throws", () =>
    Effect.gen(function*() {
      const { events, hear, troubles } = yield* setUp(undefined, {
        ask: () => {
          throw new TypeError("It is a mistake.")
        }
      })
      yield* hear(voice)
      assert.deepStrictEqual(troubles, ["defect"])
      tells(events, voiceMoments)
    }))

  it.effect("asks a detector again that was late over a silent window and has answered", () =>
    Effect.gen(function*() {
      const { asked, events, hear, troubles } = yield* setUp((index) => index === loud + 2 ? 700 : 0)
      yield* hear(Sounds.join(voice, voice))
      assert.deepStrictEqual(troubles, ["timeout"])
      assert.isAbove(asked(), 2 * loud)
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["VoiceStarted", "VoiceStopped", "VoiceStarted", "VoiceStopped"])
    }))
})

describe("much sound at once", () => {
  it.live("gives other calls their turn every half a second of it", () =>
    Effect.gen(function*() {
      const listener = yield* VoiceListener.make({
        open: Detectors.make(() => Effect.succeed(0)),
        openTimeout: "1 second",
        echo: EchoCanceller.make(),
        clock: MediaClock.make(() => 0),
        onPiece: () => undefined,
        onEcho: () => undefined,
        onPassed: () => undefined,
        onVoice: () => Effect.void,
        onTrouble: () => undefined
      })
      let turns = 0
      const turn = () => {
        turns++
        handle = setImmediate(turn)
      }
      let handle = setImmediate(turn)
      yield* listener.hear([Sounds.silence(20)])
      assert.strictEqual(turns, 0)
      yield* listener.hear([Sounds.silence(6000)])
      clearImmediate(handle)
      assert.isAtLeast(turns, 10)
    }))
})
