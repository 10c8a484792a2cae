import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Latch, Queue, Scope, Stream } from "effect"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as UtteranceFeed from "../../../../src/conversation/listen/UtteranceFeed.ts"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import type { Utterance } from "../../../../src/conversation/ports/SpeechToText.ts"
import { settle } from "../../../support/service/Time.ts"

const broken = new EngineFailed({ stage: "speechToText", reason: "broken", advice: "It is a test." })

/** Samples that count up from this number, so that each shows its position. */
const counted = (first: number, length: number): Pcm<8000> => Int16Array.from({ length }, (_, index) => first + index)

const setUp = Effect.fnUntraced(function*(own: Partial<Utterance> = {}) {
  const scope = yield* Scope.make()
  const pushed: Array<number> = []
  const partials: Array<string> = []
  const partialsWanted = yield* Latch.make(false)
  let isBegun = false
  const utterance: Utterance = {
    push: (pcm) => Effect.sync(() => void pushed.push(...pcm)),
    transcribe: Effect.never,
    ...own
  }
  const begin = Effect.acquireRelease(
    Effect.sync(() => {
      isBegun = true
      return utterance
    }),
    () => Effect.sync(() => void (isBegun = false))
  )
  const feed = yield* Scope.provide(
    UtteranceFeed.make({ recognizer: { begin }, partialsWanted, onPartial: (text) => void partials.push(text) }),
    scope
  )
  yield* settle
  return { feed, pushed, partials, partialsWanted, isBegun: () => isBegun, close: Scope.close(scope, Exit.void) }
})

describe("the sound of an utterance", () => {
  it.effect("is pushed whole and in order before `drain` ends, however slow the recognizer is", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const slow: Array<number> = []
      const { feed } = yield* setUp({ push: (pcm) => Effect.andThen(Deferred.await(gate), Effect.sync(() => void slow.push(...pcm))) })
      feed.pushPreSpeech(counted(0, 100))
      for (let at = 100; at < 2000; at += 160) feed.push(counted(at, 160))
      const drained = yield* Effect.forkChild(feed.drain(), { startImmediately: true })
      yield* settle
      assert.isUndefined(drained.pollUnsafe())
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.isDefined(drained.pollUnsafe())
      assert.deepStrictEqual(slow, [...counted(0, 2020)])
    }))

  it.effect("goes on without a gap after a transcript was requested in the middle of a piece", () =>
    Effect.gen(function*() {
      const { feed, pushed } = yield* setUp()
      feed.push(counted(0, 100))
      yield* feed.drain()
      assert.deepStrictEqual(pushed, [...counted(0, 100)])
      feed.push(counted(100, 480))
      yield* feed.drain()
      assert.deepStrictEqual(pushed, [...counted(0, 580)])
    }))

  it.effect("is copied, since the line reuses the array", () =>
    Effect.gen(function*() {
      const { feed, pushed } = yield* setUp()
      const frame = counted(0, 160)
      feed.push(frame)
      frame.fill(-1)
      yield* feed.drain()
      assert.deepStrictEqual(pushed, [...counted(0, 160)])
    }))
})

describe("a recognizer", () => {
  it.effect("that failed once gets no more sound, and each request for a transcript fails", () =>
    Effect.gen(function*() {
      let pushes = 0
      const { feed } = yield* setUp({ push: () => Effect.suspend(() => ++pushes === 2 ? Effect.fail(broken) : Effect.void) })
      for (let piece = 0; piece < 4; piece++) feed.push(counted(0, 480))
      for (let request = 0; request < 2; request++) {
        const drained = yield* Effect.exit(feed.drain())
        assert.deepStrictEqual(drained, Exit.failCause(Cause.fail(broken)))
      }
      assert.strictEqual(pushes, 2)
    }))

  it.effect("releases its utterance when the scope is closed", () =>
    Effect.gen(function*() {
      const { close, isBegun } = yield* setUp()
      assert.isTrue(isBegun())
      yield* close
      assert.isFalse(isBegun())
    }))
})

describe("partial transcripts", () => {
  it.effect("are requested only while they are wanted", () =>
    Effect.gen(function*() {
      const texts = yield* Queue.unbounded<string>()
      let requests = 0
      const stream = Stream.fromEffectRepeat(Effect.suspend(() => {
        requests++
        return Queue.take(texts)
      }))
      const { partials, partialsWanted } = yield* setUp({ partials: stream })
      assert.strictEqual(requests, 0)
      yield* partialsWanted.open
      yield* settle
      assert.strictEqual(requests, 1)
      yield* partialsWanted.close
      yield* Queue.offer(texts, "when")
      yield* settle
      assert.deepStrictEqual([partials, requests], [["when"], 1])
      yield* partialsWanted.open
      yield* Queue.offer(texts, "when are")
      yield* settle
      assert.deepStrictEqual(partials, ["when", "when are"])
    }))
})
