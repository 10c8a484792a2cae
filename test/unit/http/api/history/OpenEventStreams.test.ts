/**
 * At its end the service waits for the watchers of its calls.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { OpenEventStreams } from "../../../../../src/http/api/history/OpenEventStreams.ts"

const waiting = Effect.gen(function*() {
  const { ended } = yield* OpenEventStreams
  return yield* Effect.forkChild(ended, { startImmediately: true })
})

const isOver = (fiber: Fiber.Fiber<void>) => fiber.pollUnsafe() !== undefined

describe("the end of the service", () => {
  it.effect("does not wait if nobody watches", () =>
    Effect.gen(function*() {
      assert.isTrue(isOver(yield* waiting))
    }).pipe(Effect.provide(OpenEventStreams.layer)))

  it.effect("waits until the last watcher has all events", () =>
    Effect.gen(function*() {
      const { countUntilClosed } = yield* OpenEventStreams
      const scopes = [yield* Scope.make(), yield* Scope.make()]
      for (const scope of scopes) yield* Scope.provide(countUntilClosed, scope)
      const end = yield* waiting
      yield* Scope.close(scopes[0], Exit.void)
      yield* TestClock.adjust("1 second")
      assert.isFalse(isOver(end), "one still reads")
      yield* Scope.close(scopes[1], Exit.void)
      yield* TestClock.adjust("20 millis")
      assert.isTrue(isOver(end))
    }).pipe(Effect.provide(OpenEventStreams.layer)))

  it.effect("waits two seconds at most for a watcher that does not read", () =>
    Effect.gen(function*() {
      const { countUntilClosed } = yield* OpenEventStreams
      yield* Effect.scoped(Effect.gen(function*() {
        yield* countUntilClosed
        const end = yield* waiting
        yield* TestClock.adjust("1900 millis")
        assert.isFalse(isOver(end))
        yield* TestClock.adjust("100 millis")
        assert.isTrue(isOver(end))
      }))
    }).pipe(Effect.provide(OpenEventStreams.layer)))
})
