import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Pcm, SampleRate } from "../../../../src/audio/Pcm.ts"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import type { SpeechChunk } from "../../../../src/conversation/ports/TextToSpeech.ts"
import type { Outgoing } from "../../../../src/conversation/speak/Outgoing.ts"
import * as SegmentSynthesis from "../../../../src/conversation/speak/SegmentSynthesis.ts"
import type { UntimedTurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import { settle } from "../../../support/service/Time.ts"

const chunk = (millis: number, sampleRate: SampleRate = 8000): SpeechChunk => ({ pcm: new Int16Array(millis * sampleRate / 1000).fill(1) as Pcm, sampleRate })

const broken = new EngineFailed({ stage: "textToSpeech", reason: "broken", advice: "It is a test." })

const setUp = Effect.fnUntraced(function*(sound: Stream.Stream<SpeechChunk, EngineFailed>, isFiller = false) {
  /** Items and reports in order: `20 ms`, `Sent`, `Mark`, `SpeechBegan`. */
  const story: Array<string> = []
  const items: Array<Outgoing> = []
  const reports: Array<UntimedTurnEvent> = []
  let isWanted = true
  const running = yield* Effect.forkChild(
    SegmentSynthesis.run({ segment: 4, isFiller, sound }, {
      reply: 3,
      timeout: 1000,
      isWanted: () => isWanted,
      report: (event) => {
        reports.push(event)
        story.push(event._tag)
      },
      put: (item) =>
        Effect.sync(() => {
          items.push(item)
          story.push(item._tag === "Sound" ? `${item.pcm.length / 8} ms` : item._tag)
        })
    }),
    { startImmediately: true }
  )
  yield* settle
  return { running, story, items, reports, cancel: () => void (isWanted = false) }
})

describe("a segment", () => {
  it.effect("is reported as begun before its first sound is queued, and as ended before its mark", () =>
    Effect.gen(function*() {
      const { items, reports, story } = yield* setUp(Stream.make(chunk(250), chunk(10)), true)
      assert.deepStrictEqual(story, ["SpeechBegan", "20 ms", "Sent", "100 ms", "100 ms", "30 ms", "10 ms", "SpeechEnded", "Mark"])
      assert.deepStrictEqual(reports[1], { _tag: "SpeechEnded", reply: 3, segment: 4, duration: 260 })
      assert.isTrue(items.every(({ reply, segment }) => reply === 3 && segment === 4))
      assert.isTrue(items.some((item) => item._tag === "Mark" && item.isFiller))
    }))

  it.effect("lasts as long as the queued sound, with the end that a resampler holds back", () =>
    Effect.gen(function*() {
      const { items, reports } = yield* setUp(Stream.make(chunk(100, 24_000), chunk(100, 24_000)))
      const samples = items.reduce((sum, item) => sum + (item._tag === "Sound" ? item.pcm.length : 0), 0)
      assert.deepStrictEqual(reports.at(-1), { _tag: "SpeechEnded", reply: 3, segment: 4, duration: samples / 8 })
      assert.isAtLeast(samples, 1600)
    }))

  it.effect("without a sample has failed, though the engine sent chunks", () =>
    Effect.gen(function*() {
      const { reports, story } = yield* setUp(Stream.make(chunk(0), chunk(0)))
      assert.deepStrictEqual(story, ["SpeechFailed"])
      assert.deepStrictEqual(reports, [{ _tag: "SpeechFailed", reply: 3, segment: 4, hadSound: false, reason: "broken" }])
    }))

  it.effect("has items that no longer count once it is cancelled", () =>
    Effect.gen(function*() {
      const { cancel, items } = yield* setUp(Stream.make(chunk(20)))
      assert.isTrue(items.every(({ isWanted }) => isWanted()))
      cancel()
      assert.isFalse(items.some(({ isWanted }) => isWanted()))
    }))
})

describe("a segment that fails", () => {
  it.effect("makes the next one wait until synthesis is stopped", () =>
    Effect.gen(function*() {
      const { reports, running } = yield* setUp(Stream.concat(Stream.make(chunk(20)), Stream.fail(broken)))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(running.pollUnsafe())
      assert.deepStrictEqual(reports.at(-1), { _tag: "SpeechFailed", reply: 3, segment: 4, hadSound: true, reason: "broken" })
      yield* Fiber.interrupt(running)
    }))

  it.effect("makes nothing wait if it was cancelled before", () =>
    Effect.gen(function*() {
      const { cancel, reports, running } = yield* setUp(Stream.concat(Stream.make(chunk(20)), Stream.never))
      cancel()
      yield* TestClock.adjust(999)
      assert.isUndefined(running.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isDefined(running.pollUnsafe())
      assert.deepStrictEqual(reports.at(-1), { _tag: "SpeechFailed", reply: 3, segment: 4, hadSound: true, reason: "timeout" })
    }))
})
