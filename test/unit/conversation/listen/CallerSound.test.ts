import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as CallerSound from "../../../../src/conversation/listen/CallerSound.ts"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import * as MediaClock from "../../../../src/conversation/listen/MediaClock.ts"
import type { Detector } from "../../../../src/conversation/ports/VoiceActivity.ts"
import * as Detectors from "../../../support/conversation/Detectors.ts"
import * as Sounds from "../../../support/conversation/Sounds.ts"

const failure = new EngineFailed({ stage: "voiceActivity", reason: "broken", advice: "It is a test." })

/** How long the detector takes for the window with this number, ms. `Infinity`: it hangs. `undefined`: it fails. Below 0: it throws. */
type Speed = (index: number) => number | undefined

/** Ignores everything. */
const silentListener: CallerSound.Listener = {
  wantsSound: () => false,
  onSound: () => undefined,
  onPosition: () => undefined,
  onVoice: () => Effect.void,
  onTrouble: () => undefined
}

/** A caller's sound with a detector that calls each window speech, after some time. */
const setUp = Effect.fnUntraced(function*(speed: Speed = () => 0, broken?: Detector) {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const events: Array<{ readonly _tag: string; readonly at: number; readonly toldAt: number }> = []
  const troubles: Array<string> = []
  /** The detector's windows, copied when it answers. */
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
  const callerSound = yield* CallerSound.make({
    openDetector: broken === undefined ? detector : Effect.succeed(broken),
    openTimeout: "1 second",
    clock: MediaClock.make(now),
    listener: {
      ...silentListener,
      onVoice: ({ _tag, at }) => Effect.sync(() => void events.push({ _tag, at, toldAt: now() })),
      onTrouble: (cause: Cause.Cause<EngineFailed>) => void troubles.push(Cause.squash(cause) instanceof EngineFailed ? (Cause.squash(cause) as EngineFailed).reason : "defect")
    }
  })
  /** Frames of 20 ms. All use the same memory, as a line's frames do. */
  const frames = Effect.fnUntraced(function*(sound: Pcm<8000>) {
    const frame = new Int16Array(160)
    for (let at = 0; at < sound.length; at += 160) {
      yield* Effect.sleep(20)
      frame.set(sound.subarray(at, at + 160))
      yield* callerSound.hear([frame])
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

/** The moments, rounded up to a frame, since a window is complete with the frame in which it ends. */
const tells = (events: ReadonlyArray<{ readonly _tag: string; readonly at: number }>, moments: ReadonlyArray<readonly [string, number]>) => {
  assert.deepStrictEqual(events.map(({ _tag }) => _tag), moments.map(([tag]) => tag))
  for (const [index, { at }] of events.entries()) assert.closeTo(at, moments[index][1], 20)
}

/** The windows of 32 ms that hold a part of the loud sound. */
const loud = 20

describe("the caller's sound", () => {
  it.effect("reports a pause without waiting for the detector's answer about the silence", () =>
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

  it.effect("gives the detector each window once and in order, however slow it is", () =>
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
  ])("reports once that a detector $name over a silent window, and goes on by the energy", ({ reason, speed }) =>
    Effect.gen(function*() {
      const { asked, events, hear, troubles } = yield* setUp(speed)
      yield* hear(Sounds.join(voice, voice))
      assert.deepStrictEqual(troubles, [reason])
      tells(events, [...voiceMoments, ...voiceMoments.map(([tag, at]) => [tag, at + length] as const)])
      assert.strictEqual(asked(), loud + 3)
    }))

  it.effect("is judged by its energy when the detector throws", () =>
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

  it.effect("goes to a late detector again as soon as the detector has answered", () =>
    Effect.gen(function*() {
      const { asked, events, hear, troubles } = yield* setUp((index) => index === loud + 2 ? 700 : 0)
      yield* hear(Sounds.join(voice, voice))
      assert.deepStrictEqual(troubles, ["timeout"])
      assert.isAbove(asked(), 2 * loud)
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["VoiceStarted", "VoiceStopped", "VoiceStarted", "VoiceStopped"])
    }))
})

describe("much sound at once", () => {
  it.live("lets other calls run after each half second of sound", () =>
    Effect.gen(function*() {
      const callerSound = yield* CallerSound.make({
        openDetector: Detectors.make(() => Effect.succeed(0)),
        openTimeout: "1 second",
        clock: MediaClock.make(() => 0),
        listener: silentListener
      })
      let turns = 0
      const turn = () => {
        turns++
        handle = setImmediate(turn)
      }
      let handle = setImmediate(turn)
      yield* callerSound.hear([Sounds.silence(20)])
      assert.strictEqual(turns, 0)
      yield* callerSound.hear([Sounds.silence(6000)])
      clearImmediate(handle)
      assert.isAtLeast(turns, 10)
    }))
})

describe("the agent's own sound, back from a loudspeaker", () => {
  const agent = Sounds.speechLike(4000, -20, 3)
  const echo = Sounds.later(Sounds.gain(agent, -20), 200)

  /** Voice changes, sound and pre-speech sound of a call in which the agent speaks; `arriving` comes in pieces of `length` samples. */
  const hear = Effect.fnUntraced(function*(arriving: Pcm<8000>, length = 160) {
    let now = 0
    const changes: Array<CallerSound.VoiceChange> = []
    const pieces = new Set<Pcm<8000>>()
    const sound: Array<number> = []
    const callerSound = yield* CallerSound.make({
      openDetector: Detectors.make(() => Effect.succeed(0.9)),
      openTimeout: "1 second",
      clock: MediaClock.make(() => now),
      listener: {
        ...silentListener,
        wantsSound: () => true,
        onSound: (pcm) => {
          pieces.add(pcm)
          sound.push(...pcm)
        },
        onVoice: (change) => Effect.sync(() => void changes.push(change))
      }
    })
    const frame = new Int16Array(length)
    for (let at = 0; at + length <= arriving.length; at += length) {
      now = (at + length) / 8
      callerSound.onPlayback(agent.subarray(at, at + length), at / 8)
      frame.set(arriving.subarray(at, at + length))
      yield* callerSound.hear([frame])
    }
    return { changes, pieces, sound: Int16Array.from(sound), preSpeech: callerSound.preSpeech() }
  })

  it.effect("is no voice, and is removed from the sound and from the pre-speech buffer", () =>
    Effect.gen(function*() {
      const { changes, preSpeech, sound } = yield* hear(echo.subarray(0, 32_000))
      assert.deepStrictEqual(changes, [])
      assert.isBelow(Sounds.level(sound.subarray(16_000)), Sounds.level(echo.subarray(16_000, 32_000)) - 15)
      assert.strictEqual(preSpeech.length, 7680)
      assert.isBelow(Sounds.level(preSpeech), -100)
    }))

  it.effect("does not hide a caller who speaks over it", () =>
    Effect.gen(function*() {
      const { changes } = yield* hear(Sounds.mix(echo.subarray(0, 32_000), Sounds.later(Sounds.noise(1000, -20), 2000)))
      assert.strictEqual(changes[0]?._tag, "VoiceStarted")
      assert.closeTo(changes[0].at, 2000, 40)
    }))

  it.effect("is removed in one buffer, without a new one for each piece", () =>
    Effect.gen(function*() {
      const { pieces } = yield* hear(echo.subarray(0, 32_000))
      // Before a delay is known, the line's own piece is passed on.
      assert.strictEqual(pieces.size, 2)
    }))
})

describe("a change of the voice", () => {
  it.effect("is reported with the length of the sound since then", () =>
    Effect.gen(function*() {
      const changes: Array<CallerSound.VoiceChange> = []
      const callerSound = yield* CallerSound.make({
        openDetector: Detectors.make(() => Effect.succeed(0.9)),
        openTimeout: "1 second",
        clock: MediaClock.make(() => 5000),
        listener: { ...silentListener, onVoice: (change) => Effect.sync(() => void changes.push(change)) }
      })
      // One piece, and all of it at 5000 ms: its end is real time.
      yield* callerSound.hear([voice])
      const began = 5000 - length
      assert.deepStrictEqual(changes, [
        { _tag: "VoiceStarted", at: began + 320, ago: 64 },
        { _tag: "VoiceStopped", at: began + 960, ago: 64 }
      ])
    }))
})
