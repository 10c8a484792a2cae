import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as PacedQueue from "../../../../src/call/media/PacedQueue.ts"
import { settle } from "../../../support/service/Time.ts"

const open = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  /** What was sent: frames as the value of each one's first byte, and when they play. */
  const sent: Array<{ readonly frames: ReadonlyArray<number>; readonly playsAt: number } | string> = []
  let cleared = 0
  const queue = yield* PacedQueue.make({
    now,
    counts: {
      addTaken: () => {},
      addStale: () => {},
      addSent: () => {},
      addCleared: (frames) => {
        cleared += frames
      },
      report: () => {}
    },
    sender: {
      sendFrames: (mulaw, playsAt) =>
        void sent.push({ frames: Array.from({ length: mulaw.length / 160 }, (_, index) => mulaw[index * 160]), playsAt }),
      sendMark: (name) => void sent.push(name),
      sendClear: () => {}
    }
  })
  return { queue, sent, cleared: () => cleared, frames: () => sent.flatMap((one): ReadonlyArray<number | string> => typeof one === "string" ? [one] : one.frames) }
})

/** Frames whose bytes are their numbers. */
const frames = (first: number, count: number) => {
  const bytes = new Uint8Array(count * 160)
  for (let frame = 0; frame < count; frame++) bytes.fill(first + frame, frame * 160, (frame + 1) * 160)
  return bytes
}
const numbers = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)

describe("frames", () => {
  it.effect("up to the lead leave at once, and the others later, all in order", () =>
    Effect.gen(function*() {
      const { frames: sent, queue } = yield* open
      yield* Effect.forkScoped(queue.offerFrames(frames(0, 50), queue.generation()))
      yield* settle
      assert.deepStrictEqual(sent(), numbers(0, 10))
      assert.isAbove(queue.unsentFrames(), 0)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(sent(), numbers(0, 50))
      assert.strictEqual(queue.unsentFrames(), 0)
    }))

  it.effect("are sent with the moment at which they play, without gaps between them", () =>
    Effect.gen(function*() {
      const { queue, sent } = yield* open
      yield* TestClock.adjust("1 second")
      yield* Effect.forkScoped(queue.offerFrames(frames(0, 50), queue.generation()))
      yield* TestClock.adjust("3 seconds")
      // After a pause, playback begins anew.
      yield* queue.offerFrames(frames(50, 2), queue.generation())
      let expected = 1000
      for (const one of sent) {
        if (typeof one === "string") continue
        if (one.frames[0] === 50) expected = 4000
        assert.closeTo(one.playsAt, expected, 0.001)
        expected += one.frames.length * 20
      }
      assert.closeTo(expected, 4040, 0.001)
    }))

  it.effect("may be overwritten as soon as they were offered", () =>
    Effect.gen(function*() {
      const { frames: sent, queue } = yield* open
      const bytes = frames(0, 15)
      yield* queue.offerFrames(bytes, queue.generation())
      bytes.fill(99)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(sent(), numbers(0, 15))
    }))
})

describe("markers", () => {
  it.effect("keep their place between frames", () =>
    Effect.gen(function*() {
      const { frames: sent, queue } = yield* open
      let notified: ReadonlyArray<number | string> = []
      yield* queue.offerMarker({ _tag: "Mark", name: "first" }, queue.generation())
      yield* queue.offerFrames(frames(0, 12), queue.generation())
      yield* queue.offerMarker({ _tag: "Mark", name: "second" }, queue.generation())
      yield* queue.offerMarker({
        _tag: "Sent",
        notify: () => {
          notified = sent()
        }
      }, queue.generation())
      yield* queue.offerFrames(frames(12, 1), queue.generation())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(notified, ["first", ...numbers(0, 12), "second"])
      assert.deepStrictEqual(sent(), ["first", ...numbers(0, 12), "second", 12])
    }))
})

describe("clear", () => {
  it.effect("throws away unsent frames and later frames of the same generation, and counts each once", () =>
    Effect.gen(function*() {
      const { cleared, frames: sent, queue } = yield* open
      const before = queue.generation()
      yield* Effect.forkScoped(queue.offerFrames(frames(0, 100), before))
      yield* settle
      yield* queue.clear
      yield* settle
      yield* queue.offerMarker({ _tag: "Mark", name: "old" }, before)
      yield* queue.offerFrames(frames(100, 5), queue.generation())
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(sent(), [...numbers(0, 10), ...numbers(100, 5)])
      assert.strictEqual(cleared(), 90)
      assert.notStrictEqual(queue.generation(), before)
    }))
})
