import { assert, describe, it } from "@effect/vitest"
import type { PhoneNumber } from "../../../../../src/domain/PhoneNumber.ts"
import { answering, asked, historyOf } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const resumed = Turns.settings.lines.resumed ?? ""

const spoken = (turns: Turns.Turns): ReadonlyArray<string> => turns.all.flatMap((command) => command._tag === "Speak" ? [command.text] : [])

/** Plays every requested segment to its end. */
const hearAll = (turns: Turns.Turns): void => {
  for (const { reply, segment } of turns.all.filter(turns.tag("Speak"))) {
    turns.send({ _tag: "SpeechBegan", reply, segment })
    turns.send({ _tag: "MediaSent", reply, segment })
    turns.send({ _tag: "SpeechEnded", reply, segment, duration: 1000 })
    turns.pass(1000)
    turns.send({ _tag: "MarkReturned", reply, segment })
  }
}

/** A noise interrupts the first requested segment shortly after its beginning. */
const interruptByNoise = (turns: Turns.Turns): void => {
  const notice = turns.all.find(turns.tag("Speak"))
  turns.send({ _tag: "SpeechBegan", reply: notice?.reply ?? 0, segment: notice?.segment ?? 0 })
  turns.send({ _tag: "MediaSent", reply: notice?.reply ?? 0, segment: notice?.segment ?? 0 })
  turns.pass(200)
  turns.send({ _tag: "VoiceStarted", since: turns.now })
  turns.pass(250)
  turns.send({ _tag: "VoiceStopped", since: turns.now })
  turns.pass(120)
  turns.transcribed("")
  turns.pass(300)
}

/** The agent answers in two sentences, and the caller has heard the first. */
const halfHeard = (more: Parameters<Turns.Turns["answers"]>[1] = {}) => {
  const turns = asked("when are you open", { transfers: { reception: "+14155550177" as PhoneNumber } })
  turns.answers("We are open from nine to five. On Sundays we are closed the whole day.", more)
  turns.pass(300)
  const [first, second] = turns.all.filter(turns.tag("Speak")).slice(-2)
  for (const { reply, segment } of [first, second]) {
    turns.send({ _tag: "SpeechBegan", reply, segment })
    turns.send({ _tag: "MediaSent", reply, segment })
    turns.send({ _tag: "SpeechEnded", reply, segment, duration: 2000 })
  }
  turns.pass(2000)
  turns.send({ _tag: "MarkReturned", reply: first.reply, segment: first.segment })
  turns.pass(1000)
  return turns
}

describe("a conversation whose line was cut while the agent spoke", () => {
  it("says that it was cut off, and then only what the caller has not heard", () => {
    const turns = Turns.reconnect(halfHeard())
    assert.deepStrictEqual(spoken(turns), [resumed, "On Sundays we are closed the whole day."])
    assert.deepStrictEqual(historyOf(turns).slice(-2), ["caller: when are you open", "agent: We are open from nine to five."])
  })

  it("has both halves in its history once the rest was heard", () => {
    const turns = Turns.reconnect(halfHeard())
    hearAll(turns)
    assert.strictEqual(historyOf(turns).at(-1), `agent: ${resumed} On Sundays we are closed the whole day.`)
    assert.isUndefined(turns.state.active)
  })

  it("does not count the notice as a part of the answer if a noise interrupts the notice", () => {
    const turns = Turns.reconnect(halfHeard())
    interruptByNoise(turns)
    assert.strictEqual(turns.published("Resumed").length, 1)
    assert.deepStrictEqual(spoken(Turns.reconnect(turns)), [resumed, "On Sundays we are closed the whole day."])
  })

  it("says the whole answer if its first segment was still playing", () => {
    const turns = Turns.reconnect(answering("We are open from nine to five."))
    assert.deepStrictEqual(spoken(turns), [resumed, "We are open from nine to five."])
  })

  it("asks the model again if the caller had heard nothing of an unfinished answer", () => {
    const before = asked()
    before.pass(300)
    const reply = before.last("StartReply")?.reply ?? 0
    before.send({ _tag: "ReplyText", reply, text: "We are open from nine" })
    const turns = Turns.reconnect(before)
    assert.deepStrictEqual(spoken(turns), [resumed])
    assert.deepStrictEqual(turns.last("StartReply")?.request.history.map(({ text }) => text), ["Hello, how can I help you?", "when are you open"])
    turns.answers("From nine to five.")
    assert.deepStrictEqual(spoken(turns), [resumed, "From nine to five."])
  })

  describe("before the model had written the whole answer", () => {
    /** The caller has heard the first of two sentences. The model is in the middle of the third. */
    const halfWritten = () => {
      const before = asked()
      before.pass(300)
      const reply = before.last("StartReply")?.reply ?? 0
      before.send({ _tag: "ReplyText", reply, text: "We are open from nine to five. On Sundays we are closed the whole day. On holidays we" })
      const [first, second] = before.all.filter(before.tag("Speak")).slice(-2)
      for (const { segment } of [first, second]) {
        before.send({ _tag: "SpeechBegan", reply, segment })
        before.send({ _tag: "MediaSent", reply, segment })
        before.send({ _tag: "SpeechEnded", reply, segment, duration: 2000 })
      }
      before.pass(2000)
      before.send({ _tag: "MarkReturned", reply, segment: first.segment })
      return before
    }
    const sunday = "On Sundays we are closed the whole day."
    const historyAsked = (turns: Turns.Turns) => turns.last("StartReply")?.request.history.map(({ text }) => text).slice(1)

    it("says the whole sentences that were written, and asks the model for the rest", () => {
      const turns = Turns.reconnect(halfWritten())
      assert.deepStrictEqual(spoken(turns), [resumed, sunday])
      assert.isTrue(turns.last("StartReply")?.request.isResumed)
      assert.deepStrictEqual(historyAsked(turns), ["when are you open", "We are open from nine to five.", sunday])
      turns.answers("On holidays we open at ten.")
      assert.deepStrictEqual(spoken(turns), [resumed, sunday, "On holidays we open at ten."])
      hearAll(turns)
      assert.strictEqual(historyOf(turns).at(-1), `agent: ${resumed} ${sunday} On holidays we open at ten.`)
    })

    it("is followed by the caller's turn if the model adds nothing", () => {
      const turns = Turns.reconnect(halfWritten())
      hearAll(turns)
      turns.answers("")
      assert.isUndefined(turns.state.active)
      assert.isDefined(turns.state.timers.idle)
    })

    it("does the same after another cut, even if nothing was heard in between", () => {
      const between = Turns.reconnect(halfWritten())
      between.send({ _tag: "ReplyText", reply: between.last("StartReply")?.reply ?? 0, text: "On holidays we open at ten. And in" })
      const turns = Turns.reconnect(between)
      assert.deepStrictEqual(spoken(turns), [resumed, sunday, "On holidays we open at ten."])
      assert.isTrue(turns.last("StartReply")?.request.isResumed)
      assert.deepStrictEqual(historyAsked(turns), ["when are you open", "We are open from nine to five.", `${sunday} On holidays we open at ten.`])
    })
  })

  it("asks the model again after another cut, if only \"we were cut off\" was heard in between", () => {
    const before = asked()
    const between = Turns.reconnect(before)
    between.play()
    between.heard()
    const turns = Turns.reconnect(between)
    assert.deepStrictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "when are you open")
    assert.deepStrictEqual(spoken(turns), [resumed])
  })

  it("continues the numbers of its replies, so that a mark of the old stream is ignored", () => {
    const before = halfHeard()
    const turns = Turns.reconnect(before)
    assert.isAbove(turns.last("Speak")?.reply ?? 0, before.last("Speak")?.reply ?? 0)
  })

  for (
    const [what, more, hasDone] of [
      ["hangs up", { hangUp: true }, (turns: Turns.Turns) => turns.pass(1000).some(({ _tag }) => _tag === "HangUp")],
      ["transfers the call", { transfer: "reception" }, (turns: Turns.Turns) => turns.last("Transfer")?.to === "reception"],
      ["presses its keys", { digits: "12#" }, (turns: Turns.Turns) => turns.last("Press")?.digits === "12#"]
    ] as const
  ) {
    it(`${what} after the rest, as it would have`, () => {
      const turns = Turns.reconnect(halfHeard(more))
      hearAll(turns)
      assert.isTrue(hasDone(turns))
    })
  }

  it("does not press keys again that may have been pressed", () => {
    const before = asked()
    before.answers("", { digits: "1" })
    before.pass(300)
    before.play(500)
    assert.strictEqual(before.count("Press"), 1)
    assert.strictEqual(Turns.reconnect(before).count("Press"), 0)
  })

  it("goes on with the greeting", () => {
    const before = Turns.make()
    before.send({ _tag: "Began" })
    before.play(2000)
    before.pass(500)
    const turns = Turns.reconnect(before)
    assert.deepStrictEqual(spoken(turns), [resumed, "Hello, how can I help you?"])
  })
})

describe("a conversation whose line was cut while the caller spoke", () => {
  it("says that it was cut off, and listens", () => {
    const before = Turns.make()
    before.greeted()
    before.send({ _tag: "VoiceStarted", since: before.now })
    before.pass(700)
    const turns = Turns.reconnect(before)
    assert.deepStrictEqual(spoken(turns), [resumed])
    hearAll(turns)
    turns.voice(800)
    turns.pass(120)
    turns.transcribed("when are you open")
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "when are you open")
  })

  it("answers the words that were understood before", () => {
    const before = asked("when are you open")
    const turns = Turns.reconnect(before)
    hearAll(turns)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "when are you open")
  })

  it("does not say the rest of an answer that the caller had interrupted", () => {
    const before = answering()
    before.voice(900)
    const turns = Turns.reconnect(before)
    assert.deepStrictEqual(spoken(turns), [resumed])
  })

  it("says the rest of the notice if a noise interrupts it, and the notice once after another cut", () => {
    const before = answering()
    before.voice(900)
    const turns = Turns.reconnect(before)
    interruptByNoise(turns)
    assert.strictEqual(turns.published("Resumed").length, 1)
    assert.deepStrictEqual(spoken(turns), [resumed, "we were cut off."])
    assert.deepStrictEqual(spoken(Turns.reconnect(turns)), [resumed])
    hearAll(turns)
    assert.isUndefined(turns.state.active)
  })

  it("asks a silent caller once more, after the usual wait", () => {
    const before = Turns.make()
    before.greeted()
    const turns = Turns.reconnect(before)
    hearAll(turns)
    turns.pass(7900)
    assert.strictEqual(spoken(turns).length, 1)
    turns.pass(200)
    assert.strictEqual(spoken(turns).at(-1), Turns.settings.lines.idle)
  })
})

describe("a conversation that goes on", () => {
  it("ends after a silence if the goodbye had been heard", () => {
    const before = asked()
    before.answers("Goodbye.", { hangUp: true })
    before.pass(300)
    before.play(1000)
    before.pass(1000)
    before.heard()
    const turns = Turns.reconnect(before)
    turns.pass(1000)
    assert.deepStrictEqual(spoken(turns), [])
    assert.strictEqual(turns.count("HangUp"), 1)
  })

  it("says that the transfer failed if nobody answered at the other telephone", () => {
    const before = halfHeard({ transfer: "reception" })
    before.heard()
    assert.strictEqual(before.count("Transfer"), 1)
    const turns = Turns.reconnect(before, { isAfterTransfer: true })
    assert.deepStrictEqual(spoken(turns), [Turns.settings.lines.transferFailed ?? ""])
    assert.deepStrictEqual(turns.published("TransferFailed").map(({ reason, to }) => [to, reason]), [["reception", "noAnswer"]])
  })

  it("only says that it was cut off while Twilio may still transfer the call, and then that the transfer failed", () => {
    const before = halfHeard({ transfer: "reception" })
    before.heard()
    const turns = Turns.reconnect(before)
    assert.strictEqual(turns.count("AwaitTransfer"), 1)
    hearAll(turns)
    turns.pass(60_000)
    assert.deepStrictEqual(spoken(turns), [resumed])
    turns.send({ _tag: "TransferFailed", reason: "streamLost" })
    assert.deepStrictEqual(spoken(turns), [resumed, Turns.settings.lines.transferFailed ?? ""])
    assert.deepStrictEqual(turns.published("TransferFailed").map(({ to }) => to), ["reception"])
  })

  it("survives five cuts in a row, and says the rest once", () => {
    let turns = halfHeard()
    for (let cut = 0; cut < 5; cut++) {
      turns = Turns.reconnect(turns)
      assert.deepStrictEqual(spoken(turns), [resumed, "On Sundays we are closed the whole day."])
    }
    hearAll(turns)
    const heard = historyOf(turns).join(" ")
    assert.strictEqual(heard.split("On Sundays we are closed the whole day.").length, 2)
    assert.strictEqual(heard.split("We are open from nine to five.").length, 2)
  })

  it("begins with the greeting if the memory is lost", () => {
    const turns = Turns.make()
    turns.send({ _tag: "Reconnected", memory: null, isAfterTransfer: false })
    assert.deepStrictEqual(spoken(turns), [resumed, Turns.settings.lines.greeting])
  })

  it("does not mention the cut if the agent has no line for it", () => {
    const { resumed: _resumed, ...lines } = Turns.settings.lines
    const before = halfHeard()
    const turns = Turns.reconnect({ ...before, settings: { ...before.settings, lines } })
    assert.deepStrictEqual(spoken(turns), ["On Sundays we are closed the whole day."])
  })

  it("counts its longest duration from the call's beginning", () => {
    const before = Turns.make({ maxDuration: 60_000 })
    before.greeted()
    const turns = Turns.reconnect(before, { gap: 30_000 })
    hearAll(turns)
    assert.isAtMost(turns.all.filter(turns.tag("StartTimer")).find(({ timer }) => timer === "limit")?.due ?? Infinity, 50_000)
  })
})

describe("the end of a line", () => {
  it("does not end the call when the line was lost, and no hang-up is reported", () => {
    const turns = answering()
    turns.send({ _tag: "HungUp", reason: null })
    assert.deepStrictEqual(turns.published("Ended"), [])
    assert.strictEqual(turns.published("AgentHeard").length, 2)
  })

  it("has the call's reason", () => {
    const turns = answering()
    turns.send({ _tag: "HungUp", reason: "mediaTimeout" })
    assert.deepStrictEqual(turns.published("Ended").map(({ reason }) => reason), ["mediaTimeout"])
  })
})
