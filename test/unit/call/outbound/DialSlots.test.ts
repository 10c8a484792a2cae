import { assert, describe, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import * as DialSlots from "../../../../src/call/outbound/DialSlots.ts"

/** The wait in ms, or `later` with the time after which to try again. */
const outcome = (taken: ReturnType<DialSlots.DialSlots["take"]>) =>
  Result.isSuccess(taken) ? taken.success : `later ${Duration.toMillis(taken.failure.retryAfter)}`

describe("turns", () => {
  it("are evenly spaced, and not saved up in a pause", () => {
    const slots = DialSlots.make(2)
    const waits = [-50, -50, 0, 10_000, 10_000].map((now) => outcome(slots.take(now)))
    assert.deepStrictEqual(waits, [0, 500, 950, 0, 500])
  })

  it("that are more than ten seconds away are refused, and not used up", () => {
    const slots = DialSlots.make(0.1)
    assert.strictEqual(outcome(slots.take(0)), 0)
    assert.strictEqual(outcome(slots.take(0)), 10_000)
    assert.strictEqual(outcome(slots.take(0)), "later 20000")
    assert.strictEqual(outcome(slots.take(5000)), "later 15000")
    assert.strictEqual(outcome(slots.take(20_000)), 0)
  })
})
