import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as SlidingInbox from "../../src/twilio/SlidingInbox.ts"
import { settle } from "../fakes/Time.ts"

describe("SlidingInbox", () => {
  it.effect("gives all that waits as one batch, in order, and ends", () =>
    Effect.gen(function*() {
      const inbox = SlidingInbox.make<number>(5)
      for (const element of [1, 2, 3]) assert.isTrue(inbox.offer(element))
      inbox.end()
      const batches = yield* Stream.runCollect(Stream.chunks(inbox.stream))
      assert.deepStrictEqual(batches.map((batch) => [...batch]), [[1, 2, 3]])
    }))

  it.effect("drops the oldest when it is full, and says so", () =>
    Effect.gen(function*() {
      const inbox = SlidingInbox.make<number>(2)
      assert.deepStrictEqual([1, 2, 3, 4].map((element) => inbox.offer(element)), [true, true, false, false])
      inbox.end()
      assert.deepStrictEqual(yield* Stream.runCollect(inbox.stream), [3, 4])
    }))

  it.effect("takes nothing after its end", () =>
    Effect.gen(function*() {
      const inbox = SlidingInbox.make<number>(2)
      inbox.end()
      inbox.offer(1)
      assert.deepStrictEqual(yield* Stream.runCollect(inbox.stream), [])
    }))

  it.effect("ends a reader that waits", () =>
    Effect.gen(function*() {
      const inbox = SlidingInbox.make<number>(2)
      const reader = yield* Effect.forkScoped(Stream.runCollect(inbox.stream))
      yield* settle
      inbox.end()
      assert.deepStrictEqual(yield* Fiber.join(reader), [])
    }))

  it.live("wakes a reader that waits, over and over", () =>
    Effect.gen(function*() {
      const inbox = SlidingInbox.make<number>(10)
      const reader = yield* Effect.forkScoped(Stream.runCollect(Stream.take(inbox.stream, 100)))
      for (let element = 0; element < 100; element++) {
        inbox.offer(element)
        yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      }
      assert.deepStrictEqual(yield* Fiber.join(reader), Array.from({ length: 100 }, (_, index) => index))
    }))

  it.effect("race: what came right before the end is still read by a reader that waits", () =>
    Effect.gen(function*() {
      const inbox = SlidingInbox.make<number>(5)
      const reader = yield* Effect.forkScoped(Stream.runCollect(inbox.stream))
      yield* settle
      inbox.offer(1)
      inbox.offer(2)
      inbox.end()
      assert.deepStrictEqual(yield* Fiber.join(reader), [1, 2])
    }))
})
