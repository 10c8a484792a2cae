import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { PhoneNumber } from "../../../../src/domain/PhoneNumber.ts"
import type { Command } from "../../../../src/conversation/turn/TurnCommand.ts"
import type { TurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import * as Farewell from "../../../../src/conversation/turn/judgements/Farewell.ts"
import * as Transition from "../../../../src/conversation/turn/Transition.ts"
import { initial as initialState } from "../../../../src/conversation/turn/TurnState.ts"
import type { TurnSettings } from "../../../../src/conversation/turn/TurnState.ts"
import * as Reply from "../../../../src/conversation/turn/Reply.ts"
import { digitPauseMillis } from "../../../../src/conversation/turn/rules/Keypad.ts"
import { markGraceMillis } from "../../../../src/conversation/turn/rules/Playback.ts"
import * as Line from "../../../support/conversation/Line.ts"
import * as Turns from "../../../support/conversation/Turns.ts"

/** The caller has said something whole, and the agent's answer to it is being made. */
const asked = (text = "when are you open", overrides: Partial<TurnSettings> = {}) => {
  const turns = Turns.make(overrides)
  turns.greeted()
  turns.voice(800)
  turns.pass(120)
  turns.transcribed(text)
  return turns
}

/** The agent is in the middle of its answer. */
const answering = (answer = "We are open from nine to five on every day of the week.") => {
  const turns = asked()
  turns.answers(answer)
  turns.pass(300)
  turns.play(4000)
  return turns
}

const history = (turns: ReturnType<typeof Turns.make>) => turns.state.history.map(({ role, text }) => `${role}: ${text}`)

describe("endpoint", () => {
  it("ends a turn after the silence, counted from the last voiced sample", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(800)
    const stopped = turns.now - 64
    turns.pass(120)
    turns.transcribed({ text: "well", ending: "unknown" })
    turns.pass(300 - (turns.now - stopped) - 1)
    assert.strictEqual(turns.count("Release"), 1)
    turns.pass(1)
    assert.strictEqual(turns.count("Release"), 2)
    assert.deepStrictEqual(turns.told("CallerSaid").map(({ text }) => text), ["well"])
  })

  it("ends it sooner when the transcript is complete, later when it trails off", () => {
    for (const [ending, due] of [["complete", 250], ["trailing", 800]] as const) {
      const turns = Turns.make()
      turns.greeted()
      turns.voice(800)
      const stopped = turns.now - 64
      turns.pass(120)
      turns.transcribed({ text: "on monday", ending })
      turns.pass(due - (turns.now - stopped) - 1)
      assert.strictEqual(turns.count("Release"), 1, ending)
      turns.pass(1)
      assert.strictEqual(turns.count("Release"), 2, ending)
    }
  })

  it("waits for a transcript that is late", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(800)
    turns.pass(1000)
    assert.strictEqual(turns.count("StartReply"), 0)
    turns.transcribed("when are you open")
    assert.strictEqual(turns.count("StartReply"), 1)
    assert.strictEqual(turns.count("Release"), 2)
  })
})

describe("speculation", () => {
  it("starts the reply in the pause and holds its sound until the endpoint", () => {
    const turns = asked()
    assert.strictEqual(turns.count("StartReply"), 1)
    turns.answers("We are open from nine to five.")
    assert.strictEqual(turns.count("Release"), 1)
    turns.pass(200)
    assert.strictEqual(turns.count("Release"), 2)
    assert.strictEqual(turns.count("StartReply"), 1)
    assert.strictEqual(turns.told("AgentSays").at(-1)?.text, "We are open from nine to five.")
  })

  it("is thrown away when the caller goes on, and what was said before still counts", () => {
    const turns = asked("i would like an appointment")
    const first = turns.last("StartReply")?.reply
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    assert.strictEqual(turns.last("CancelReply")?.reply, first)
    turns.pass(600)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(130)
    turns.transcribed("i would like an appointment on monday")
    turns.pass(300)
    assert.deepStrictEqual(turns.told("CallerSaid").map(({ text }) => text), ["i would like an appointment on monday"])
    assert.strictEqual(turns.last("Release")?.reply, turns.last("StartReply")?.reply)
  })

  it("leaves no trace in the dialogue's state when it was thrown away", () => {
    const turns = asked()
    turns.answers("Fine.", { state: { asked: "day" } })
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    assert.isNull(turns.state.dialogue)
  })

  it("takes over the dialogue's state once it counts", () => {
    const turns = asked()
    turns.answers("Fine.", { state: { asked: "day" } })
    turns.pass(300)
    assert.deepStrictEqual(turns.state.dialogue, { asked: "day" })
  })
})

describe("speak early", () => {
  it("hands the first clause to speech before the reply is written", () => {
    const turns = asked()
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "Yes of course, on which day would you " })
    assert.strictEqual(turns.last("Speak")?.text, "Yes of course,")
    turns.send({ _tag: "ReplyText", reply, text: "like to come? We " })
    assert.strictEqual(turns.last("Speak")?.text, "on which day would you like to come?")
  })

  it("speaks no markup", () => {
    const turns = asked()
    turns.answers("We are **open** from `nine` to five.")
    assert.strictEqual(turns.last("Speak")?.text, "We are open from nine to five.")
  })
})

describe("a reply that is cut short", () => {
  it("says its whole sentences, and nothing of the one that will not be finished", () => {
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

describe("barge-in", () => {
  it("stops reply, speech and playback after enough voice, and always ends in clear", () => {
    const turns = answering()
    turns.pass(500)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(199)
    assert.strictEqual(turns.count("Clear"), 0)
    const commands = turns.pass(1)
    assert.deepStrictEqual(commands.map(({ _tag }) => _tag).filter((tag) => tag === "StopSpeech" || tag === "Clear"), ["StopSpeech", "Clear"])
    assert.strictEqual(turns.told("BargeIn")[0].clearAfter, 200)
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
    assert.strictEqual(turns.told("CallerSaid").at(-1)?.text, "where are you")
    assert.strictEqual(turns.told("AgentHeard").at(-1)?.isWhole, false)
    const request = turns.last("StartReply")!.request
    assert.deepStrictEqual(request.history.map(({ role }) => role), ["agent", "caller", "agent", "caller"])
  })

  it("happens also for a word that is shorter than minSpeech", () => {
    const turns = answering()
    turns.pass(500)
    turns.voice(150)
    turns.pass(120)
    turns.transcribed("stop")
    turns.pass(300)
    assert.strictEqual(turns.count("Clear"), 1)
    assert.strictEqual(turns.told("CallerSaid").at(-1)?.text, "stop")
  })

  it("before the first frame: the caller goes on with the same turn", () => {
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
    assert.deepStrictEqual(history(turns).slice(1), ["caller: i would like an appointment on monday"])
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "i would like an appointment on monday")
  })

  it("over the greeting that has not begun: the greeting is the answer", () => {
    const turns = Turns.make()
    turns.send({ _tag: "Began" })
    turns.voice(500)
    turns.pass(120)
    turns.transcribed("hello")
    turns.pass(300)
    assert.strictEqual(turns.count("StartReply"), 0)
    assert.strictEqual(turns.last("Release")?.reply, 0)
    assert.deepStrictEqual(turns.told("CallerSaid").map(({ text }) => text), ["hello"])
  })

  it("works after a greeting whose first sound left just before the hold, which was interrupted and went on", () => {
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
    assert.strictEqual(turns.told("Resumed").length, 1)
    turns.play()
    turns.pass(500)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(200)
    assert.strictEqual(turns.told("BargeIn").length, 2)
  })
})

describe("heard ledger", () => {
  it("history holds only what was confirmed, and of the running segment what had time to play", () => {
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

  it("a sentence that came after a gap is heard as far as it had time to play, too", () => {
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
    assert.strictEqual(history(turns).at(-1), "agent: We are open. And we close")
  })

  it("marks that a clear sent back are not heard", () => {
    const turns = answering()
    const { reply, segment } = turns.last("Speak")!
    turns.pass(500)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(200)
    turns.send({ _tag: "MarkReturned", reply, segment })
    turns.send({ _tag: "HungUp" })
    assert.isBelow(turns.state.history.at(-1)!.text.length, 30)
  })

  it("a mark that never comes back does not hold up the call", () => {
    const turns = answering("Yes.")
    turns.pass(4000 + markGraceMillis)
    assert.strictEqual(turns.told("AgentHeard").at(-1)?.isWhole, true)
  })
})

describe("a reply that waits for the caller's silence", () => {
  it("is not taken to be heard, however long it waits", () => {
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
    assert.strictEqual(turns.told("AgentHeard").length, 0)
    // Only from now on a mark that does not come back is missed.
    turns.pass(1000 + markGraceMillis)
    assert.strictEqual(turns.told("AgentHeard").length, 1)
  })
})

describe("false interruption", () => {
  for (const [what, transcript] of [
    ["a cough", { text: "", ending: "unknown" }],
    ["a backchannel", Turns.complete("Uh-huh.")]
  ] as const) {
    it(`${what} resumes the unheard rest`, () => {
      const turns = answering()
      turns.pass(1000)
      turns.voice(400)
      assert.strictEqual(turns.count("Clear"), 1)
      turns.pass(120)
      turns.transcribed(transcript)
      turns.pass(300)
      assert.strictEqual(turns.told("Resumed").length, 1)
      assert.notInclude(turns.last("Speak")!.text, "We are open")
      assert.include(turns.last("Speak")!.text, "day of the week.")
      turns.play(2000)
      turns.pass(2000)
      turns.heard()
      assert.strictEqual(history(turns).at(-1), "agent: We are open from nine to five on every day of the week.")
    })
  }

  it("a short backchannel does not stop the agent", () => {
    const turns = answering()
    turns.pass(1000)
    turns.voice(120)
    turns.pass(120)
    turns.transcribed("okay")
    turns.pass(300)
    assert.strictEqual(turns.count("Clear"), 0)
    assert.strictEqual(turns.told("CallerSaid").length, 1)
  })

  it("a yes at the very end of a question is an answer", () => {
    const turns = answering("Shall I book that for you?")
    turns.pass(3900)
    turns.voice(300)
    turns.pass(120)
    turns.transcribed("yes")
    turns.pass(300)
    assert.strictEqual(turns.told("CallerSaid").at(-1)?.text, "yes")
  })

  it("noise while the agent waits is no turn", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(300)
    turns.pass(120)
    turns.transcribed({ text: "", ending: "unknown" })
    turns.pass(300)
    assert.strictEqual(turns.count("StartReply"), 0)
    assert.strictEqual(turns.told("CallerSaid").length, 0)
  })

  it("a mumble resumes the unheard rest too, more than a mumble is a turn", () => {
    for (const [millis, isTurn] of [[500, false], [1100, true]] as const) {
      const turns = answering()
      turns.pass(600)
      turns.voice(millis)
      turns.pass(120)
      turns.transcribed({ text: "", isUnintelligible: true, ending: "unknown" })
      turns.pass(300)
      assert.strictEqual(turns.told("Resumed").length, isTurn ? 0 : 1)
      assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text === "", isTurn)
    }
  })

  it("speech that nobody understands is a turn", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(900)
    turns.pass(120)
    turns.transcribed({ text: "", isUnintelligible: true, ending: "unknown" })
    turns.pass(300)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "")
  })
})

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
    turns.pass(Farewell.silenceBeforeHangUpMillis)
    assert.strictEqual(turns.last("HangUp")?.reason, "idle")
  })

  it("who only coughs is asked, and in the end told goodbye", () => {
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

  it("who answers the goodbye stays", () => {
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

describe("goodbye", () => {
  it("cuts the line only after the last mark", () => {
    const turns = asked("goodbye")
    turns.answers("Thank you. Goodbye.", { hangUp: true })
    turns.pass(300)
    turns.send({ _tag: "MarkReturned", reply: turns.last("Speak")!.reply, segment: 0 })
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.heard()
    turns.pass(Farewell.silenceBeforeHangUpMillis - 1)
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.pass(1)
    assert.strictEqual(turns.last("HangUp")?.reason, "goodbye")
    assert.isTrue(turns.state.isEnded)
  })

  it("announces the longest duration and ends the call behind it", () => {
    const turns = answering()
    turns.pass(Turns.settings.maxDuration)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.timeIsUp)
    turns.voice(2000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.timeIsUp)
    turns.heard()
    turns.pass(Farewell.silenceBeforeHangUpMillis)
    assert.strictEqual(turns.last("HangUp")?.reason, "maxDuration")
  })
})

describe("keys", () => {
  it("are a turn after a pause, or at once with #", () => {
    const turns = Turns.make()
    turns.greeted()
    for (const digit of ["4", "2"]) turns.send({ _tag: "Digit", digit })
    assert.strictEqual(turns.count("StartReply"), 0)
    turns.send({ _tag: "Digit", digit: "#" })
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "4 2")
  })

  it("stop the agent at once", () => {
    const turns = answering()
    turns.pass(500)
    turns.send({ _tag: "Digit", digit: "1" })
    assert.strictEqual(turns.count("Clear"), 1)
    turns.pass(digitPauseMillis)
    assert.strictEqual(turns.told("CallerSaid").at(-1)?.text, "1")
  })

  it("in the middle of speech wait for it, and neither is lost", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(300)
    turns.send({ _tag: "Digit", digit: "1" })
    turns.pass(2000)
    assert.strictEqual(turns.count("StartReply"), 0)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(130)
    turns.transcribed("on monday")
    turns.pass(300)
    assert.deepStrictEqual(turns.told("CallerSaid").map(({ text }) => text), ["on monday", "1"])
  })
})

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

/** What was spoken and released, in order, from the newest turn's beginning. */
const order = (turns: ReturnType<typeof Turns.make>) =>
  turns.all.flatMap((command) =>
    command._tag === "Speak" ? [`speak ${command.reply}`] : command._tag === "Release" ? [`release ${command.reply}`] : [])
    .filter((line) => !line.endsWith(" 0"))

describe("filler", () => {
  it("is said when no sound has begun so long after the caller's last voiced sample, and the reply follows behind it", () => {
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
    assert.deepStrictEqual(turns.told("AgentFills").map(({ text }) => text), ["Let me see."])
  })

  it("is not said when the reply has sound by then, which leaves as soon as it is there", () => {
    const turns = asked("when are you open", { fillers })
    const reply = turns.answers("From nine to five.")
    turns.pass(200)
    assert.notInclude(order(turns), `release ${reply}`)
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
    turns.pass(5000)
    assert.strictEqual(turns.told("AgentFills").length, 0)
  })

  it("does not hold up a reply that was made in the pause", () => {
    const turns = asked("when are you open", { fillers })
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    turns.pass(200)
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
  })

  it("gives way to a reply that has sound before it", () => {
    const turns = waiting()
    const filler = turns.last("Speak")!.reply
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.strictEqual(turns.last("CancelReply")?.reply, filler)
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
  })

  it("is one a turn, and never the same twice in a row", () => {
    const turns = waiting()
    for (let turn = 0; turn < 3; turn++) {
      const filler = sounds(turns, turns.last("Speak")!.reply)
      filler.begins()
      filler.plays(700)
      filler.leaves()
      turns.pass(2000)
      filler.heard()
      turns.pass(2000)
      assert.strictEqual(turns.told("AgentFills").length, turn + 1)
      turns.answers("From nine to five.")
      turns.play(1000)
      turns.pass(1000)
      turns.heard()
      turns.voice(800)
      turns.pass(120)
      turns.transcribed("and where are you")
      turns.pass(900)
    }
    assert.deepStrictEqual(turns.told("AgentFills").map(({ text }) => text), ["Let me see.", "One moment.", "Let me see.", "One moment."])
  })

  it("of a single line is left out every other time", () => {
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
    assert.strictEqual(turns.told("AgentFills").length, 2)
  })

  it("is nothing that was said: neither the history nor what was heard holds it", () => {
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
    assert.deepStrictEqual(history(turns).slice(1), ["caller: when are you open", "agent: From nine to five."])
    assert.strictEqual(turns.told("AgentHeard").at(-1)?.text, "From nine to five.")
  })

  it("can be interrupted: it stops, and the caller goes on with the same turn, without another one", () => {
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
    assert.strictEqual(turns.told("BargeIn").length, 1)
    assert.includeMembers(turns.all.filter(turns.tag("CancelReply")).map((command) => command.reply), [filler, reply])
    turns.pass(500)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    turns.pass(130)
    turns.transcribed("on saturday")
    turns.pass(3000)
    assert.deepStrictEqual(turns.last("StartReply")?.request.history.slice(1), [{ role: "caller", text: "when are you open on saturday" }])
    assert.strictEqual(turns.told("AgentFills").length, 1)
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

  it("does not make the reply behind it heard sooner than it is played", () => {
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
    assert.deepStrictEqual(history(turns).slice(1), ["caller: when are you open"])
  })

  it("is not said while the caller speaks, after keys, or after what nobody understood", () => {
    const speaking = asked("when are you open", { fillers })
    speaking.pass(300)
    speaking.send({ _tag: "VoiceStarted", since: speaking.now })
    speaking.pass(150)
    speaking.send({ _tag: "VoiceStopped", since: speaking.now })
    speaking.pass(5000)
    assert.strictEqual(speaking.told("AgentFills").length, 0)

    const keys = Turns.make({ fillers })
    keys.greeted()
    for (const digit of ["1", "#"]) keys.send({ _tag: "Digit", digit })
    keys.pass(5000)
    assert.strictEqual(keys.told("AgentFills").length, 0)
    assert.strictEqual(keys.last("Release")?.reply, keys.last("StartReply")?.reply)

    const mumbling = Turns.make({ fillers })
    mumbling.greeted()
    mumbling.voice(900)
    mumbling.pass(120)
    mumbling.transcribed({ text: "", isUnintelligible: true, ending: "unknown" })
    mumbling.pass(5000)
    assert.strictEqual(mumbling.told("AgentFills").length, 0)
  })

  it("that can't be said is forgotten, and the reply is not held up", () => {
    const turns = waiting()
    const filler = turns.last("Speak")!.reply
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechFailed", reply: filler, segment: 0, hadSound: false, reason: "broken" })
    assert.strictEqual(turns.last("CancelReply")?.reply, filler)
    assert.strictEqual(order(turns).at(-1), `release ${reply}`)
    assert.strictEqual(turns.state.failuresInRow, 0)
  })

  it("does not keep back the apology for a reply that never came", () => {
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

describe("partial transcript", () => {
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

  it("with words stops the agent before the voice alone would", () => {
    const turns = speaking("where are")
    assert.strictEqual(turns.count("Clear"), 1)
    assert.strictEqual(turns.told("BargeIn")[0].clearAfter, 100)
    turns.pass(1000)
    assert.strictEqual(turns.count("Clear"), 1)
  })

  it("that is a backchannel lets the agent go on, for as long again", () => {
    const turns = speaking("okay", 150)
    turns.pass(199)
    assert.strictEqual(turns.count("Clear"), 0)
    turns.pass(1)
    assert.strictEqual(turns.count("Clear"), 1)
  })

  it("that is a backchannel at first stops the agent when more is said", () => {
    const turns = speaking("okay")
    turns.send({ _tag: "Partial", utterance: turns.last("BeginUtterance")!.utterance, text: "okay but where" })
    assert.strictEqual(turns.count("Clear"), 1)
  })

  it("without words, of another utterance, or while the agent is silent decides nothing", () => {
    const empty = speaking(" … ")
    assert.strictEqual(empty.count("Clear"), 0)
    assert.strictEqual(empty.told("CallerSays").length, 0)
    const old = speaking("", 100)
    old.send({ _tag: "Partial", utterance: 0, text: "where are" })
    assert.strictEqual(old.count("Clear"), 0)
    const silent = Turns.make()
    silent.greeted()
    silent.send({ _tag: "VoiceStarted", since: silent.now })
    silent.send({ _tag: "Partial", utterance: silent.last("BeginUtterance")!.utterance, text: "where are" })
    assert.strictEqual(silent.count("Clear"), 0)
    assert.deepStrictEqual(silent.told("CallerSays").map(({ text }) => text), ["where are"])
  })

  it("is told to watchers once each time it changes", () => {
    const turns = speaking("okay")
    const { utterance } = turns.last("BeginUtterance")!
    for (const text of ["okay", "okay but", "okay but"]) turns.send({ _tag: "Partial", utterance, text })
    assert.deepStrictEqual(turns.told("CallerSays").map(({ text }) => text), ["okay", "okay but"])
  })
})

const transfers = { reception: "+14155550177" as PhoneNumber }

describe("transfer", () => {
  const transferring = (to = "reception") => {
    const turns = asked("a person please", { transfers })
    turns.answers("I will put you through.", { transfer: to })
    turns.pass(300)
    turns.play(1500)
    return turns
  }

  it("is done when all of the reply has been heard", () => {
    const turns = transferring()
    turns.pass(1500)
    assert.strictEqual(turns.count("Transfer"), 0)
    turns.heard()
    assert.strictEqual(turns.last("Transfer")?.to, "reception")
    turns.send({ _tag: "Transferred" })
    assert.strictEqual(turns.told("Ended").at(-1)?.reason, "transferred")
    assert.strictEqual(turns.count("HangUp"), 0)
  })

  it("that fails is said, and the conversation goes on", () => {
    const turns = transferring()
    turns.pass(1500)
    turns.heard()
    turns.send({ _tag: "TransferFailed", reason: "rejected" })
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.transferFailed)
    assert.deepStrictEqual(turns.told("TransferFailed").map(({ reason, to }) => [to, reason]), [["reception", "rejected"]])
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    turns.voice(800)
    turns.pass(120)
    turns.transcribed("when are you open")
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "when are you open")
  })

  it("goes to nobody whom the agent's file does not name", () => {
    for (const to of ["boss", "toString"]) {
      const turns = transferring(to)
      turns.pass(1500)
      turns.heard()
      assert.strictEqual(turns.count("Transfer"), 0)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.transferFailed)
    }
  })

  it("is off when the caller interrupts what is said before it", () => {
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

  it("leaves what the caller says meanwhile to whom the call goes to, and asks nobody whether they are there", () => {
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

describe("pressing keys", () => {
  const pressing = (digits = "12#", more: { readonly hangUp?: boolean } = {}) => {
    const turns = asked("enter the code")
    turns.answers("I am pressing the keys.", { digits, ...more })
    turns.pass(300)
    return turns
  }

  it("is done behind the words, with a mark of its own, and is nothing that was said", () => {
    const turns = pressing("1 2 #")
    const words = turns.last("Speak")!
    const keys = turns.last("Press")!
    assert.deepStrictEqual([keys.reply, keys.segment, keys.digits], [words.reply, words.segment + 1, "12#"])
    assert.isBelow(turns.all.indexOf(words), turns.all.indexOf(keys))
    assert.deepStrictEqual(turns.told("AgentPresses").map(({ digits }) => digits), ["12#"])
    turns.send({ _tag: "MediaSent", reply: words.reply, segment: words.segment })
    turns.send({ _tag: "SpeechEnded", reply: words.reply, segment: words.segment, duration: 1000 })
    turns.send({ _tag: "SpeechEnded", reply: keys.reply, segment: keys.segment, duration: 600 })
    turns.pass(1000)
    turns.send({ _tag: "MarkReturned", reply: words.reply, segment: words.segment })
    assert.strictEqual(turns.told("AgentHeard").length, 1)
    turns.pass(600)
    turns.heard()
    assert.deepStrictEqual(turns.told("AgentHeard").at(-1), {
      ...turns.told("AgentHeard").at(-1)!,
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

  it("is interrupted like speech; after a false interruption only what was not pressed is", () => {
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
    // Stopped 300 ms into the keys: the second one had begun.
    assert.strictEqual(turns.last("Press")?.digits, "34")
    assert.strictEqual(turns.last("Speak")?.text, "I am pressing the keys.")
  })

  it("is not taken for done while the words before are still playing, though the tones were sent", () => {
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

  it("is not done once the caller has taken the turn", () => {
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
    turns.pass(Farewell.silenceBeforeHangUpMillis - 1)
    assert.strictEqual(turns.count("HangUp"), 0)
    turns.pass(1)
    assert.strictEqual(turns.last("HangUp")?.reason, "goodbye")
  })

  it("is not done when the reply breaks off", () => {
    const turns = asked("enter the code")
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "I am pressing the keys. And th" })
    turns.send({ _tag: "ReplyDigits", reply, digits: "12" })
    turns.pass(300)
    turns.send({ _tag: "ReplyFailed", reply, reason: "broken" })
    assert.strictEqual(turns.count("Press"), 0)
  })
})

describe("engine faults", () => {
  const fail = (turns: ReturnType<typeof Turns.make>) => {
    const { attempt, utterance } = turns.last("Transcribe")!
    turns.send({ _tag: "TranscriptionFailed", utterance, attempt, reason: "timeout" })
  }

  it("a transcription is asked for once more, then there is an apology", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(500)
    turns.pass(130)
    fail(turns)
    assert.strictEqual(turns.count("Transcribe"), 2)
    fail(turns)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
  })

  it("a reply without text is asked for once more, then there is an apology", () => {
    const turns = asked()
    turns.pass(300)
    turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "unavailable" })
    assert.strictEqual(turns.count("StartReply"), 2)
    turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "unavailable" })
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
  })

  it("a reply that breaks off says so behind what it has said", () => {
    const turns = asked()
    const { reply } = turns.last("StartReply")!
    turns.send({ _tag: "ReplyText", reply, text: "We are open from nine. And on Sat" })
    turns.pass(300)
    turns.send({ _tag: "ReplyFailed", reply, reason: "broken" })
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
    assert.strictEqual(turns.last("Speak")?.reply, reply)
  })

  it("speech is tried once more, then there is an apology; the third failure in a row ends the call", () => {
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

  it("a failed speculation is made again at the endpoint", () => {
    const turns = asked()
    turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, reason: "broken" })
    turns.pass(300)
    assert.strictEqual(turns.count("StartReply"), 2)
    assert.strictEqual(turns.last("Release")?.reply, turns.last("StartReply")?.reply)
  })

  for (const failure of [{ reason: "refused" }, { reason: "unavailable", isSpent: true }, { reason: "timeout", isSpent: true }] as const) {
    const what = `${failure.reason}${"isSpent" in failure ? ", after all tries," : ""}`

    it(`a reply that is ${what} is not asked for again`, () => {
      const turns = asked()
      turns.pass(300)
      turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, ...failure })
      assert.strictEqual(turns.count("StartReply"), 1)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
    })

    it(`a reply that is ${what} in the pause is not asked for again when the turn is over`, () => {
      const turns = asked()
      const { reply } = turns.last("StartReply")!
      turns.send({ _tag: "ReplyFailed", reply, ...failure })
      assert.strictEqual(turns.count("Speak"), 1)
      turns.pass(300)
      assert.strictEqual(turns.count("StartReply"), 1)
      assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.apology)
      assert.strictEqual(turns.all.filter(turns.tag("CancelReply")).filter((cancelled) => cancelled.reply === reply).length, 1)
    })

    it(`a reply that is ${what} in the pause is asked for with what the caller says behind it`, () => {
      const turns = asked()
      turns.send({ _tag: "ReplyFailed", reply: turns.last("StartReply")!.reply, ...failure })
      turns.voice(500)
      turns.pass(130)
      turns.transcribed("when are you open on Sunday")
      turns.pass(300)
      assert.strictEqual(turns.count("StartReply"), 2)
      assert.strictEqual(turns.last("Release")?.reply, turns.last("StartReply")?.reply)
    })

    it(`a transcription and speech that are ${what} are not asked for again`, () => {
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

  it("a reply that broke off does not make up for failures, though its end is heard; the third ends the call", () => {
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
    turns.pass(Farewell.silenceBeforeHangUpMillis)
    assert.strictEqual(turns.last("HangUp")?.reason, "engineFailed")
  })

  it("a good turn makes up for failures", () => {
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

describe("measuring", () => {
  it("tells each turn's times once, from the last voiced sample", () => {
    const turns = answering("Yes.")
    turns.pass(500)
    turns.heard()
    const measured = turns.told("TurnMeasured")
    assert.strictEqual(measured.length, 1)
    assert.strictEqual(measured[0].times.due, 250)
    assert.strictEqual(measured[0].times.endpoint, 250)
    assert.isAtLeast(measured[0].times.firstMark!, measured[0].times.firstMedia!)
  })
})

// ---------------------------------------------------------------------------------------------
// Any sequence of events
// ---------------------------------------------------------------------------------------------

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("pass"), millis: between(1, 9000) }),
  Schema.Struct({ _tag: Schema.Literal("pass"), millis: between(1, 300) }),
  Schema.Struct({ _tag: Schema.Literal("voice"), millis: between(20, 2000) }),
  Schema.Struct({
    _tag: Schema.Literal("words"),
    text: Schema.Literals(["", "yes", "okay", "when are you open", "on monday at ten", "hold on a minute", "five five five"])
  }),
  /** The caller asks, and waits for the answer. */
  Schema.Struct({ _tag: Schema.Literal("turn"), wait: between(100, 2000) }),
  Schema.Struct({ _tag: Schema.Literal("partial"), text: Schema.Literals(["", "okay", "when are"]) }),
  Schema.Struct({
    _tag: Schema.Literals([
      "start", "stop", "play", "heard", "text", "done", "hangUpAfter", "replyFails", "speechFails", "sttFails", "digit", "hash",
      "transferAfter", "pressAfter", "transferred", "transferFails", "fillerLeaves"
    ])
  })
])
type Step = typeof Step.Type

const steps = Schema.Array(Step).check(Schema.isMinLength(5), Schema.isMaxLength(60))

const anySettings = {
  ...Turns.settings,
  endpointing: { ...Turns.settings.endpointing, dictation: 1600 },
  lines: { ...Turns.settings.lines, hold: "Take your time." },
  idle: { ...Turns.settings.idle, hold: 60_000 },
  fillers: { ...fillers, after: 320 },
  transfers
}

const run = (script: ReadonlyArray<Step>) => {
  const turns = Turns.make(anySettings)
  turns.send({ _tag: "Began" })
  for (const step of script) {
    const reply = turns.last("StartReply")?.reply
    const spoken = turns.all.findLast((command) => command._tag === "Speak" || command._tag === "Press")
    const asked = turns.last("Transcribe")
    switch (step._tag) {
      case "pass":
        turns.pass(step.millis)
        break
      case "voice":
        turns.voice(step.millis)
        break
      case "start":
        turns.send({ _tag: "VoiceStarted", since: turns.now })
        break
      case "stop":
        turns.send({ _tag: "VoiceStopped", since: turns.now })
        break
      case "play":
        if (spoken !== undefined) turns.play()
        break
      case "heard":
        if (spoken !== undefined) turns.heard()
        break
      case "text":
        if (reply !== undefined) turns.send({ _tag: "ReplyText", reply, text: "Certainly, we can do that. Tell me more please. " })
        break
      case "done":
        if (reply !== undefined) turns.send({ _tag: "ReplyDone", reply })
        break
      case "hangUpAfter":
        if (reply !== undefined) turns.send({ _tag: "ReplyHangUp", reply })
        break
      case "transferAfter":
        if (reply !== undefined) turns.send({ _tag: "ReplyTransfer", reply, to: "reception" })
        break
      case "pressAfter":
        if (reply !== undefined) turns.send({ _tag: "ReplyDigits", reply, digits: "12" })
        break
      case "transferred":
        if (turns.state.transferring !== undefined) turns.send({ _tag: "Transferred" })
        break
      case "transferFails":
        if (turns.state.transferring !== undefined) turns.send({ _tag: "TransferFailed", reason: "rejected" })
        break
      case "fillerLeaves":
        if (turns.state.filler !== undefined) turns.send({ _tag: "FillerLeft", reply: turns.state.filler.id })
        break
      case "partial": {
        const utterance = turns.last("BeginUtterance")?.utterance
        if (utterance !== undefined) turns.send({ _tag: "Partial", utterance, text: step.text })
        break
      }
      case "replyFails":
        if (reply !== undefined) turns.send({ _tag: "ReplyFailed", reply, reason: "broken" })
        break
      case "speechFails":
        if (spoken?._tag === "Speak") turns.send({ _tag: "SpeechFailed", reply: spoken.reply, segment: spoken.segment, hadSound: false, reason: "broken" })
        break
      case "sttFails":
        if (asked !== undefined) turns.send({ ...asked, _tag: "TranscriptionFailed", reason: "broken" })
        break
      case "turn": {
        const before = turns.count("Transcribe")
        turns.voice(600)
        turns.pass(130)
        if (turns.count("Transcribe") > before) turns.transcribed("when are you open")
        turns.pass(step.wait)
        break
      }
      case "words":
        if (asked !== undefined) turns.transcribed(step.text)
        break
      case "digit":
        turns.send({ _tag: "Digit", digit: "1" })
        break
      case "hash":
        turns.send({ _tag: "Digit", digit: "#" })
        break
    }
  }
  return turns
}

/** Whatever may still come of a reply. */
const ofReply = (reply: number, segment: number) => [
  { _tag: "ReplyText", reply, text: "Late words. " },
  { _tag: "ReplyState", reply, state: "late" },
  { _tag: "ReplyHangUp", reply },
  { _tag: "ReplyDone", reply },
  { _tag: "ReplyFailed", reply, reason: "late" },
  { _tag: "ReplyFailed", reply, reason: "refused" },
  { _tag: "SpeechBegan", reply, segment },
  { _tag: "MediaSent", reply, segment },
  { _tag: "SpeechEnded", reply, segment, duration: 10 },
  { _tag: "SpeechFailed", reply, segment, hadSound: true, reason: "late" },
  { _tag: "MarkReturned", reply, segment }
] as const

/** A caller on a line that plays in real time. */
const Act = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("wait"), millis: between(20, 3000) }),
  Schema.Struct({ _tag: Schema.Literal("speak"), millis: between(40, 900) }),
  Schema.Struct({ _tag: Schema.Literal("say"), text: Schema.Literals(["", "yes", "uh-huh", "when are you open", "on monday at ten"]) }),
  Schema.Struct({ _tag: Schema.Literal("late"), reply: between(0, 9), segment: between(0, 3) }),
  // What happens most of the time.
  Schema.Struct({ _tag: Schema.Literals(["ask", "begin", "answer"]) }),
  Schema.Struct({ _tag: Schema.Literals(["ask", "begin", "answer"]) }),
  Schema.Struct({ _tag: Schema.Literals(["goodbye", "digit", "sttFails", "replyFails"]) })
])

const acts = Schema.Array(Act).check(Schema.isMinLength(4), Schema.isMaxLength(40))

const talk = (script: ReadonlyArray<typeof Act.Type>) => {
  const line = Line.make()
  line.send({ _tag: "Began" })
  for (const act of script) {
    const asked = line.turns.last("Transcribe")
    switch (act._tag) {
      case "wait":
        line.pass(act.millis)
        break
      case "speak":
        line.voice(act.millis)
        line.pass(140)
        break
      case "say":
        line.says(act.text)
        line.pass(300)
        break
      case "ask":
        line.voice(600)
        line.pass(140)
        line.says("when are you open")
        line.pass(200)
        break
      case "begin":
        line.begins("Let me have a look at that for you. It will not take long. One moment ple")
        line.pass(1000)
        break
      case "late":
        for (const event of ofReply(act.reply, act.segment)) {
          const { active, preemptive } = line.turns.state
          if (act.reply !== active?.id && act.reply !== preemptive?.id) line.send(event)
        }
        break
      case "replyFails":
        line.fails()
        break
      case "answer":
        line.answers("Certainly, we can do that for you. We are open from nine to five, on every day of the week. Is there more?")
        break
      case "goodbye":
        line.answers("Thank you for calling. Goodbye.", true)
        break
      case "digit":
        line.send({ _tag: "Digit", digit: "1" })
        break
      case "sttFails":
        if (asked !== undefined) line.send({ ...asked, _tag: "TranscriptionFailed", reason: "broken" })
        break
    }
  }
  return line
}

/** For events in any order, sensible or not; and for a caller on a line that plays in real time. */
const holds = (name: string, check: (turns: ReturnType<typeof run>) => void) => {
  it.prop(name, [steps], ([script]) => check(run(script)), { arbitrary: { runs: 300 } })
  it.prop(`${name}: on a line`, [acts], ([script]) => check(talk(script).turns), { arbitrary: { runs: 150 } })
}

describe("for any sequence of events", () => {
  holds("history never holds words that were not spoken and begun to be heard", (turns) => {
      const sent = new Set<string>()
      for (const event of turns.events) {
        if (event._tag === "MediaSent" || event._tag === "MarkReturned") sent.add(`${event.reply}/${event.segment}`)
      }
      const audible = turns.all.filter(turns.tag("Speak")).filter(({ reply, segment }) =>
        sent.has(`${reply}/${segment}`) || sent.has(`${reply}/${segment - 1}`) || turns.events.some((event) =>
          event._tag === "MarkReturned" && event.reply === reply && event.segment > segment)
      ).flatMap(({ text }) => text.split(" "))
      for (const { role, text } of turns.state.history) {
        if (role !== "agent") continue
        for (const word of text.split(" ")) assert.include(audible, word)
      }
    })

  holds("after Ended nothing happens", (turns) => {
      turns.send({ _tag: "HungUp" })
      assert.isTrue(turns.state.isEnded)
      const before = turns.all.length
      turns.pass(700_000)
      turns.voice(1000)
      turns.send({ _tag: "Digit", digit: "1" })
      assert.strictEqual(turns.all.length, before)
      assert.strictEqual(turns.told("Ended").length, 1)
    })

  holds("every reply started is finished, cancelled or superseded", (turns) => {
      turns.send({ _tag: "HungUp" })
      const running = new Set<number>()
      for (const { commands, event, state } of turns.steps) {
        if (event._tag === "ReplyDone" || event._tag === "ReplyFailed") running.delete(event.reply)
        for (const command of commands) {
          if (command._tag === "StartReply") running.add(command.reply)
          if (command._tag === "CancelReply") running.delete(command.reply)
        }
        // A model that nobody waits for would go on for nothing.
        for (const reply of running) assert.include([state.active?.id, state.preemptive?.id], reply, event._tag)
      }
      assert.strictEqual(running.size, 0)
    })

  holds("no command is issued for a superseded turn", (turns) => {
      const cancelled = new Set<number>()
      for (const command of turns.all) {
        if (command._tag === "CancelReply") cancelled.add(command.reply)
        else if (command._tag === "RememberAgentWords" || command._tag === "ForgetReply") continue
        else if ("reply" in command) assert.isFalse(cancelled.has(command.reply), `${command._tag} of reply ${command.reply}`)
      }
    })

  holds("a reply is forgotten once, and no command names it afterwards", (turns) => {
      turns.send({ _tag: "HungUp" })
      const forgotten = new Set<number>()
      for (const command of turns.all) {
        if ("reply" in command) assert.isFalse(forgotten.has(command.reply), `${command._tag} of reply ${command.reply}`)
        if (command._tag === "ForgetReply") forgotten.add(command.reply)
      }
      for (const { reply } of turns.all.filter(turns.tag("StartReply"))) assert.isTrue(forgotten.has(reply), `reply ${reply}`)
    })

  holds("a model's reply that has the turn is settled, and one made in a pause is not", (turns) => {
      const settled = new Set<number>()
      for (const { commands, state } of turns.steps) {
        for (const command of commands) if (command._tag === "SettleReply") settled.add(command.reply)
        if (state.active?.request !== undefined) assert.isTrue(settled.has(state.active.id))
        if (state.preemptive !== undefined) assert.isFalse(settled.has(state.preemptive.id))
      }
    })

  holds("words are wanted exactly while a voice may stop the agent", (turns) => {
      let areWanted = false
      for (const { commands, state } of turns.steps) {
        for (const command of commands) if (command._tag === "WantWords") areWanted = command.isWanted
        assert.strictEqual(areWanted, state.timers.bargeIn !== undefined)
      }
    })

  holds("a reply's sound never leaves while a filler's may still", (turns) => {
      let filler: number | undefined
      for (const command of turns.all) {
        if (command._tag === "Speak" && command.kind === "filler") filler = command.reply
        if (command._tag === "CancelReply" && command.reply === filler) filler = undefined
        if (command._tag === "Release" && filler !== undefined && command.reply !== filler) {
          assert.isTrue(turns.events.some((event) => event._tag === "FillerLeft" && event.reply === filler))
        }
      }
    })

  holds("no filler is said twice in a row, and none is remembered", (turns) => {
      const said = turns.told("AgentFills").map(({ text }) => text)
      for (const [index, text] of said.entries()) assert.notStrictEqual(text, said[index + 1])
      for (const { role, text } of turns.state.history) {
        if (role === "agent") for (const line of fillers.lines) assert.notInclude(text, line)
      }
    })

  holds("a barge-in always ends in clear", (turns) => {
      for (const { commands } of turns.steps) {
        const at = commands.findIndex((command) => command._tag === "Tell" && command.event._tag === "BargeIn")
        if (at < 0) continue
        const order = commands.map(({ _tag }) => _tag)
        assert.include(order.slice(0, at), "Clear")
        // A filler that is interrupted has nothing that could be said later.
        assert.isTrue(order.slice(0, order.indexOf("Clear")).some((tag) => tag === "StopSpeech" || tag === "CancelReply"))
        // Behind it nothing may be said that would be thrown away too.
        assert.notInclude(order.slice(0, order.lastIndexOf("Clear")), "Speak")
      }
    })

  holds("sound is cleared only from its first media to its last mark, and then nothing of it plays on", (turns) => {
      let isMediaSent = false
      for (const { commands, event, state } of turns.steps) {
        const before = isMediaSent
        // A filler may be playing before the machine knows that its sound has left.
        isMediaSent = (state.active !== undefined && Reply.isMediaSent(state.active)) || state.filler !== undefined
        if (!commands.some(({ _tag }) => _tag === "Clear")) continue
        assert.isTrue(before, event._tag)
        if (state.active?.phase._tag === "Interrupted") assert.strictEqual(state.active.segments.length, 0)
      }
    })

  holds("an utterance is begun before it is transcribed and ended once; a second one is open only as the rest of the first", (turns) => {
      turns.send({ _tag: "HungUp" })
      const open: Array<number> = []
      for (const command of turns.all) {
        if (command._tag === "BeginUtterance") {
          assert.strictEqual(command.after, open.at(-1))
          open.push(command.utterance)
        }
        if (command._tag === "Transcribe") assert.include(open, command.utterance)
        if (command._tag === "EndUtterance") {
          assert.include(open, command.utterance)
          open.splice(open.indexOf(command.utterance), 1)
        }
      }
      assert.deepStrictEqual(open, [])
    })

  holds("the same events give the same commands", (turns) => {
      const transition = Transition.make(turns.settings)
      let state = initialState
      const again: Array<Command> = []
      for (const event of JSON.parse(JSON.stringify(turns.events)) as ReadonlyArray<TurnEvent>) {
        const [commands, next] = transition(state, event)
        state = next
        again.push(...commands)
      }
      assert.deepStrictEqual(JSON.stringify(again), JSON.stringify(turns.all))
    })
})

const onTheLine = (name: string, check: (line: ReturnType<typeof talk>) => void) =>
  it.prop(name, [acts], ([script]) => check(talk(script)), { arbitrary: { runs: 150 } })

describe("on a line that plays in real time, whatever the caller does", () => {
  onTheLine("history holds exactly what was heard, to the word", (line) => {
      line.send({ _tag: "HungUp" })
      for (const { text, turn } of line.turns.told("AgentHeard")) assert.strictEqual(text, line.heard(turn))
      const agent = line.turns.state.history.flatMap(({ role, text }) => (role === "agent" ? [text] : []))
      assert.deepStrictEqual(agent, line.turns.told("AgentHeard").flatMap(({ text }) => (text === "" ? [] : [text])))
    })

  onTheLine("the line is cut only when the last word of the goodbye was heard", (line) => {
      const before = line.turns.count("HangUp")
      for (let waited = 0; waited < 60 && line.turns.count("HangUp") === 0; waited++) line.pass(1000)
      assert.isFalse(line.turns.count("HangUp") > before && line.isPlaying())
      const goodbye = line.turns.steps.findLast(({ commands }) => commands.some(({ _tag }) => _tag === "HangUp"))
      if (goodbye !== undefined) assert.deepInclude(goodbye.event, { _tag: "TimerFired", timer: "hangUp" })
    })

  onTheLine("nobody waits for ever: who says nothing more is asked, and in the end told goodbye", (line) => {
      if (line.turns.state.voice.isOn) line.send({ _tag: "VoiceStopped", since: line.turns.now })
      for (let waited = 0; waited < 90 && !line.turns.state.isEnded; waited++) {
        line.pass(1000)
        // The engines answer, as they do.
        if (line.turns.state.utterance?.isTranscribing === true) line.says("")
        if (line.turns.state.active?.isTextDone === false) line.answers("Fine.")
      }
      assert.isTrue(line.turns.state.isEnded)
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
      assert.deepStrictEqual(turns.told("Ended").map(({ reason }) => reason), ["callerHungUp"])
      assert.strictEqual(turns.count("BeginUtterance"), turns.count("EndUtterance"))
      const cancelled = turns.all.filter(turns.tag("CancelReply")).map(({ reply }) => reply)
      for (const { reply } of turns.all.filter(turns.tag("StartReply"))) assert.include(cancelled, reply)
      // It is told once.
      assert.deepStrictEqual(turns.send({ _tag: "HungUp" }), [])
    })
  }

  it("in the middle of an answer: what was heard of it is kept", () => {
    const turns = answering()
    turns.pass(2000)
    turns.send({ _tag: "HungUp" })
    assert.strictEqual(history(turns).at(-1), "agent: We are open from nine to")
  })
})

describe("races", () => {
  it("a transcript, text, sound and marks of what is over change nothing", () => {
    const turns = answering()
    const asked = turns.last("Transcribe")!
    const { reply } = turns.last("StartReply")!
    turns.pass(500)
    turns.voice(900)
    turns.pass(120)
    turns.transcribed("where are you")
    turns.pass(300)
    const before = turns.state
    for (const late of [
      { ...asked, _tag: "Transcribed", transcript: Turns.complete("late") },
      { ...asked, _tag: "TranscriptionFailed", reason: "late" },
      ...ofReply(reply, 0),
      { _tag: "TimerFired", timer: "endpoint", id: 0 }
    ] as const) {
      assert.deepStrictEqual(turns.send(late), [], late._tag)
      assert.deepStrictEqual(turns.state, before, late._tag)
    }
  })

  it("a transcript of before the caller went on is not the turn's", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(500)
    turns.pass(120)
    const before = turns.last("Transcribe")!
    turns.voice(500)
    turns.pass(120)
    assert.strictEqual(turns.last("Transcribe")!.attempt, before.attempt + 1)
    assert.deepStrictEqual(turns.send({ ...before, _tag: "Transcribed", transcript: Turns.complete("book") }), [])
    turns.transcribed("book a table")
    turns.pass(300)
    assert.deepStrictEqual(turns.told("CallerSaid").map(({ text }) => text), ["book a table"])
  })

  it("a voice that stops twice has stopped once", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(500)
    assert.deepStrictEqual(turns.send({ _tag: "VoiceStopped", since: turns.now }), [])
  })
})
