import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Stream } from "effect"
import * as FrameQueue from "../../../../../src/twilio/media/inbound/FrameQueue.ts"
import { settle } from "../../../../support/service/Time.ts"

const turnOfTheLoop = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

describe("FrameQueue", () => {
  it.effect("returns all waiting elements as one batch, in order, then ends", () =>
    Effect.gen(function*() {
      const queue = FrameQueue.make<number>(5)
      for (const element of [1, 2, 3]) assert.isUndefined(queue.offer(element, 0))
      queue.end()
      const batches = yield* Stream.runCollect(Stream.chunks(queue.stream))
      assert.deepStrictEqual(batches.map((batch) => [...batch]), [[1, 2, 3]])
    }))

  it.effect("drops the oldest element when it is full, and returns how long it had waited", () =>
    Effect.gen(function*() {
      const queue = FrameQueue.make<number>(2)
      const waited = [1, 2, 3, 4].map((element) => queue.offer(element, element * element * 10))
      assert.deepStrictEqual(waited, [undefined, undefined, 80, 120])
      queue.end()
      assert.deepStrictEqual(yield* Stream.runCollect(queue.stream), [3, 4])
    }))

  it.effect("drops the oldest elements while too much weight waits, but never the newest", () =>
    Effect.gen(function*() {
      const queue = FrameQueue.make<number>(10, (weight) => weight, 10)
      for (const weight of [4, 5]) queue.offer(weight, weight)
      assert.isUndefined(queue.dropExcess(9))
      queue.offer(6, 9)
      assert.deepStrictEqual([queue.dropExcess(9), queue.dropExcess(9), queue.dropExcess(9)], [5, 4, undefined])
      queue.offer(50, 10)
      assert.deepStrictEqual([queue.dropExcess(20), queue.dropExcess(20)], [11, undefined])
      queue.end()
      assert.deepStrictEqual(yield* Stream.runCollect(queue.stream), [50])
    }))

  it.effect("takes nothing after its end", () =>
    Effect.gen(function*() {
      const queue = FrameQueue.make<number>(2)
      queue.end()
      queue.offer(1, 0)
      assert.deepStrictEqual(yield* Stream.runCollect(queue.stream), [])
    }))

  it.effect("ends a reader that waits", () =>
    Effect.gen(function*() {
      const queue = FrameQueue.make<number>(2)
      const reader = yield* Effect.forkScoped(Stream.runCollect(queue.stream))
      yield* settle
      queue.end()
      assert.deepStrictEqual(yield* Fiber.join(reader), [])
    }))

  it.live("wakes a reader that waits, over and over", () =>
    Effect.gen(function*() {
      const queue = FrameQueue.make<number>(10)
      const reader = yield* Effect.forkScoped(Stream.runCollect(Stream.take(queue.stream, 100)))
      for (let element = 0; element < 100; element++) {
        queue.offer(element, 0)
        yield* turnOfTheLoop
      }
      assert.deepStrictEqual(yield* Fiber.join(reader), Array.from({ length: 100 }, (_, index) => index))
    }))

  it.live("wakes many readers a few in each turn of the event loop", () =>
    Effect.gen(function*() {
      const queues = Array.from({ length: 100 }, () => FrameQueue.make<number>(5))
      let woken = 0
      const readers = yield* Effect.forEach(queues, ({ stream }) =>
        Effect.forkScoped(Stream.runForEach(stream, () => Effect.sync(() => woken++)), { startImmediately: true }))
      for (const queue of queues) queue.offer(1, 0)
      const turns: Array<number> = []
      while (woken < queues.length && turns.length < queues.length) {
        yield* turnOfTheLoop
        turns.push(woken)
      }
      assert.isAbove(turns.length, 3)
      for (const [turn, count] of turns.entries()) assert.isAtMost(count - (turns[turn - 1] ?? 0), 50)
      for (const queue of queues) queue.end()
      yield* Effect.forEach(readers, Fiber.join)
      assert.strictEqual(woken, queues.length)
    }))

  it.effect("race: a waiting reader still reads an element that came right before the end", () =>
    Effect.gen(function*() {
      const queue = FrameQueue.make<number>(5)
      const reader = yield* Effect.forkScoped(Stream.runCollect(queue.stream))
      yield* settle
      queue.offer(1, 0)
      queue.offer(2, 0)
      queue.end()
      assert.deepStrictEqual(yield* Fiber.join(reader), [1, 2])
    }))

  describe("runForEachArray", () => {
    it.live("uses batch after batch, in order, until the end", () =>
      Effect.gen(function*() {
        const queue = FrameQueue.make<number>(10)
        const used: Array<ReadonlyArray<number>> = []
        queue.offer(1, 0)
        queue.offer(2, 0)
        const run = yield* Effect.forkScoped(queue.runForEachArray((batch) => {
          used.push(batch)
          return Effect.void
        }), { startImmediately: true })
        for (const element of [3, 4, 5]) {
          queue.offer(element, 0)
          yield* turnOfTheLoop
        }
        queue.offer(6, 0)
        queue.end()
        yield* Fiber.join(run)
        assert.deepStrictEqual(used, [[1, 2], [3], [4], [5], [6]])
      }))

    it.live("uses the elements that waited at the end", () =>
      Effect.gen(function*() {
        const queue = FrameQueue.make<number>(10)
        let used = 0
        queue.offer(1, 0)
        queue.end()
        yield* queue.runForEachArray((batch) => {
          used += batch.length
          return Effect.void
        })
        assert.strictEqual(used, 1)
      }))

    it.live("waits for a use that takes time, and makes elements that come meanwhile the next batch", () =>
      Effect.gen(function*() {
        const queue = FrameQueue.make<number>(10)
        const gate = yield* Deferred.make<void>()
        const used: Array<ReadonlyArray<number>> = []
        const run = yield* Effect.forkScoped(queue.runForEachArray((batch) => {
          used.push(batch)
          return batch[0] === 1 ? Deferred.await(gate) : Effect.void
        }), { startImmediately: true })
        for (const element of [1, 2, 3]) {
          queue.offer(element, 0)
          yield* turnOfTheLoop
        }
        assert.deepStrictEqual(used, [[1]])
        yield* Deferred.succeed(gate, undefined)
        queue.end()
        yield* Fiber.join(run)
        assert.deepStrictEqual(used, [[1], [2, 3]])
      }))

    it.live("fails when a use fails, and dies when a use throws", () =>
      Effect.gen(function*() {
        const failing = FrameQueue.make<number>(10)
        failing.offer(1, 0)
        assert.strictEqual(yield* Effect.flip(failing.runForEachArray(() => Effect.fail("no"))), "no")
        const throwing = FrameQueue.make<number>(10)
        throwing.offer(1, 0)
        const exit = yield* Effect.exit(throwing.runForEachArray(() => {
          throw new Error("a mistake")
        }))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }))

    it.live("race: uses no further element after an interruption", () =>
      Effect.gen(function*() {
        const queue = FrameQueue.make<number>(10)
        let used = 0
        const run = yield* Effect.forkScoped(queue.runForEachArray(() => {
          used++
          return Effect.void
        }), { startImmediately: true })
        queue.offer(1, 0)
        yield* Fiber.interrupt(run)
        yield* turnOfTheLoop
        assert.strictEqual(used, 0)
      }))
  })
})
