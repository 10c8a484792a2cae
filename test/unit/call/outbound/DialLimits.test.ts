import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Result } from "effect"
import { make } from "../../../../src/call/outbound/DialLimits.ts"
import { PhoneNumber } from "../../../../src/domain/PhoneNumber.ts"

const hour = 3_600_000
const one = PhoneNumber.make("+14155550111")
const other = PhoneNumber.make("+14155550112")

const limits = (maxPerDay?: number, maxPerNumber?: number) =>
  make({ maxPerDay: Option.fromUndefinedOr(maxPerDay), maxPerNumber: Option.fromUndefinedOr(maxPerNumber) })

const failure = (result: ReturnType<ReturnType<typeof limits>["count"]>) =>
  Result.isFailure(result) ? { limit: result.failure.limit, waitMillis: Duration.toMillis(result.failure.retryAfter) } : undefined

describe("limits of dialling", () => {
  it("do not exist unless they are set", () => {
    const { count } = limits()
    for (let dial = 0; dial < 10_000; dial++) assert.isUndefined(failure(count(one, 0)))
  })

  it("hold for any 24 hours, in all", () => {
    const { count } = limits(2)
    assert.isUndefined(failure(count(one, 0)))
    assert.isUndefined(failure(count(other, 5 * hour)))
    assert.deepStrictEqual(failure(count(one, 6 * hour)), { limit: "DIAL_MAX_PER_DAY", waitMillis: 18 * hour })
    assert.isUndefined(failure(count(one, 24 * hour)))
    assert.deepStrictEqual(failure(count(one, 24 * hour)), { limit: "DIAL_MAX_PER_DAY", waitMillis: 5 * hour })
  })

  it("hold for each number", () => {
    const { count } = limits(undefined, 1)
    assert.isUndefined(failure(count(one, 0)))
    assert.deepStrictEqual(failure(count(one, hour)), { limit: "DIAL_MAX_PER_NUMBER", waitMillis: 23 * hour })
    assert.isUndefined(failure(count(other, hour)))
    assert.isUndefined(failure(count(one, 24 * hour)))
  })

  it("do not count a dial that is taken back, and a second time changes nothing", () => {
    const { count } = limits(2)
    const first = Result.getOrThrow(count(one, 0))
    Result.getOrThrow(count(one, 0))
    first()
    first()
    assert.isUndefined(failure(count(one, 0)))
    assert.isDefined(failure(count(one, 0)))
  })
})
