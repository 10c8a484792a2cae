import { assert, describe, it } from "@effect/vitest"
import { fill, slotsIn } from "../../../src/definition/DialogScript.ts"

describe("an answer", () => {
  it("lists its slots in order, with repetitions", () => {
    assert.deepStrictEqual(slotsIn("On {day} at {time}, { day }."), ["day", "time", "day"])
    assert.deepStrictEqual(slotsIn("Hello."), [])
  })

  it("holds the values of its slots", () => {
    const values = new Map([["day", "Monday"], ["time", "ten"]])
    assert.strictEqual(fill("On {day} at {time}.", values), "On Monday at ten.")
    assert.strictEqual(fill("On {day} at { time }.", values), "On Monday at ten.")
  })

  it("leaves out a slot without a value, and the blank before it", () => {
    assert.strictEqual(fill("We are open {day} till five.", new Map()), "We are open till five.")
    assert.strictEqual(fill("{day}", new Map()), "")
  })

  it("does not look for slots in values", () => {
    assert.strictEqual(fill("{a}", new Map([["a", "{b}"], ["b", "no"]])), "{b}")
  })
})
