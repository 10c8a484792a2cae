import { assert, describe, it } from "@effect/vitest"
import type { TurnSettings } from "../../../../../src/conversation/turn/TurnState.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const endpointing = { ...Turns.settings.endpointing, dictation: 1600 }

/** The agent has asked this, and the caller has heard it. */
const after = (question: string, settings: Partial<TurnSettings> = {}) => {
  const turns = Turns.make({ endpointing, lines: { ...Turns.settings.lines, greeting: question }, ...settings })
  turns.greeted()
  return turns
}

/** The caller says a piece, and its transcript comes 160 ms after the last sound. */
const says = (turns: ReturnType<typeof Turns.make>, text: string, ending: "complete" | "trailing" | "unknown" = "unknown") => {
  turns.voice(600)
  turns.pass(96)
  turns.transcribed({ text, ending })
}

const answers = (turns: ReturnType<typeof Turns.make>) => turns.published("CallerSaid").map(({ text }) => text)

describe("a number that is dictated with pauses", () => {
  it("is one turn, and answered once", () => {
    const turns = after("What's your phone number?")
    says(turns, "555")
    turns.pass(500)
    says(turns, "555 123")
    turns.pass(500)
    says(turns, "555 123 4567")
    turns.pass(1000)
    assert.deepStrictEqual(answers(turns), ["555 123 4567"])
    assert.strictEqual(turns.count("Release"), 2)
  })

  it("is one turn for any question and any `ending` of the transcript", () => {
    const turns = after("How can I help you?")
    says(turns, "My number is five five five.", "complete")
    turns.pass(1200)
    assert.deepStrictEqual(answers(turns), [])
    says(turns, "My number is five five five. One two three.", "complete")
    turns.pass(1200)
    assert.deepStrictEqual(answers(turns), [])
    turns.pass(400)
    assert.strictEqual(answers(turns).length, 1)
  })

  it("ends `dictation` after the last sound, and as soon as usual when it is complete", () => {
    for (const [text, due] of [["555 123", 1600], ["555 123 4567", 300]] as const) {
      const turns = after("What's your phone number?")
      says(turns, text)
      turns.pass(due - 160 - 1)
      assert.deepStrictEqual(answers(turns), [], text)
      turns.pass(1)
      assert.deepStrictEqual(answers(turns), [text])
    }
  })

  it("does not delay the end of later turns", () => {
    const turns = after("What's your phone number?")
    says(turns, "555 123 4567")
    turns.pass(300)
    turns.answers("Thank you. What can I do for you?")
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    says(turns, "when are you open")
    turns.pass(140)
    assert.strictEqual(answers(turns).at(-1), "when are you open")
  })

  it("goes on if the transcript is late, but not later than `dictation`", () => {
    const turns = after("What's your phone number?")
    turns.voice(600)
    turns.pass(700)
    turns.transcribed({ text: "555", ending: "unknown" })
    assert.deepStrictEqual(answers(turns), [])
    turns.voice(600)
    turns.pass(700)
    turns.transcribed({ text: "555 123", ending: "unknown" })
    turns.pass(1600 - 764 - 1)
    assert.deepStrictEqual(answers(turns), [])
    turns.pass(1)
    assert.deepStrictEqual(answers(turns), ["555 123"])

    const late = after("What's your phone number?")
    late.voice(600)
    late.pass(2500)
    late.transcribed({ text: "555", ending: "unknown" })
    assert.deepStrictEqual(answers(late), ["555"])
  })

  it("ends at once with `#`", () => {
    const turns = after("What's your account number?")
    says(turns, "1234")
    turns.pass(200)
    turns.send({ _tag: "Digit", digit: "#" })
    assert.deepStrictEqual(answers(turns), ["1234"])
    turns.pass(5000)
    assert.strictEqual(turns.count("StartReply"), 1)
  })

  it("has no filler said into its pauses", () => {
    const turns = after("What's your phone number?", { fillers: { after: 900, lines: ["Let me see.", "One moment."] } })
    for (const text of ["555", "555 123"]) {
      says(turns, text)
      turns.pass(1200)
    }
    turns.voice(600)
    turns.pass(500)
    turns.transcribed({ text: "555 123 45", ending: "unknown" })
    turns.pass(900)
    assert.strictEqual(turns.published("AgentFills").length, 0)
  })

  it("is like other words if the agent's file has no time for dictation", () => {
    const turns = after("What's your phone number?", { endpointing: Turns.settings.endpointing })
    says(turns, "555")
    turns.pass(140)
    assert.deepStrictEqual(answers(turns), ["555"])
  })

  it("is recognized by the slot of the script, and in the agent's language", () => {
    const script = { intents: [{ needs: [{ slot: "phone", ask: "Which one is it?" }] }] }
    for (const [settings, said, isWaitedFor] of [[{ script }, "five", true], [{}, "five", false], [{ language: "de" }, "null eins sieben", true], [{ language: "fr" }, "null eins sieben", false]] as const) {
      const turns = after("Which one is it?", settings)
      says(turns, said)
      turns.pass(400)
      assert.strictEqual(answers(turns).length === 0, isWaitedFor, said)
    }
  })
})
