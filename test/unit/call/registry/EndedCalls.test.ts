import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as EndedCalls from "../../../../src/call/registry/EndedCalls.ts"
import { callSid } from "../../../support/conversation/Samples.ts"

const hour = 60 * 60 * 1000

describe("a call that has ended", () => {
  it("is known for a day, and forgotten then", () => {
    const ended = EndedCalls.make()
    ended.add(callSid(1), true, 0)
    assert.isTrue(ended.isConfirmed(callSid(1), 24 * hour - 1))
    assert.isFalse(ended.isConfirmed(callSid(1), 24 * hour))
    assert.isFalse(ended.has(callSid(1), 24 * hour))
    ended.forgetOld(24 * hour)
    assert.strictEqual(ended.size(), 0)
  })

  it("without Twilio's confirmation is known, but not over", () => {
    const ended = EndedCalls.make()
    ended.add(callSid(1), false, 0)
    assert.isTrue(ended.has(callSid(1), 1))
    assert.isFalse(ended.isConfirmed(callSid(1), 1))
    assert.isFalse(ended.has(callSid(2), 1))
  })

  it("is over for a day from Twilio's confirmation on, and nothing revokes the confirmation", () => {
    const ended = EndedCalls.make()
    ended.add(callSid(1), false, 0)
    ended.add(callSid(1), true, 20 * hour)
    ended.add(callSid(1), false, 21 * hour)
    ended.add(callSid(1), true, 22 * hour)
    assert.isTrue(ended.isConfirmed(callSid(1), 44 * hour - 1))
    assert.isFalse(ended.has(callSid(1), 44 * hour))
  })

  it("makes room for newer ones when there are too many", () => {
    const ended = EndedCalls.make(3)
    for (let index = 1; index <= 5; index++) ended.add(callSid(index), true, index)
    assert.strictEqual(ended.size(), 3)
    assert.deepStrictEqual([1, 2, 3, 4, 5].filter((index) => ended.isConfirmed(callSid(index), 10)), [3, 4, 5])
  })
})

describe("whatever ends, in any order", () => {
  const Step = Schema.Struct({
    call: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })),
    isConfirmed: Schema.Boolean,
    hours: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
  })

  it.prop("the answers agree with the list of all ends that were added", [Schema.Array(Step)], ([steps]) => {
    const ended = EndedCalls.make()
    const last = new Map<number, { at: number; isConfirmed: boolean }>()
    let now = 0
    for (const { call, hours, isConfirmed } of steps) {
      now += hours * hour
      for (const [index, { at }] of last) if (now - at >= 24 * hour) last.delete(index)
      ended.add(callSid(call), isConfirmed, now)
      if (last.get(call)?.isConfirmed !== true) last.set(call, { at: now, isConfirmed })
      for (let index = 1; index <= 8; index++) {
        assert.strictEqual(ended.has(callSid(index), now), last.has(index))
        assert.strictEqual(ended.isConfirmed(callSid(index), now), last.get(index)?.isConfirmed === true)
      }
      ended.forgetOld(now)
      assert.strictEqual(ended.size(), last.size)
    }
  })
})
