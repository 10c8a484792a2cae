import { assert, describe, it } from "@effect/vitest"
import { Duration, Option } from "effect"
import { type Attempt, delays, judge, retryAfterMillis } from "../../../src/delivery/RetrySchedule.ts"

const now = Date.UTC(2026, 0, 1)
const answered = (status: number, retryAfter?: string): Attempt => ({ _tag: "Answered", status, retryAfter })
const silent: Attempt = { _tag: "NoAnswer", why: "it refuses connections", isPermanent: false }

describe("a webhook after an attempt", () => {
  it.each([200, 201, 204, 299])("is delivered if the answer is %i", (status) => assert.deepStrictEqual(judge(answered(status), 1, now, 0), { _tag: "Delivered" }))

  it.each([100, 301, 307, 400, 401, 404, 429, 500, 503])("is tried again after five seconds if the answer is %i", (status) => {
    const verdict = judge(answered(status), 1, now, 0)
    assert.strictEqual(verdict._tag === "Retry" ? verdict.afterMillis : undefined, 5000)
  })

  it("has failed if the answer is 410: the receiver does not want it any more", () => assert.strictEqual(judge(answered(410), 1, now, 0)._tag, "Failed"))

  it("is tried again for a day, ever more seldom, and then given up", () => {
    let waited = 0
    let last = 0
    let attempts = 1
    for (;; attempts++) {
      const verdict = judge(silent, attempts, now, 0)
      if (verdict._tag !== "Retry") {
        assert.deepStrictEqual(verdict, { _tag: "Failed", why: "it refuses connections" })
        break
      }
      waited += verdict.afterMillis
      last = verdict.afterMillis
    }
    assert.strictEqual(attempts, delays.length + 1)
    assert.closeTo(waited, Duration.toMillis("24 hours"), Duration.toMillis("1 minute"))
    assert.isAbove(last, Duration.toMillis("6 hours"))
  })

  it("is given up at once if another attempt can't succeed", () =>
    assert.deepStrictEqual(judge({ ...silent, isPermanent: true }, 1, now, 0), { _tag: "Failed", why: "it refuses connections" }))

  it("waits up to a tenth longer, so that webhooks are not tried again together", () => {
    const verdict = judge(silent, 2, now, 1)
    assert.strictEqual(verdict._tag === "Retry" ? verdict.afterMillis : 0, 330_000)
  })

  it.each([
    ["120", 120_000],
    ["2", 5000],
    ["Thu, 01 Jan 2026 00:10:00 GMT", 600_000],
    ["999999999", 36_000_000],
    ["soon", 5000],
    ["", 5000]
  ])("waits as long as the receiver asks for: Retry-After: %s", (retryAfter, expected) => {
    const verdict = judge(answered(429, retryAfter), 1, now, 0)
    assert.strictEqual(verdict._tag === "Retry" ? verdict.afterMillis : undefined, expected)
  })

  it("does not wait for a date in the past", () => assert.deepStrictEqual(retryAfterMillis("Wed, 31 Dec 2025 00:00:00 GMT", now), Option.some(0)))
})
