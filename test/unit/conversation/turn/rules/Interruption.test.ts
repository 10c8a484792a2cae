import { assert, describe, it } from "@effect/vitest"
import type { TurnSettings } from "../../../../../src/conversation/turn/TurnState.ts"
import { answering, asked, historyOf } from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

describe("a barge-in", () => {
  it("stops model, speech and playback after enough voice, and clears the line", () => {
    const turns = answering()
    turns.pass(500)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(199)
    assert.strictEqual(turns.count("Clear"), 0)
    const commands = turns.pass(1)
    assert.deepStrictEqual(commands.map(({ _tag }) => _tag).filter((tag) => tag === "StopSpeech" || tag === "Clear"), ["StopSpeech", "Clear"])
    assert.strictEqual(turns.published("BargeIn")[0].clearAfter, 200)
  })

  it("is not possible before the first media and after the last mark", () => {
    const turns = asked()
    turns.answers("Yes.")
    turns.pass(300)
    turns.play(400)
    turns.pass(400)
    turns.heard()
    turns.voice(1000)
    assert.strictEqual(turns.count("Clear"), 0)
    assert.strictEqual(turns.count("StopSpeech"), 0)
  })

  it("gives the turn to the caller once there are words", () => {
    const turns = answering()
    turns.pass(1000)
    turns.voice(900)
    turns.pass(120)
    turns.transcribed("where are you")
    turns.pass(300)
    assert.strictEqual(turns.published("CallerSaid").at(-1)?.text, "where are you")
    assert.strictEqual(turns.published("AgentHeard").at(-1)?.isWhole, false)
    const request = turns.last("StartReply")!.request
    assert.deepStrictEqual(request.history.map(({ role }) => role), ["agent", "caller", "agent", "caller"])
  })

  it("also happens with a word that is shorter than `minSpeech`", () => {
    const turns = answering()
    turns.pass(500)
    turns.voice(150)
    turns.pass(120)
    turns.transcribed("stop")
    turns.pass(300)
    assert.strictEqual(turns.count("Clear"), 1)
    assert.strictEqual(turns.published("CallerSaid").at(-1)?.text, "stop")
  })

  it("before the first frame resumes the caller's turn", () => {
    const turns = asked("i would like an appointment")
    turns.answers("On which day?")
    turns.pass(300)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    assert.strictEqual(turns.last("Hold")?.reply, turns.last("StartReply")?.reply)
    turns.pass(700)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(130)
    turns.transcribed("on monday")
    turns.pass(300)
    assert.strictEqual(turns.count("Clear"), 0)
    assert.deepStrictEqual(historyOf(turns).slice(1), ["caller: i would like an appointment on monday"])
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "i would like an appointment on monday")
  })

  it("before the greeting's first sound is answered by the greeting", () => {
    const turns = Turns.make()
    turns.send({ _tag: "Began" })
    turns.voice(500)
    turns.pass(120)
    turns.transcribed("hello")
    turns.pass(300)
    assert.strictEqual(turns.count("StartReply"), 0)
    assert.strictEqual(turns.last("Release")?.reply, 0)
    assert.deepStrictEqual(turns.published("CallerSaid").map(({ text }) => text), ["hello"])
  })

  it("works again after a greeting that was interrupted and resumed", () => {
    const turns = Turns.make()
    turns.send({ _tag: "Began" })
    const { reply, segment } = turns.last("Speak")!
    turns.send({ _tag: "SpeechBegan", reply, segment })
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.send({ _tag: "MediaSent", reply, segment })
    turns.pass(250)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(120)
    turns.transcribed("hello")
    turns.pass(300)
    assert.strictEqual(turns.published("Resumed").length, 1)
    turns.play()
    turns.pass(500)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(200)
    assert.strictEqual(turns.published("BargeIn").length, 2)
  })
})

describe("a partial transcript", () => {
  const speaking = (text: string, after = 100, overrides: Partial<TurnSettings> = {}) => {
    const turns = asked("when are you open", overrides)
    turns.answers("We are open from nine to five on every day of the week.")
    turns.pass(300)
    turns.play(4000)
    turns.pass(1000)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(after)
    turns.send({ _tag: "Partial", utterance: turns.last("BeginUtterance")!.utterance, text })
    return turns
  }

  it("with words stops the agent sooner than the voice alone", () => {
    const turns = speaking("where are")
    assert.strictEqual(turns.count("Clear"), 1)
    assert.strictEqual(turns.published("BargeIn")[0].clearAfter, 100)
    turns.pass(1000)
    assert.strictEqual(turns.count("Clear"), 1)
  })

  it("with a backchannel gives the voice another `minSpeech` before it stops the agent", () => {
    const turns = speaking("okay", 150)
    turns.pass(199)
    assert.strictEqual(turns.count("Clear"), 0)
    turns.pass(1)
    assert.strictEqual(turns.count("Clear"), 1)
  })

  it("with more than a backchannel stops the agent", () => {
    const turns = speaking("okay")
    turns.send({ _tag: "Partial", utterance: turns.last("BeginUtterance")!.utterance, text: "okay but where" })
    assert.strictEqual(turns.count("Clear"), 1)
  })

  it("without words, of another utterance, or in the agent's silence changes nothing", () => {
    const empty = speaking(" … ")
    assert.strictEqual(empty.count("Clear"), 0)
    assert.strictEqual(empty.published("CallerSays").length, 0)
    const old = speaking("", 100)
    old.send({ _tag: "Partial", utterance: 0, text: "where are" })
    assert.strictEqual(old.count("Clear"), 0)
    const silent = Turns.make()
    silent.greeted()
    silent.send({ _tag: "VoiceStarted", since: silent.now })
    silent.send({ _tag: "Partial", utterance: silent.last("BeginUtterance")!.utterance, text: "where are" })
    assert.strictEqual(silent.count("Clear"), 0)
    assert.deepStrictEqual(silent.published("CallerSays").map(({ text }) => text), ["where are"])
  })

  it("is reported to watchers each time it changes", () => {
    const turns = speaking("okay")
    const { utterance } = turns.last("BeginUtterance")!
    for (const text of ["okay", "okay but", "okay but"]) turns.send({ _tag: "Partial", utterance, text })
    assert.deepStrictEqual(turns.published("CallerSays").map(({ text }) => text), ["okay", "okay but"])
  })
})
