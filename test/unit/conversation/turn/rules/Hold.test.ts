import { assert, describe, it } from "@effect/vitest"
import type { TurnSettings } from "../../../../../src/conversation/turn/TurnState.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const holding: Partial<TurnSettings> = {
  lines: { ...Turns.settings.lines, hold: "Of course, take your time." },
  idle: { ...Turns.settings.idle, hold: 60_000 }
}

const says = (turns: ReturnType<typeof Turns.make>, text: string, millis = 800) => {
  turns.voice(millis)
  turns.pass(100)
  turns.transcribed(text)
  turns.pass(300)
}

/** The caller has asked the agent to wait, and has heard that it will. */
const onHold = (settings: Partial<TurnSettings> = {}) => {
  const turns = Turns.make({ ...holding, ...settings })
  turns.greeted()
  says(turns, "Hold on a minute.")
  turns.play(1000)
  turns.pass(1000)
  turns.heard()
  return turns
}

const history = (turns: ReturnType<typeof Turns.make>) => turns.state.history.slice(1).map(({ role, text }) => `${role}: ${text}`)

describe("a caller who asks to wait", () => {
  it("hears the hold line, without a model, and is not prompted for a minute", () => {
    const turns = onHold()
    assert.strictEqual(turns.count("StartReply"), 0)
    assert.deepStrictEqual(history(turns), ["caller: Hold on a minute.", "agent: Of course, take your time."])
    const spoken = turns.count("Speak")
    turns.pass(58_000)
    assert.strictEqual(turns.count("Speak"), spoken)
    turns.pass(1500)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.pass(10_000)
    assert.strictEqual(turns.count("HangUp"), 0)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
    turns.pass(2000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idleGoodbye)
  })

  it("ends the wait with the next words, and is then prompted after the usual silence", () => {
    const turns = onHold()
    turns.pass(30_000)
    says(turns, "I would like an appointment")
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "I would like an appointment")
    turns.answers("On which day?")
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.pass(8000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
  })

  it("ends the wait by a key", () => {
    const turns = onHold()
    for (const digit of ["1", "#"]) turns.send({ _tag: "Digit", digit })
    assert.strictEqual(turns.count("StartReply"), 1)
    assert.isUndefined(turns.state.onHoldUntil)
  })

  for (const [what, transcript] of [
    ["a noise", { text: "", ending: "unknown" }],
    ["a backchannel", Turns.complete("Uh-huh.")],
    ["thanks", Turns.complete("Okay, thank you.")],
    ["a talk in the background", { text: "", ending: "unknown", isUnintelligible: true }]
  ] as const) {
    it(`does not end the wait by ${what}`, () => {
      const turns = onHold()
      for (let time = 0; time < 5; time++) {
        turns.pass(9000)
        turns.voice(900)
        turns.pass(100)
        turns.transcribed(transcript)
        turns.pass(300)
      }
      assert.strictEqual(turns.count("StartReply"), 0)
      assert.strictEqual(turns.last("Speak")?.text, "Of course, take your time.")
      turns.pass(9000)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
    })
  }

  it("may ask again for another minute", () => {
    const turns = onHold()
    turns.pass(50_000)
    says(turns, "One moment please.")
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.pass(55_000)
    assert.strictEqual(turns.last("Speak")?.text, "Of course, take your time.")
  })

  it("may interrupt the agent with the request", () => {
    const turns = Turns.make(holding)
    turns.greeted()
    says(turns, "when are you open")
    turns.answers("We are open from nine to five on every day of the week.")
    turns.play(4000)
    turns.pass(1000)
    says(turns, "Wait a second.")
    assert.strictEqual(turns.count("Clear"), 1)
    assert.strictEqual(turns.last("Speak")?.text, "Of course, take your time.")
    assert.strictEqual(turns.last("Release")?.reply, turns.last("Speak")?.reply)
  })

  it("is answered if another request follows in the same utterance", () => {
    const turns = Turns.make(holding)
    turns.greeted()
    says(turns, "Hold on, I need to book a table.")
    assert.strictEqual(turns.count("StartReply"), 1)
    assert.isUndefined(turns.state.onHoldUntil)
  })

  it("is answered by the model if there is no hold line, and the agent waits", () => {
    for (const hold of ["", undefined]) {
      const turns = Turns.make({ ...holding, lines: { ...Turns.settings.lines, ...(hold === undefined ? {} : { hold }) } })
      turns.greeted()
      says(turns, "Hold on a minute.")
      turns.answers("Sure.")
      turns.play(1000)
      turns.pass(1000)
      turns.heard()
      turns.pass(50_000)
      assert.strictEqual(turns.last("Speak")?.text, "Sure.")
      turns.pass(9000)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
    }
  })

  it("makes the agent wait even if there is no hold line and the model says nothing", () => {
    const turns = Turns.make({ ...holding, lines: Turns.settings.lines })
    turns.greeted()
    turns.voice(800)
    turns.pass(100)
    turns.transcribed("Hold on a minute.")
    turns.send({ _tag: "ReplyDone", reply: turns.last("StartReply")!.reply })
    turns.pass(50_000)
    assert.isUndefined(turns.state.active)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.greeting)
    turns.pass(11_000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
  })
})
