import { assert, describe, it } from "@effect/vitest"
import { answering, asked, historyOf, silenceBeforeHangUpMillis } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

describe("silence", () => {
  it("asks whether the caller is there, then says goodbye and hangs up after the last mark", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.pass(8000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.pass(11_000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idleGoodbye)
    turns.play(2000)
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.pass(2000)
    turns.heard()
    turns.pass(silenceBeforeHangUpMillis)
    assert.strictEqual(turns.last("HangUp")?.reason, "idle")
  })

  it("with only coughs makes the agent ask, and then say goodbye", () => {
    const turns = Turns.make()
    turns.greeted()
    for (let cough = 0; cough < 60 && turns.count("HangUp") === 0; cough++) {
      const before = turns.count("Speak")
      turns.voice(150)
      turns.pass(150)
      if (turns.state.utterance !== undefined) turns.transcribed({ text: "", ending: "unknown" })
      turns.pass(700)
      if (turns.count("Speak") > before) {
        turns.play(1000)
        turns.pass(1000)
        turns.heard()
      }
    }
    assert.strictEqual(turns.last("HangUp")?.reason, "idle")
  })

  it("ends when the caller answers the goodbye", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.pass(8000)
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.pass(11_000)
    turns.play(3000)
    turns.pass(500)
    turns.voice(700)
    turns.pass(120)
    turns.transcribed("wait i am here")
    turns.pass(300)
    turns.answers("Good. What can I do for you?")
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    assert.strictEqual(turns.count("HangUp"), 0)
  })
})

describe("a goodbye", () => {
  it("ends the call only after the last mark", () => {
    const turns = asked("goodbye")
    turns.answers("Thank you. Goodbye.", { hangUp: true })
    turns.pass(300)
    turns.send({ _tag: "MarkReturned", reply: turns.last("Speak")!.reply, segment: 0 })
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.heard()
    turns.pass(silenceBeforeHangUpMillis - 1)
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.pass(1)
    assert.strictEqual(turns.last("HangUp")?.reason, "goodbye")
    assert.isTrue(turns.state.isEnded)
  })

  it("is said at the longest duration, and ends the call", () => {
    const turns = answering()
    turns.pass(Turns.settings.maxDuration)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.timeIsUp)
    turns.voice(2000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.timeIsUp)
    turns.heard()
    turns.pass(silenceBeforeHangUpMillis)
    assert.strictEqual(turns.last("HangUp")?.reason, "maxDuration")
  })

  it("stops an answer at the longest duration, which is no interruption by the caller", () => {
    const turns = asked("when are you open", { maxDuration: 16_000 })
    turns.answers("We are open from nine to five on every day of the week.")
    turns.pass(300)
    turns.play(4000)
    // The line is said 10 s before the longest duration.
    turns.pass(6000 - turns.now)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.timeIsUp)
    assert.strictEqual(turns.count("Clear"), 1)
    assert.strictEqual(turns.published("AgentHeard").at(-1)?.isWhole, false)
    assert.deepStrictEqual(turns.published("BargeIn"), [])
  })
})

describe("a caller who hangs up", () => {
  const moments: Readonly<Record<string, (turns: ReturnType<typeof Turns.make>) => void>> = {
    "before anything": () => {},
    "before the greeting": (turns) => turns.send({ _tag: "Began" }),
    "during the greeting": (turns) => {
      turns.send({ _tag: "Began" })
      turns.play()
    },
    "in silence": (turns) => turns.greeted(),
    "while speaking": (turns) => {
      turns.greeted()
      turns.send({ _tag: "VoiceStarted", since: turns.now })
    },
    "in the pause": (turns) => {
      turns.greeted()
      turns.voice(500)
    },
    "while the words are looked for": (turns) => {
      turns.greeted()
      turns.voice(500)
      turns.pass(1000)
    },
    "during a speculation": (turns) => {
      turns.greeted()
      turns.voice(500)
      turns.pass(120)
      turns.transcribed("when are you open")
      turns.send({ _tag: "ReplyText", reply: turns.last("StartReply")!.reply, text: "We are open from nine. And " })
    },
    "while the answer is made": (turns) => {
      turns.greeted()
      turns.voice(500)
      turns.pass(120)
      turns.transcribed("when are you open")
      turns.pass(300)
    },
    "between two keys": (turns) => {
      turns.greeted()
      turns.send({ _tag: "Digit", digit: "1" })
    }
  }

  for (const [moment, come] of Object.entries(moments)) {
    it(`${moment} leaves nothing behind`, () => {
      const turns = Turns.make()
      come(turns)
      turns.send({ _tag: "HungUp" })
      assert.isTrue(turns.state.isEnded)
      assert.deepStrictEqual(turns.state.timers, {})
      assert.deepStrictEqual(turns.published("Ended").map(({ reason }) => reason), ["callerHungUp"])
      assert.strictEqual(turns.count("BeginUtterance"), turns.count("EndUtterance"))
      const cancelled = turns.all.filter(turns.tag("CancelReply")).map(({ reply }) => reply)
      for (const { reply } of turns.all.filter(turns.tag("StartReply"))) assert.include(cancelled, reply)
      // The end is reported once.
      assert.deepStrictEqual(turns.send({ _tag: "HungUp" }), [])
    })
  }

  it("in the middle of an answer leaves the heard part in the history", () => {
    const turns = answering()
    turns.pass(2000)
    turns.send({ _tag: "HungUp" })
    assert.strictEqual(historyOf(turns).at(-1), "agent: We are open from nine to")
  })
})
