import { assert, describe, it } from "@effect/vitest"
import type { PhoneNumber } from "../../../../../src/domain/PhoneNumber.ts"
import { asked } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const transfers = { reception: "+14155550177" as PhoneNumber }

describe("a transfer", () => {
  const transferring = (to = "reception") => {
    const turns = asked("a person please", { transfers })
    turns.answers("I will put you through.", { transfer: to })
    turns.pass(300)
    turns.play(1500)
    return turns
  }

  it("happens when all of the reply has been heard", () => {
    const turns = transferring()
    turns.pass(1500)
    assert.strictEqual(turns.count("Transfer"), 0)
    turns.heard()
    assert.strictEqual(turns.last("Transfer")?.to, "reception")
    turns.send({ _tag: "Transferred" })
    assert.strictEqual(turns.published("Ended").at(-1)?.reason, "transferred")
    assert.strictEqual(turns.count("HangUp"), 0)
  })

  it("that fails is followed by an apology, and the conversation goes on", () => {
    const turns = transferring()
    turns.pass(1500)
    turns.heard()
    turns.send({ _tag: "TransferFailed", reason: "rejected" })
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.transferFailed)
    assert.deepStrictEqual(turns.published("TransferFailed").map(({ reason, to }) => [to, reason]), [["reception", "rejected"]])
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.voice(800)
    turns.pass(120)
    turns.transcribed("when are you open")
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "when are you open")
  })

  it("fails for a name that is not in the agent's file", () => {
    for (const to of ["boss", "toString"]) {
      const turns = transferring(to)
      turns.pass(1500)
      turns.heard()
      assert.strictEqual(turns.count("Transfer"), 0)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.transferFailed)
    }
  })

  it("does not happen when the caller interrupts the words before it", () => {
    const turns = transferring()
    turns.pass(500)
    turns.voice(700)
    turns.pass(120)
    turns.transcribed("no wait")
    turns.pass(300)
    turns.answers("All right.")
    turns.play(500)
    turns.pass(500)
    turns.heard()
    assert.strictEqual(turns.count("Transfer"), 0)
  })

  it("ignores the caller's words meanwhile, and does not prompt a silent caller", () => {
    const turns = transferring()
    turns.pass(1500)
    turns.heard()
    const before = turns.count("BeginUtterance")
    turns.voice(700)
    turns.send({ _tag: "Digit", digit: "1" })
    turns.pass(30_000)
    assert.strictEqual(turns.count("BeginUtterance"), before)
    assert.strictEqual(turns.last("Speak")?.text, "I will put you through.")
  })
})
