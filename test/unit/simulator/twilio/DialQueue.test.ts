import { assert, describe, it } from "@effect/vitest"
import { DialQueue } from "../../../../src/simulator/twilio/DialQueue.ts"

describe("the queue of calls by API", () => {
  it("begins a limited number of calls a second, and lets the others wait", () => {
    const queue = new DialQueue(2)
    assert.deepStrictEqual([10_000, 10_000, 10_100, 11_000].map((now) => queue.join(now)), [0, 500, 900, 500])
  })

  it("begins a call at once after a pause, and does not catch up afterwards", () => {
    const queue = new DialQueue(1)
    assert.deepStrictEqual([1000, 60_000, 60_000].map((now) => queue.join(now)), [0, 0, 1000])
  })
})
