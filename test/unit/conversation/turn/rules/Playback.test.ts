import { assert, describe, it } from "@effect/vitest"
import { answering, asked, historyOf, markGraceMillis, silenceBeforeHangUpMillis } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

describe("the playback ledger", () => {
  it("gives the history the confirmed words and those that had time to play", () => {
    const turns = answering("We are open on weekdays. And on Saturday from ten to two.")
    turns.pass(1000)
    turns.send({ _tag: "MarkReturned", reply: turns.last("Speak")!.reply, segment: 0 })
    turns.pass(1800)
    turns.voice(300)
    turns.pass(120)
    turns.transcribed("where are you")
    turns.pass(300)
    const [, , heard] = turns.state.history
    assert.strictEqual(heard.role, "agent")
    assert.match(heard.text, /^We are open on weekdays\. And on/)
    assert.notInclude(heard.text, "two")
  })

  it("counts the words of a sentence after a gap that had time to play", () => {
    const turns = asked()
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "We are open. A" })
    turns.pass(300)
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.pass(2000)
    turns.send({ _tag: "ReplyText", reply, text: "nd we close at five. B" })
    const { segment } = turns.last("Speak")!
    turns.send({ _tag: "SpeechBegan", reply, segment })
    turns.send({ _tag: "SpeechEnded", reply, segment, duration: 2000 })
    turns.pass(1300)
    turns.send({ _tag: "HungUp" })
    assert.strictEqual(historyOf(turns).at(-1), "agent: We are open. And we close")
  })

  it("does not count marks that a clear sent back", () => {
    const turns = answering()
    const { reply, segment } = turns.last("Speak")!
    turns.pass(500)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(200)
    turns.send({ _tag: "MarkReturned", reply, segment })
    turns.send({ _tag: "HungUp" })
    assert.isBelow(turns.state.history.at(-1)!.text.length, 30)
  })

  it("counts a mark as returned if it never comes back", () => {
    const turns = answering("Yes.")
    turns.pass(4000 + markGraceMillis)
    assert.strictEqual(turns.published("AgentHeard").at(-1)?.isWhole, true)
  })
})

describe("a reply that waits for the caller's silence", () => {
  it("does not count as heard, however long it waits", () => {
    const turns = Turns.make()
    turns.send({ _tag: "Began" })
    const { reply, segment } = turns.last("Speak")!
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.send({ _tag: "SpeechEnded", reply, segment, duration: 1000 })
    turns.pass(1000 + markGraceMillis)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(120)
    turns.transcribed("hello")
    turns.pass(300)
    assert.strictEqual(turns.last("Release")?.reply, reply)
    assert.strictEqual(turns.published("AgentHeard").length, 0)
    // The wait for the mark begins only now.
    turns.pass(1000 + markGraceMillis)
    assert.strictEqual(turns.published("AgentHeard").length, 1)
  })
})

describe("pressing keys", () => {
  const pressing = (digits = "12#", more: { readonly hangUp?: boolean } = {}) => {
    const turns = asked("enter the code")
    turns.answers("I am pressing the keys.", { digits, ...more })
    turns.pass(300)
    return turns
  }

  it("happens after the words, with a mark of its own, and is not in the heard text", () => {
    const turns = pressing("1 2 #")
    const words = turns.last("Speak")!
    const keys = turns.last("Press")!
    assert.deepStrictEqual([keys.reply, keys.segment, keys.digits], [words.reply, words.segment + 1, "12#"])
    assert.isBelow(turns.all.indexOf(words), turns.all.indexOf(keys))
    assert.deepStrictEqual(turns.published("AgentPresses").map(({ digits }) => digits), ["12#"])
    turns.send({ _tag: "MediaSent", reply: words.reply, segment: words.segment })
    turns.send({ _tag: "SpeechEnded", reply: words.reply, segment: words.segment, duration: 1000 })
    turns.send({ _tag: "SpeechEnded", reply: keys.reply, segment: keys.segment, duration: 600 })
    turns.pass(1000)
    turns.send({ _tag: "MarkReturned", reply: words.reply, segment: words.segment })
    assert.strictEqual(turns.published("AgentHeard").length, 1)
    turns.pass(600)
    turns.heard()
    assert.deepStrictEqual(turns.published("AgentHeard").at(-1), {
      ...turns.published("AgentHeard").at(-1)!,
      text: "I am pressing the keys.",
      isWhole: true
    })
  })

  it("needs no words", () => {
    const turns = asked("enter the code")
    turns.answers("", { digits: "7" })
    turns.pass(300)
    assert.strictEqual(turns.last("Press")?.digits, "7")
    assert.strictEqual(turns.last("Press")?.segment, 0)
    turns.play(200)
    turns.pass(200)
    turns.heard()
    assert.isUndefined(turns.state.active)
  })

  it("is interrupted like speech, and after a false interruption only the remaining keys are pressed", () => {
    const turns = pressing("1234")
    const { reply, segment } = turns.last("Speak")!
    turns.send({ _tag: "MediaSent", reply, segment })
    turns.send({ _tag: "SpeechEnded", reply, segment, duration: 1000 })
    turns.send({ _tag: "SpeechEnded", reply, segment: segment + 1, duration: 800 })
    turns.pass(1000)
    turns.send({ _tag: "MarkReturned", reply, segment })
    turns.pass(100)
    turns.voice(300)
    assert.strictEqual(turns.count("Clear"), 1)
    turns.pass(120)
    turns.transcribed({ text: "", ending: "unknown" })
    turns.pass(300)
    // The keys are stopped after 300 ms, when the second tone has begun.
    assert.strictEqual(turns.last("Press")?.digits, "34")
    assert.strictEqual(turns.last("Speak")?.text, "I am pressing the keys.")
  })

  it("does not count as done while the words before it still play", () => {
    const turns = pressing("1234")
    const { reply, segment } = turns.last("Speak")!
    for (const [id, duration] of [[segment, 2000], [segment + 1, 800]]) {
      turns.send({ _tag: "MediaSent", reply, segment: id })
      turns.send({ _tag: "SpeechEnded", reply, segment: id, duration })
    }
    turns.pass(1200)
    turns.voice(300)
    turns.pass(120)
    turns.transcribed({ text: "", ending: "unknown" })
    turns.pass(300)
    assert.strictEqual(turns.last("Press")?.digits, "1234")
  })

  it("does not happen once the caller has taken the turn", () => {
    const turns = pressing("1234")
    turns.send({ _tag: "MediaSent", reply: turns.last("Speak")!.reply, segment: 0 })
    turns.pass(300)
    turns.voice(700)
    turns.pass(120)
    turns.transcribed("stop that")
    turns.pass(300)
    assert.strictEqual(turns.count("Press"), 1)
    assert.isTrue(turns.all.filter(turns.tag("CancelReply")).some(({ reply }) => reply === turns.last("Press")!.reply))
  })

  it("comes before the end of the call", () => {
    const turns = pressing("9", { hangUp: true })
    const { reply } = turns.last("Press")!
    turns.send({ _tag: "MarkReturned", reply, segment: 0 })
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.heard()
    turns.pass(silenceBeforeHangUpMillis - 1)
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.pass(1)
    assert.strictEqual(turns.last("HangUp")?.reason, "goodbye")
  })

  it("does not happen when the reply breaks off", () => {
    const turns = asked("enter the code")
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "I am pressing the keys. And th" })
    turns.send({ _tag: "ReplyDigits", reply, digits: "12" })
    turns.pass(300)
    turns.send({ _tag: "ReplyFailed", reply, reason: "broken" })
    assert.strictEqual(turns.count("Press"), 0)
  })
})
