import { assert, describe, it } from "@effect/vitest"
import { setImmediate } from "node:timers/promises"
import * as Collector from "../../../src/runtime/Collector.ts"

describe("the collector", () => {
  it.each([["collect", Collector.collect], ["collectAll", Collector.collectAll]] as const)("frees unreachable objects: %s", async (_name, collect) => {
    const held = { name: "held" }
    const weak = [new WeakRef({ name: "not held" }), new WeakRef(held)] as const
    // Objects count as reachable until the end of the event loop's turn in which they were made.
    await setImmediate()
    collect()
    assert.isUndefined(weak[0].deref())
    assert.strictEqual(weak[1].deref(), held)
  })
})
