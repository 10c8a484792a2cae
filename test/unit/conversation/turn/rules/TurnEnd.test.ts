import { assert, describe, it } from "@effect/vitest"
import { answering, asked, historyOf } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

describe("a preemptive reply", () => {
  it("begins in the pause, and its sound waits for the endpoint", () => {
    const turns = asked()
    assert.strictEqual(turns.count("StartReply"), 1)
    turns.answers("We are open from nine to five.")
    assert.strictEqual(turns.count("Release"), 1)
    turns.pass(200)
    assert.strictEqual(turns.count("Release"), 2)
    assert.strictEqual(turns.count("StartReply"), 1)
    assert.strictEqual(turns.published("AgentSays").at(-1)?.text, "We are open from nine to five.")
  })

  it("is dropped when the caller goes on, and the caller's earlier words still count", () => {
    const turns = asked("i would like an appointment")
    const first = turns.last("StartReply")?.reply
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    assert.strictEqual(turns.last("CancelReply")?.reply, first)
    turns.pass(600)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(130)
    turns.transcribed("i would like an appointment on monday")
    turns.pass(300)
    assert.deepStrictEqual(turns.published("CallerSaid").map(({ text }) => text), ["i would like an appointment on monday"])
    assert.strictEqual(turns.last("Release")?.reply, turns.last("StartReply")?.reply)
  })

  it("leaves no trace in the dialogue's state when it is dropped", () => {
    const turns = asked()
    turns.answers("Fine.", { state: { asked: "day" } })
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    assert.isNull(turns.state.dialogue)
  })

  it("changes the dialogue's state once it is the answer", () => {
    const turns = asked()
    turns.answers("Fine.", { state: { asked: "day" } })
    turns.pass(300)
    assert.deepStrictEqual(turns.state.dialogue, { asked: "day" })
  })
})

describe("a false interruption", () => {
  for (const [what, transcript] of [
    ["a cough", { text: "", ending: "unknown" }],
    ["a backchannel", Turns.complete("Uh-huh.")]
  ] as const) {
    it(`by ${what} makes the agent say the unheard rest`, () => {
      const turns = answering()
      turns.pass(1000)
      turns.voice(400)
      assert.strictEqual(turns.count("Clear"), 1)
      turns.pass(120)
      turns.transcribed(transcript)
      turns.pass(300)
      assert.strictEqual(turns.published("Resumed").length, 1)
      assert.notInclude(turns.last("Speak")!.text, "We are open")
      assert.include(turns.last("Speak")!.text, "day of the week.")
      turns.play(2000)
      turns.pass(2000)
      turns.heard()
      assert.strictEqual(historyOf(turns).at(-1), "agent: We are open from nine to five on every day of the week.")
    })
  }

  it("by a short backchannel does not stop the agent", () => {
    const turns = answering()
    turns.pass(1000)
    turns.voice(120)
    turns.pass(120)
    turns.transcribed("okay")
    turns.pass(300)
    assert.strictEqual(turns.count("Clear"), 0)
    assert.strictEqual(turns.published("CallerSaid").length, 1)
  })

  it("does not include a yes at the very end of a question", () => {
    const turns = answering("Shall I book that for you?")
    turns.pass(3900)
    turns.voice(300)
    turns.pass(120)
    turns.transcribed("yes")
    turns.pass(300)
    assert.strictEqual(turns.published("CallerSaid").at(-1)?.text, "yes")
  })

  it("is no turn when the agent waits", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(300)
    turns.pass(120)
    turns.transcribed({ text: "", ending: "unknown" })
    turns.pass(300)
    assert.strictEqual(turns.count("StartReply"), 0)
    assert.strictEqual(turns.published("CallerSaid").length, 0)
  })

  it("by a mumble makes the agent say the unheard rest, but longer speech is a turn", () => {
    for (const [millis, isTurn] of [[500, false], [1100, true]] as const) {
      const turns = answering()
      turns.pass(600)
      turns.voice(millis)
      turns.pass(120)
      turns.transcribed({ text: "", isUnintelligible: true, ending: "unknown" })
      turns.pass(300)
      assert.strictEqual(turns.published("Resumed").length, isTurn ? 0 : 1)
      assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text === "", isTurn)
    }
  })

  it("is none if nobody understands the speech in the agent's silence", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(900)
    turns.pass(120)
    turns.transcribed({ text: "", isUnintelligible: true, ending: "unknown" })
    turns.pass(300)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "")
  })
})
