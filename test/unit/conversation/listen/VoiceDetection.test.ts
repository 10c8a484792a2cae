import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import type { SpeechBoundary } from "../../../../src/conversation/listen/SpeechBoundaryDetector.ts"
import * as VoiceDetection from "../../../../src/conversation/listen/VoiceDetection.ts"
import { EngineFailed, reasonOf } from "../../../../src/conversation/ports/Engine.ts"
import type { Detector } from "../../../../src/conversation/ports/VoiceActivity.ts"
import * as Sounds from "../../../support/conversation/Sounds.ts"

const broken = new EngineFailed({ stage: "voiceActivity", reason: "broken", advice: "It is a test." })

const loud = Sounds.windows(Sounds.noise(640, -20))
const silent = Sounds.windows(Sounds.silence(1280))

const always = (probability: number): Detector["ask"] => (_window, answer) => answer(Exit.succeed(probability))

const setUp = Effect.fnUntraced(function*(ask: Detector["ask"] | undefined) {
  let requests = 0
  let keptWindows = 0
  let position = 0
  const boundaries: Array<SpeechBoundary> = []
  const troubles: Array<string> = []
  const detection = yield* VoiceDetection.make({
    openDetector: ask === undefined ? Effect.fail(broken) : Effect.succeed({
      ask: (window, answer) => {
        requests++
        ask(window, answer)
      }
    }),
    openTimeout: "1 second",
    onTrouble: (cause) => void troubles.push(reasonOf(cause)),
    onBoundary: (boundary) => Effect.sync(() => void boundaries.push(boundary)),
    onWindowKept: () => void keptWindows++
  })
  /** The number of windows whose answers were waited for. */
  const hear = Effect.fnUntraced(function*(windows: ReadonlyArray<Pcm<8000>>, isEcho = false) {
    let waits = 0
    for (const window of windows) {
      const processing = detection.push(window, position += 32, isEcho)
      if (processing === undefined) continue
      waits++
      yield* processing
    }
    return waits
  })
  return {
    hear,
    push: (window: Pcm<8000>) => detection.push(window, position += 32, false) ?? Effect.void,
    boundaries,
    tags: () => boundaries.map(({ _tag }) => _tag),
    troubles,
    requests: () => requests,
    keptWindows: () => keptWindows
  }
})

describe("the voice detector", () => {
  it.effect("decides about each window with sound", () =>
    Effect.gen(function*() {
      const { hear, requests, tags } = yield* setUp(always(0.9))
      assert.strictEqual(yield* hear(loud), loud.length)
      assert.strictEqual(requests(), loud.length)
      assert.deepStrictEqual(tags(), ["VoiceStarted"])
    }))

  it.effect("prevents that a noise is taken for a voice", () =>
    Effect.gen(function*() {
      const { hear, tags } = yield* setUp(always(0.1))
      yield* hear(loud)
      assert.deepStrictEqual(tags(), [])
    }))

  it.effect("is fed with the silence right after a sound, without waiting for its answer", () =>
    Effect.gen(function*() {
      const { hear, requests, tags } = yield* setUp(always(0.9))
      yield* hear(loud)
      const before = requests()
      // The one wait is for the end of the voice.
      assert.strictEqual(yield* hear(silent), 1)
      assert.strictEqual(requests() - before, 12)
      assert.deepStrictEqual(tags(), ["VoiceStarted", "VoiceStopped"])
    }))

  it.effect("gets no window of an echo, and an echo is no voice", () =>
    Effect.gen(function*() {
      const { hear, requests, tags } = yield* setUp(always(0.9))
      assert.strictEqual(yield* hear(loud, true), 0)
      assert.deepStrictEqual([requests(), tags()], [0, []])
    }))

  it.effect("does not prolong a voice when the agent's echo follows it", () =>
    Effect.gen(function*() {
      const { boundaries, hear } = yield* setUp(always(0.9))
      yield* hear(loud)
      yield* hear(loud, true)
      assert.deepStrictEqual(boundaries.map(({ _tag }) => _tag), ["VoiceStarted", "VoiceStopped"])
      assert.closeTo(boundaries[1].at, 640, 4)
    }))
})

describe("without the voice detector", () => {
  it.effect("the energy decides at once", () =>
    Effect.gen(function*() {
      const { hear, tags, troubles } = yield* setUp(undefined)
      // The two waits are for the start and the end of the voice.
      assert.strictEqual((yield* hear(loud)) + (yield* hear(silent)), 2)
      assert.deepStrictEqual(tags(), ["VoiceStarted", "VoiceStopped"])
      assert.deepStrictEqual(troubles, ["broken"])
    }))

  it.effect("the energy decides about a window whose answer is late, and the window's array is not reused", () =>
    Effect.gen(function*() {
      const { keptWindows, push, tags } = yield* setUp(() => undefined)
      const first = yield* Effect.forkChild(push(loud[0]), { startImmediately: true })
      yield* TestClock.adjust(501)
      assert.isDefined(first.pollUnsafe())
      assert.strictEqual(keptWindows(), 1)
      yield* push(loud[1])
      assert.deepStrictEqual(tags(), ["VoiceStarted"])
      assert.strictEqual(keptWindows(), 1)
    }))
})
