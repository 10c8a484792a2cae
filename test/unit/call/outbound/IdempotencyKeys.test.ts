import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as IdempotencyKeys from "../../../../src/call/outbound/IdempotencyKeys.ts"
import { settle } from "../../../support/service/Time.ts"

const make = () => IdempotencyKeys.make<number, string>((error) => error === "final")

/** Runs the work for the key's first request, as a client of the keys does. */
const once = Effect.fnUntraced(function*(
  keys: ReturnType<typeof make>,
  key: string,
  work: Effect.Effect<number, string>,
  fingerprint = "same"
) {
  const claim = yield* keys.claim(key, fingerprint)
  return yield* claim._tag === "First" ? claim.settle(work) : claim.outcome
})

describe("an idempotency key", () => {
  it.effect("runs the work of its first request, and gives the outcome to later requests", () =>
    Effect.gen(function*() {
      const keys = make()
      let runs = 0
      const work = Effect.sync(() => ++runs).pipe(Effect.delay("1 second"))
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkScoped(once(keys, "k", work)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), [1, 1, 1])
      assert.strictEqual(yield* once(keys, "other", Effect.succeed(7)), 7)
    }))

  it.effect("with another request is a conflict", () =>
    Effect.gen(function*() {
      const keys = make()
      yield* once(keys, "k", Effect.succeed(1))
      const error = yield* Effect.flip(once(keys, "k", Effect.succeed(2), "another"))
      assert.strictEqual(typeof error === "string" ? error : error._tag, "IdempotencyConflict")
    }))

  it.effect("keeps a final failure, and can be used again after any other failure", () =>
    Effect.gen(function*() {
      const keys = make()
      for (const [failure, again] of [["final", "final"], ["temporary", 5]] as const) {
        assert.strictEqual(yield* Effect.flip(once(keys, failure, Effect.fail(failure))), failure)
        assert.strictEqual(yield* Effect.catch(once(keys, failure, Effect.succeed(5)), Effect.succeed), again)
      }
    }))

  it.effect("is forgotten after a day, or when there are 10 000 newer keys", () =>
    Effect.gen(function*() {
      const keys = make()
      yield* once(keys, "old", Effect.succeed(1))
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(yield* once(keys, "old", Effect.succeed(2)), 1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* once(keys, "old", Effect.succeed(2)), 2)
      for (let index = 0; index < 10_000; index++) yield* keys.claim(`k${index}`, "same")
      yield* settle
      assert.strictEqual(yield* once(keys, "old", Effect.succeed(3)), 3)
    }))
})
