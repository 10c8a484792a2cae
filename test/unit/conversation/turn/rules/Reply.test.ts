import { assert, describe, it } from "@effect/vitest"
import { asked, silenceBeforeHangUpMillis } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

describe("early speech", () => {
  it("begins with the first clause before the reply is written", () => {
    const turns = asked()
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "Yes of course, on which day would you " })
    assert.strictEqual(turns.last("Speak")?.text, "Yes of course,")
    turns.send({ _tag: "ReplyText", reply, text: "like to come? We " })
    assert.strictEqual(turns.last("Speak")?.text, "on which day would you like to come?")
  })

  it("has no markup", () => {
    const turns = asked()
    turns.answers("We are **open** from `nine` to five.")
    assert.strictEqual(turns.last("Speak")?.text, "We are open from nine to five.")
  })
})

describe("a reply that is cut short", () => {
  it("is said up to its last whole sentence", () => {
    const turns = asked("when do you open")
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "We open at nine. On Saturdays we close" })
    turns.send({ _tag: "ReplyCutShort", reply })
    turns.send({ _tag: "ReplyDone", reply })
    turns.pass(300)
    assert.strictEqual(turns.last("Speak")?.text, "We open at nine.")
    turns.heard()
    assert.strictEqual(turns.last("Speak")?.text, "We open at nine.")
  })
})

describe("a failure of an engine", () => {
  const fail = (turns: ReturnType<typeof Turns.make>) => {
    const { attempt, utterance } = turns.last("Transcribe")!
    turns.send({ _tag: "TranscriptionFailed", utterance, attempt, reason: "timeout" })
  }

  it("at a transcription is retried once, then the agent apologises", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(500)
    turns.pass(130)
    fail(turns)
    assert.strictEqual(turns.count("Transcribe"), 2)
    fail(turns)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
  })

  it("at a reply without text is retried once, then the agent apologises", () => {
    const turns = asked()
    turns.pass(300)
    turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "unavailable" })
    assert.strictEqual(turns.count("StartReply"), 2)
    turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "unavailable" })
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
  })

  it("within a reply makes the agent apologise after the words so far", () => {
    const turns = asked()
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "We are open from nine. And on Sat" })
    turns.pass(300)
    turns.send({ _tag: "ReplyFailed", reply, reason: "broken" })
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
    assert.strictEqual(turns.last("Speak")?.reply, reply)
  })

  it("at speech is retried once, then the agent apologises, and the third failure in a row ends the call", () => {
    const turns = asked()
    turns.answers("We are open from nine to five.")
    turns.pass(300)
    for (let attempt = 0; attempt < 12 && turns.count("HangUp") === 0; attempt++) {
      const { reply, segment } = turns.last("Speak")!
      turns.send({ _tag: "SpeechFailed", reply, segment, hadSound: false, reason: "broken" })
    }
    assert.strictEqual(turns.last("HangUp")?.reason, "engineFailed")
    const spoken = turns.all.filter(turns.tag("Speak")).map(({ text }) => text)
    assert.include(spoken, Turns.settings.lines.apology)
    assert.include(spoken, Turns.settings.lines.failure)
  })

  it("at speech loses no keys that the model has named, and presses them once, after its last words", () => {
    const turns = asked()
    turns.pass(300)
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "I am pressing the keys. One " })
    turns.send({ _tag: "ReplyDigits", reply, digits: "12" })
    const { segment, text } = turns.last("Speak")!
    assert.strictEqual(text, "I am pressing the keys.")
    turns.send({ _tag: "SpeechFailed", reply, segment, hadSound: false, reason: "broken" })
    assert.strictEqual(turns.count("Speak"), 3)
    assert.strictEqual(turns.count("Press"), 0)
    turns.send({ _tag: "ReplyText", reply, text: "moment." })
    turns.send({ _tag: "ReplyDone", reply })
    assert.deepStrictEqual(turns.all.filter(turns.tag("Press")).map(({ digits }) => digits), ["12"])
    assert.isAbove(turns.last("Press")!.segment, turns.last("Speak")!.segment)
  })

  it("at a preemptive reply is retried at the endpoint", () => {
    const turns = asked()
    turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "broken" })
    turns.pass(300)
    assert.strictEqual(turns.count("StartReply"), 2)
    assert.strictEqual(turns.last("Release")?.reply, turns.last("StartReply")?.reply)
  })

  for (const failure of [{ reason: "refused" }, { reason: "unavailable", isSpent: true }, { reason: "timeout", isSpent: true }] as const) {
    const what = `${failure.reason}${"isSpent" in failure ? " after all retries" : ""}`

    it(`at a reply (${what}) is not retried`, () => {
      const turns = asked()
      turns.pass(300)
      turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, ...failure })
      assert.strictEqual(turns.count("StartReply"), 1)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
    })

    it(`at a preemptive reply (${what}) is not retried at the endpoint`, () => {
      const turns = asked()
      const { reply } = turns.last("StartReply")!
      turns.send({ _tag: "ReplyFailed", reply, ...failure })
      assert.strictEqual(turns.count("Speak"), 1)
      turns.pass(300)
      assert.strictEqual(turns.count("StartReply"), 1)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
      assert.strictEqual(turns.all.filter(turns.tag("CancelReply")).filter((cancelled) => cancelled.reply === reply).length, 1)
    })

    it(`at a preemptive reply (${what}) does not prevent a reply to further words`, () => {
      const turns = asked()
      turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, ...failure })
      turns.voice(500)
      turns.pass(130)
      turns.transcribed("when are you open on Sunday")
      turns.pass(300)
      assert.strictEqual(turns.count("StartReply"), 2)
      assert.strictEqual(turns.last("Release")?.reply, turns.last("StartReply")?.reply)
    })

    it(`at a transcription or at speech (${what}) is not retried`, () => {
      const hearing = Turns.make()
      hearing.greeted()
      hearing.voice(500)
      hearing.pass(130)
      const { attempt, utterance } = hearing.last("Transcribe")!
      hearing.send({ _tag: "TranscriptionFailed", utterance, attempt, ...failure })
      assert.strictEqual(hearing.count("Transcribe"), 1)
      assert.strictEqual(hearing.last("Speak")?.text, Turns.settings.lines.apology)

      const speaking = asked()
      speaking.answers("We are open from nine to five.")
      speaking.pass(300)
      const { reply, segment } = speaking.last("Speak")!
      speaking.send({ _tag: "SpeechFailed", reply, segment, hadSound: false, ...failure })
      assert.strictEqual(speaking.last("Speak")?.text, Turns.settings.lines.apology)
    })
  }

  it("within a reply counts even if the apology is heard, and the third failure ends the call", () => {
    const turns = asked()
    for (let attempt = 1; attempt <= 3; attempt++) {
      if (attempt > 1) {
        turns.voice(500)
        turns.pass(130)
        turns.transcribed("when are you open")
      }
      turns.pass(300)
      const { reply } = turns.last("StartReply")!
      turns.send({ _tag: "ReplyText", reply, text: "We open at nine, and then " })
      turns.send({ _tag: "ReplyFailed", reply, reason: "broken" })
      assert.strictEqual(turns.last("Speak")?.text, attempt < 3 ? Turns.settings.lines.apology : Turns.settings.lines.failure)
      turns.play(500)
      turns.pass(1000)
      for (const { segment } of turns.all.filter(turns.tag("Speak")).filter((spoken) => spoken.reply === reply)) {
        turns.send({ _tag: "MarkReturned", reply, segment })
      }
    }
    turns.pass(silenceBeforeHangUpMillis)
    assert.strictEqual(turns.last("HangUp")?.reason, "engineFailed")
  })

  it("is forgotten after a good turn", () => {
    const turns = asked()
    turns.pass(300)
    for (let attempt = 0; attempt < 2; attempt++) {
      turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "unavailable" })
    }
    assert.strictEqual(turns.state.failuresInRow, 1)
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.voice(500)
    turns.pass(130)
    turns.transcribed("when are you open")
    turns.answers("From nine.")
    turns.pass(300)
    turns.play(500)
    turns.pass(500)
    turns.heard()
    assert.strictEqual(turns.state.failuresInRow, 0)
  })
})
