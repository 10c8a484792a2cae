import { assert, describe, it } from "@effect/vitest"
import { Timeline } from "../../../../src/simulator/report/Timeline.ts"

describe("a timeline", () => {
  it("knows the stretches of sound without a break, up to where they were cut", () => {
    const timeline = new Timeline()
    for (const at of [100, 260, 420, 1000]) timeline.put(at, new Uint8Array(160))
    timeline.put(2000, new Uint8Array(0))
    assert.deepStrictEqual(timeline.stretches, [{ from: 100, to: 580 }, { from: 1000, to: 1160 }])
    timeline.cut(1100)
    assert.deepStrictEqual(timeline.stretches, [{ from: 100, to: 580 }, { from: 1000, to: 1100 }])
    timeline.cut(300)
    assert.deepStrictEqual(timeline.stretches, [{ from: 100, to: 300 }])
    timeline.put(300, new Uint8Array(160))
    assert.deepStrictEqual(timeline.stretches, [{ from: 100, to: 460 }])
    assert.strictEqual(timeline.end, 460)
  })
})
