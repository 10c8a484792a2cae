import { assert, describe, it } from "@effect/vitest"
import { answering } from "../../../support/conversation/TurnMoments.ts"

describe("the times of a turn", () => {
  it("are reported once, counted from the caller's last voiced sample", () => {
    const turns = answering("Yes.")
    turns.pass(500)
    turns.heard()
    const measured = turns.published("TurnMeasured")
    assert.strictEqual(measured.length, 1)
    assert.strictEqual(measured[0].times.due, 250)
    assert.strictEqual(measured[0].times.endpoint, 250)
    assert.isAtLeast(measured[0].times.firstMark!, measured[0].times.firstMedia!)
  })
})
