import { assert, describe, it } from "@effect/vitest"
import * as Turns from "../../../../support/conversation/Turns.ts"

describe("the endpoint", () => {
  it("comes after the silence, counted from the last voiced sample", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(800)
    const stopped = turns.now - 64
    turns.pass(120)
    turns.transcribed({ text: "well", ending: "unknown" })
    turns.pass(300 - (turns.now - stopped) - 1)
    assert.strictEqual(turns.count("Release"), 1)
    turns.pass(1)
    assert.strictEqual(turns.count("Release"), 2)
    assert.deepStrictEqual(turns.published("CallerSaid").map(({ text }) => text), ["well"])
  })

  it("comes sooner when the transcript is complete, and later when it trails off", () => {
    for (const [ending, due] of [["complete", 250], ["trailing", 800]] as const) {
      const turns = Turns.make()
      turns.greeted()
      turns.voice(800)
      const stopped = turns.now - 64
      turns.pass(120)
      turns.transcribed({ text: "on monday", ending })
      turns.pass(due - (turns.now - stopped) - 1)
      assert.strictEqual(turns.count("Release"), 1, ending)
      turns.pass(1)
      assert.strictEqual(turns.count("Release"), 2, ending)
    }
  })

  it("waits for a late transcript", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(800)
    turns.pass(1000)
    assert.strictEqual(turns.count("StartReply"), 0)
    turns.transcribed("when are you open")
    assert.strictEqual(turns.count("StartReply"), 1)
    assert.strictEqual(turns.count("Release"), 2)
  })
})
