import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CallClock } from "../../../../../src/simulator/twilio/stream/CallClock.ts"

const make = (answeredAt: bigint) => Effect.map(Clock.Clock, (clock) => new CallClock(clock, answeredAt))

const Sample = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8000 * 3600 }))
const Nanos = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000_000 }))

describe("a call's clock", () => {
  it.effect("counts ms and samples from the answer, and not from the start of the process", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("3 seconds")
      const clock = yield* make(2_500_000_000n)
      assert.strictEqual(clock.millis(clock.now()), 500)
      assert.strictEqual(clock.samples(clock.now()), 4000)
      // A moment before the answer has a negative time.
      assert.strictEqual(clock.millis(2_000_000_000n), -500)
    }))

  it.effect.prop("knows the sample by the moment at which it is played", [Sample, Nanos], ([sample, answeredAt]) =>
    Effect.gen(function*() {
      const clock = yield* make(BigInt(answeredAt))
      assert.strictEqual(clock.samples(clock.momentOf(sample)), sample)
      assert.isTrue(clock.momentOf(sample) < clock.momentOf(sample + 1))
    }))

  it.effect("sleeps until a moment, up to a millisecond longer and never shorter", () =>
    Effect.gen(function*() {
      const clock = yield* make(0n)
      const sleeping = yield* Effect.forkChild(Effect.as(clock.sleepUntil(10_400_000n), "awake"), { startImmediately: true })
      yield* TestClock.adjust("10 millis")
      assert.isUndefined(sleeping.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(sleeping), "awake")
    }))

  it.effect("does not sleep until a moment that is over", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 second")
      const clock = yield* make(0n)
      yield* clock.sleepUntil(1_000_000_000n)
      yield* clock.sleepUntil(1n)
    }))

  it.effect("sleeps on if a timer fires early", () =>
    Effect.gen(function*() {
      const real = yield* Clock.Clock
      // Half a millisecond early, as Node's timers may be.
      let now = 0n
      const slept: Array<bigint> = []
      const early: Clock.Clock = {
        ...real,
        monotonicTimeNanosUnsafe: () => now,
        sleep: () =>
          Effect.sync(() => {
            now += slept.length === 0 ? 19_500_000n : 1_000_000n
            slept.push(now)
          })
      }
      yield* Effect.provideService(new CallClock(early, 0n).sleepUntil(20_000_000n), Clock.Clock, early)
      assert.deepStrictEqual(slept, [19_500_000n, 20_500_000n])
    }))
})
