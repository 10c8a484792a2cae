import { assert, describe, it } from "@effect/vitest"
import { answering } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

describe("keys", () => {
  it("are answered after a pause, or at once with #", () => {
    const turns = Turns.make()
    turns.greeted()
    for (const digit of ["4", "2"]) turns.send({ _tag: "Digit", digit })
    assert.strictEqual(turns.count("StartReply"), 0)
    turns.send({ _tag: "Digit", digit: "#" })
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "4 2")
  })

  it("stop the agent at once", () => {
    const turns = answering()
    turns.pass(500)
    turns.send({ _tag: "Digit", digit: "1" })
    assert.strictEqual(turns.count("Clear"), 1)
    turns.pass(1500)
    assert.strictEqual(turns.published("CallerSaid").at(-1)?.text, "1")
  })

  it("during speech are answered together with the words", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(300)
    turns.send({ _tag: "Digit", digit: "1" })
    turns.pass(2000)
    assert.strictEqual(turns.count("StartReply"), 0)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(130)
    turns.transcribed("on monday")
    turns.pass(300)
    assert.deepStrictEqual(turns.published("CallerSaid").map(({ text }) => text), ["on monday", "1"])
  })
})
