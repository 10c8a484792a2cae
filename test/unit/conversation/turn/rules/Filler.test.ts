import { assert, describe, it } from "@effect/vitest"
import { asked, historyOf } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const fillers = { after: 900, lines: ["Let me see.", "One moment."] }

/** The caller has asked, and 900 ms later nothing of the answer can be heard. */
const waiting = (lines: ReadonlyArray<string> = fillers.lines) => {
  const turns = asked("when are you open", { fillers: { after: 900, lines } })
  turns.pass(900)
  return turns
}

const sounds = (turns: ReturnType<typeof Turns.make>, reply: number) => ({
  begins: () => turns.send({ _tag: "SpeechBegan", reply, segment: 0 }),
  plays: (duration: number) => {
    turns.send({ _tag: "MediaSent", reply, segment: 0 })
    turns.send({ _tag: "SpeechEnded", reply, segment: 0, duration })
  },
  leaves: () => turns.send({ _tag: "FillerLeft", reply }),
  heard: () => turns.send({ _tag: "MarkReturned", reply, segment: 0 })
})

/** What was spoken and released since the newest turn began, in order. */
const order = (turns: ReturnType<typeof Turns.make>) =>
  turns.all.flatMap((command) =>
    command._tag === "Speak" ? [`speak ${command.reply}`] : command._tag === "Release" ? [`release ${command.reply}`] : [])
    .filter((line) => !line.endsWith(" 0"))

describe("a filler", () => {
  it("is said when no sound has begun in time, and the reply follows it", () => {
    const turns = asked("when are you open", { fillers })
    const { reply } = turns.last("StartReply")!
    const stopped = turns.now - 64 - 120
    turns.pass(900 - (turns.now - stopped) - 1)
    assert.deepStrictEqual(order(turns), [])
    turns.pass(1)
    const filler = turns.last("Speak")!
    assert.deepStrictEqual([filler.text, filler.kind], ["Let me see.", "filler"])
    const sound = sounds(turns, filler.reply)
    sound.begins()
    sound.plays(700)
    turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.notInclude(order(turns), `release ${reply}`)
    sound.leaves()
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
    assert.deepStrictEqual(turns.published("AgentFills").map(({ text }) => text), ["Let me see."])
  })

  it("is not said if the reply has sound by then, and that sound leaves at once", () => {
    const turns = asked("when are you open", { fillers })
    const reply = turns.answers("From nine to five.")
    turns.pass(200)
    assert.notInclude(order(turns), `release ${reply}`)
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
    turns.pass(5000)
    assert.strictEqual(turns.published("AgentFills").length, 0)
  })

  it("does not hold up a reply that was made in the pause", () => {
    const turns = asked("when are you open", { fillers })
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    turns.pass(200)
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
  })

  it("gives way to a reply whose sound is ready before the filler's", () => {
    const turns = waiting()
    const filler = turns.last("Speak")!.reply
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.strictEqual(turns.last("CancelReply")?.reply, filler)
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
  })

  it("is said once a turn, and never the same twice in a row", () => {
    const turns = waiting()
    for (let turn = 0; turn < 3; turn++) {
      const filler = sounds(turns, turns.last("Speak")!.reply)
      filler.begins()
      filler.plays(700)
      filler.leaves()
      turns.pass(2000)
      filler.heard()
      turns.pass(2000)
      assert.strictEqual(turns.published("AgentFills").length, turn + 1)
      turns.answers("From nine to five.")
      turns.play(1000)
      turns.pass(1000)
      turns.heard()
      turns.voice(800)
      turns.pass(120)
      turns.transcribed("and where are you")
      turns.pass(900)
    }
    assert.deepStrictEqual(turns.published("AgentFills").map(({ text }) => text), ["Let me see.", "One moment.", "Let me see.", "One moment."])
  })

  it("is left out every other time if there is only one", () => {
    const turns = waiting(["Let me see."])
    for (let turn = 0; turn < 3; turn++) {
      const { reply } = turns.last("StartReply")!
      if (turns.last("Speak")!.kind === "filler") sounds(turns, turns.last("Speak")!.reply).heard()
      turns.answers("From nine to five.")
      turns.play(1000)
      turns.pass(1000)
      assert.strictEqual(turns.last("Release")!.reply, reply)
      turns.heard()
      turns.voice(800)
      turns.pass(120)
      turns.transcribed("and where are you")
      turns.pass(900)
    }
    assert.strictEqual(turns.published("AgentFills").length, 2)
  })

  it("is in neither the history nor the heard text", () => {
    const turns = waiting()
    const filler = sounds(turns, turns.last("Speak")!.reply)
    filler.begins()
    filler.plays(700)
    filler.leaves()
    turns.answers("From nine to five.")
    turns.pass(700)
    filler.heard()
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    assert.deepStrictEqual(historyOf(turns).slice(1), ["caller: when are you open", "agent: From nine to five."])
    assert.strictEqual(turns.published("AgentHeard").at(-1)?.text, "From nine to five.")
  })

  it("stops when it is interrupted, and the caller goes on with the same turn", () => {
    const turns = waiting()
    const { reply } = turns.last("StartReply")!
    const filler = turns.last("Speak")!.reply
    const sound = sounds(turns, filler)
    sound.begins()
    sound.plays(900)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(199)
    assert.strictEqual(turns.count("Clear"), 0)
    turns.pass(1)
    assert.strictEqual(turns.count("Clear"), 1)
    assert.strictEqual(turns.published("BargeIn").length, 1)
    assert.includeMembers(turns.all.filter(turns.tag("CancelReply")).map((command) => command.reply), [filler, reply])
    turns.pass(500)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(130)
    turns.transcribed("on saturday")
    turns.pass(3000)
    assert.deepStrictEqual(turns.last("StartReply")?.request.history.slice(1), [{ role: "caller", text: "when are you open on saturday" }])
    assert.strictEqual(turns.published("AgentFills").length, 1)
  })

  it("is not stopped by a short noise", () => {
    const turns = waiting()
    const { reply } = turns.last("StartReply")!
    const sound = sounds(turns, turns.last("Speak")!.reply)
    sound.begins()
    sound.plays(900)
    turns.voice(80)
    turns.pass(130)
    turns.transcribed({ text: "", ending: "unknown" })
    turns.pass(300)
    assert.strictEqual(turns.count("Clear"), 0)
    turns.answers("From nine.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    sound.leaves()
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
  })

  it("delays the time from which the reply after it counts as heard", () => {
    const turns = waiting()
    const sound = sounds(turns, turns.last("Speak")!.reply)
    sound.begins()
    sound.plays(1000)
    turns.pass(300)
    sound.leaves()
    turns.answers("From nine to five on every day.")
    turns.play(2000)
    turns.pass(500)
    turns.send({ _tag: "HungUp" })
    assert.deepStrictEqual(historyOf(turns).slice(1), ["caller: when are you open"])
  })

  it("is not said while the caller speaks, after keys, or after unintelligible speech", () => {
    const speaking = asked("when are you open", { fillers })
    speaking.pass(300)
    speaking.send({ _tag: "VoiceStarted", since: speaking.now })
    speaking.pass(150)
    speaking.send({ _tag: "VoiceStopped", since: speaking.now })
    speaking.pass(5000)
    assert.strictEqual(speaking.published("AgentFills").length, 0)

    const keys = Turns.make({ fillers })
    keys.greeted()
    for (const digit of ["1", "#"]) keys.send({ _tag: "Digit", digit })
    keys.pass(5000)
    assert.strictEqual(keys.published("AgentFills").length, 0)
    assert.strictEqual(keys.last("Release")?.reply, keys.last("StartReply")?.reply)

    const mumbling = Turns.make({ fillers })
    mumbling.greeted()
    mumbling.voice(900)
    mumbling.pass(120)
    mumbling.transcribed({ text: "", isUnintelligible: true, ending: "unknown" })
    mumbling.pass(5000)
    assert.strictEqual(mumbling.published("AgentFills").length, 0)
  })

  it("that fails does not hold up the reply", () => {
    const turns = waiting()
    const filler = turns.last("Speak")!.reply
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechFailed", reply: filler, segment: 0, hadSound: false, reason: "broken" })
    assert.strictEqual(turns.last("CancelReply")?.reply, filler)
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
    assert.strictEqual(turns.state.failuresInRow, 0)
  })

  it("does not hold up the apology for a reply that never came", () => {
    const turns = waiting()
    const sound = sounds(turns, turns.last("Speak")!.reply)
    sound.begins()
    sound.plays(700)
    for (let attempt = 0; attempt < 2; attempt++) {
      turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "unavailable" })
    }
    const apology = turns.last("Speak")!
    assert.strictEqual(apology.text, Turns.settings.lines.apology)
    sound.leaves()
    assert.strictEqual(order(turns).at(-1), `release ${apology.reply}`)
  })
})
