import { assert, describe, it } from "@effect/vitest"
import { Unsettled } from "../../../src/store/writer/Unsettled.ts"
import { sidOf } from "../../support/store/Writes.ts"

describe("writes that the database does not have yet", () => {
  it("call a watcher when the last one of its call is stored", () => {
    const unsettled = new Unsettled()
    let reports = 0
    unsettled.add(sidOf(1))
    unsettled.add(sidOf(1))
    unsettled.add(sidOf(2))
    unsettled.watch(sidOf(1), () => reports++)
    unsettled.remove(sidOf(1))
    assert.strictEqual(reports, 0)
    unsettled.remove(sidOf(1))
    assert.strictEqual(reports, 1)
  })

  it("call a watcher at once if it comes after the last write", () => {
    let reports = 0
    new Unsettled().watch(sidOf(1), () => reports++)
    assert.strictEqual(reports, 1)
  })
})
