import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Retries from "../../../../src/engines/failover/Retries.ts"
import * as TimeShares from "../../../../src/engines/failover/TimeShares.ts"

/** When (ms) a request is made that always fails at once, until the caller waits no longer. */
const moments = (budget: number, tried: Omit<Retries.FailedTry, "tries" | "left">) => {
  const all = [0]
  for (let now = 0;;) {
    const wait = Retries.waitBeforeRetry({ ...tried, tries: all.length, left: budget - now })
    if (wait === undefined) return all
    now += wait
    all.push(now)
  }
}

const Budget = Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 30_000 }))

describe("a request that failed", () => {
  it("is made again during all of the time, which bridges a restart of three to six seconds", () => {
    assert.deepStrictEqual(moments(8000, { reason: "unavailable" }), [0, 250, 750, 1750, 2750, 3750, 4750, 5750, 6750, 7700])
  })

  it.prop("is made again within a second of the server's return, whenever that is", [Budget, Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))], ([budget, share]) => {
    const back = share * (budget - 300)
    const next = moments(budget, { reason: "unavailable" }).find((at) => at >= back)
    assert.isDefined(next)
    assert.isAtMost(next! - back, 1000)
    assert.isAtMost(next!, budget - 300)
  })

  it.each(
    [
      ["refused", 1],
      ["empty", 1],
      ["timeout", 1],
      ["broken", 3]
    ] as const
  )("with the reason %s is made %i times", (reason, times) => assert.strictEqual(moments(10_000, { reason }).length, times))

  it("waits for as long as the server asks, if the caller waits that long", () => {
    const after = (retryAfter: number, left: number) => Retries.waitBeforeRetry({ reason: "unavailable", tries: 1, left, retryAfter })
    assert.strictEqual(after(300, 8000), 300)
    assert.strictEqual(after(7000, 8000), 7000)
    assert.isUndefined(after(9000, 8000))
  })

  it("is not made again if the server has been away for longer than a restart takes", () => {
    assert.deepStrictEqual(moments(8000, { reason: "unavailable", unreachableFor: 60_000 }), [0])
  })
})

describe("the time that a caller waits", () => {
  it.prop("is never exceeded; its last part is kept for an embedded engine, and the hedge begins after a sixth at the latest", [Budget], ([budget]) => {
    const whole = TimeShares.untilGivenUp(budget)
    const beside = TimeShares.untilStandIn(budget)
    assert.isBelow(whole, budget)
    assert.isAtLeast(whole, 0.95 * budget)
    assert.isAtLeast(beside, 0.7 * budget)
    assert.isAtLeast(whole - beside, Math.min(2000, budget / 4))
    assert.isAtMost(TimeShares.hedgeAfter(budget, 100), budget / 6)
  })

  it("delays the hedge by two seconds at most, however long it is", () => {
    assert.deepStrictEqual([3000, 5000, 15_000, 60_000].map((budget) => TimeShares.hedgeAfter(budget, 500)), [500, 5000 / 6, 2000, 2000])
  })
})
