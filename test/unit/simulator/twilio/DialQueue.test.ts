import { assert, describe, it } from "@effect/vitest"
import { DialQueue } from "../../../../src/simulator/twilio/DialQueue.ts"

describe("the queue of calls by API", () => {
  it("begins so many calls a second, and lets the others wait for their turn", () => {
    const queue = new DialQueue(2)
    assert.deepStrictEqual([10_000, 10_000, 10_100, 11_000].map((now) => queue.join(now)), [0, 500, 900, 500])
  })

  it("lets nobody wait after a pause, and saves up no turns", () => {
    const queue = new DialQueue(1)
    assert.deepStrictEqual([1000, 60_000, 60_000].map((now) => queue.join(now)), [0, 0, 1000])
  })
})
