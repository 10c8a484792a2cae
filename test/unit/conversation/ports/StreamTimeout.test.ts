import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as StreamTimeout from "../../../../src/conversation/ports/StreamTimeout.ts"
import { settle } from "../../../support/service/Time.ts"

/** A stream that the test feeds, with a timeout of 100 ms. The processing of an element takes `millis`. `taken`: the processed elements. */
const open = Effect.fnUntraced(function*(millis = 0) {
  const queue = yield* Queue.unbounded<number, Cause.Done | "broken">()
  const taken: Array<number> = []
  let isInterrupted = false
  const fiber = yield* Effect.forkScoped(Effect.exit(StreamTimeout.runForEach(
    Stream.fromQueue(queue).pipe(Stream.onExit((exit) =>
      Effect.sync(() => {
        isInterrupted = Exit.hasInterrupts(exit)
      })
    )),
    {
      millis: 100,
      onTimeout: () => "late" as const,
      each: (element) => Effect.andThen(Effect.sleep(millis), Effect.sync(() => taken.push(element)))
    }
  )))
  yield* settle
  return {
    queue,
    taken,
    isInterrupted: () => isInterrupted,
    isOver: () => fiber.pollUnsafe() !== undefined,
    exit: Fiber.join(fiber)
  }
})

describe("a stream with a timeout", () => {
  it.effect("is run to its end, in order", () =>
    Effect.gen(function*() {
      const { exit, queue, taken } = yield* open()
      yield* Queue.offerAll(queue, [1, 2, 3])
      yield* Queue.end(queue)
      yield* TestClock.adjust("1 millis")
      assert.isTrue(Exit.isSuccess(yield* exit))
      assert.deepStrictEqual(taken, [1, 2, 3])
    }))

  it.effect("may take the whole timeout for each element", () =>
    Effect.gen(function*() {
      const { exit, isOver, queue, taken } = yield* open()
      for (let element = 0; element < 10; element++) {
        yield* TestClock.adjust("99 millis")
        yield* Queue.offer(queue, element)
        yield* settle
      }
      assert.strictEqual(taken.length, 10)
      assert.isFalse(isOver())
      yield* TestClock.adjust("99 millis")
      assert.isFalse(isOver())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* exit, Exit.fail("late"))
    }))

  it.effect("fails when the first element or the end is late", () =>
    Effect.gen(function*() {
      const first = yield* open()
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* first.exit, Exit.fail("late"))
      assert.isTrue(first.isInterrupted())
    }))

  it.effect("is not late because the processing of an element takes long", () =>
    Effect.gen(function*() {
      const { exit, isOver, queue, taken } = yield* open(350)
      yield* Queue.offerAll(queue, [1, 2])
      yield* TestClock.adjust("720 millis")
      assert.deepStrictEqual(taken, [1, 2])
      assert.isFalse(isOver())
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(yield* exit, Exit.fail("late"))
    }))

  it.effect("fails with the stream's error", () =>
    Effect.gen(function*() {
      const { exit, queue } = yield* open()
      yield* Queue.fail(queue, "broken")
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* exit, Exit.fail("broken"))
    }))
})
