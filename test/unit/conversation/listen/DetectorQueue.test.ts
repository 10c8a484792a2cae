import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as DetectorQueue from "../../../../src/conversation/listen/DetectorQueue.ts"
import { EngineFailed, reasonOf } from "../../../../src/conversation/ports/Engine.ts"
import type { Detector } from "../../../../src/conversation/ports/VoiceActivity.ts"
import { settle } from "../../../support/service/Time.ts"

type Answer = Parameters<Detector["ask"]>[1]

/** A detector whose answers the test gives. */
const setUp = Effect.fnUntraced(function*(open?: Effect.Effect<Detector, EngineFailed>) {
  const requests: Array<{ readonly window: Pcm<8000>; readonly answer: Answer }> = []
  const troubles: Array<string> = []
  const detector: Detector = { ask: (window, answer) => void requests.push({ window, answer }) }
  const queue = yield* DetectorQueue.make({
    open: open ?? Effect.succeed(detector),
    openTimeout: "1 second",
    onTrouble: (cause) => troubles.push(reasonOf(cause))
  })
  return { queue, requests, troubles }
})

const window = (value: number): Pcm<8000> => new Int16Array(256).fill(value)

const broken = new EngineFailed({ stage: "voiceActivity", reason: "broken", advice: "It is a test." })

describe("windows that wait for the detector", () => {
  it.effect("reach it one at a time, in order", () =>
    Effect.gen(function*() {
      const { queue, requests } = yield* setUp()
      queue.feed(window(1))
      const asked = yield* Effect.forkChild(queue.ask(window(2)), { startImmediately: true })
      queue.feed(window(3))
      assert.deepStrictEqual(requests.map(({ window }) => window[0]), [1])
      requests[0].answer(Exit.succeed(0.1))
      assert.deepStrictEqual(requests.map(({ window }) => window[0]), [1, 2])
      requests[1].answer(Exit.succeed(0.2))
      assert.deepStrictEqual(requests.map(({ window }) => window[0]), [1, 2, 3])
      yield* settle
      assert.deepStrictEqual(asked.pollUnsafe(), Exit.succeed(0.2))
    }))

  it.effect("are copied if the detector's answer is ignored", () =>
    Effect.gen(function*() {
      const { queue, requests } = yield* setUp()
      const own = window(1)
      queue.feed(own)
      own.fill(2)
      assert.strictEqual(requests[0].window[0], 1)
    }))
})

describe("a detector", () => {
  it.effect("that fails gets no more windows, and the energy decides", () =>
    Effect.gen(function*() {
      const { queue, requests, troubles } = yield* setUp()
      assert.isTrue(queue.isReady())
      queue.feed(window(1))
      requests[0].answer(Exit.fail(broken))
      assert.isFalse(queue.isReady())
      assert.deepStrictEqual(troubles, ["broken"])
      assert.isUndefined(yield* queue.ask(window(2)))
      assert.strictEqual(requests.length, 1)
    }))

  it.effect("that takes more than 500 ms gets no windows until it answers", () =>
    Effect.gen(function*() {
      const { queue, requests, troubles } = yield* setUp()
      const asked = yield* Effect.forkChild(queue.ask(window(1)), { startImmediately: true })
      yield* TestClock.adjust(499)
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust(2)
      assert.deepStrictEqual(asked.pollUnsafe(), Exit.succeed(undefined))
      assert.deepStrictEqual(troubles, ["timeout"])
      assert.isFalse(queue.isReady())
      requests[0].answer(Exit.succeed(0.9))
      assert.isTrue(queue.isReady())
    }))

  it.effect("that can't be opened is reported", () =>
    Effect.gen(function*() {
      const { queue, troubles } = yield* setUp(Effect.fail(broken))
      assert.isFalse(queue.isReady())
      assert.deepStrictEqual(troubles, ["broken"])
    }))

  it.effect("that does not open in time is reported, and no window waits for it", () =>
    Effect.gen(function*() {
      const { queue, troubles } = yield* setUp(Effect.never)
      assert.isUndefined(yield* queue.ask(window(1)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(troubles, ["timeout"])
    }))

  it.effect("that throws is reported as broken", () =>
    Effect.gen(function*() {
      const thrown: Detector = {
        ask: () => {
          throw new TypeError("It is a mistake.")
        }
      }
      const causes: Array<Cause.Cause<EngineFailed>> = []
      const queue = yield* DetectorQueue.make({ open: Effect.succeed(thrown), openTimeout: "1 second", onTrouble: (cause) => causes.push(cause) })
      assert.isUndefined(yield* queue.ask(window(1)))
      assert.isTrue(causes.length === 1 && Cause.hasDies(causes[0]))
    }))
})
