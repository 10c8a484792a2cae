import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Command } from "../../../../src/conversation/turn/TurnCommand.ts"
import type { TurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import { initial as initialState } from "../../../../src/conversation/turn/TurnState.ts"
import * as Transition from "../../../../src/conversation/turn/Transition.ts"
import * as ReplyState from "../../../../src/conversation/turn/ReplyState.ts"
import type { PhoneNumber } from "../../../../src/domain/PhoneNumber.ts"
import * as Line from "../../../support/conversation/Line.ts"
import { answering } from "../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../support/conversation/Turns.ts"

const fillers = { after: 900, lines: ["Let me see.", "One moment."] }
const transfers = { reception: "+14155550177" as PhoneNumber }

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

/** All events that may still arrive for a reply. */
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
  // A usual turn.
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

/** Checks a law for events in any order, even an impossible one, and for a caller on a line that plays in real time. */
const holds = (name: string, check: (turns: ReturnType<typeof run>) => void) => {
  it.prop(name, [steps], ([script]) => check(run(script)), { arbitrary: { runs: 300 } })
  it.prop(`${name}: on a line`, [acts], ([script]) => check(talk(script).turns), { arbitrary: { runs: 150 } })
}

describe("for any sequence of events", () => {
  holds("the history has no words that the caller can't have heard", (turns) => {
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

  holds("nothing happens after the end", (turns) => {
      turns.send({ _tag: "HungUp" })
      assert.isTrue(turns.state.isEnded)
      const before = turns.all.length
      turns.pass(700_000)
      turns.voice(1000)
      turns.send({ _tag: "Digit", digit: "1" })
      assert.strictEqual(turns.all.length, before)
      assert.strictEqual(turns.published("Ended").length, 1)
    })

  holds("each started reply is finished or cancelled", (turns) => {
      turns.send({ _tag: "HungUp" })
      const running = new Set<number>()
      for (const { commands, event, state } of turns.steps) {
        if (event._tag === "ReplyDone" || event._tag === "ReplyFailed") running.delete(event.reply)
        for (const command of commands) {
          if (command._tag === "StartReply") running.add(command.reply)
          if (command._tag === "CancelReply") running.delete(command.reply)
        }
        // Otherwise the model of a dropped reply would go on for nothing.
        for (const reply of running) assert.include([state.active?.id, state.preemptive?.id], reply, event._tag)
      }
      assert.strictEqual(running.size, 0)
    })

  holds("no command names a cancelled reply", (turns) => {
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

  holds("partial transcripts are wanted exactly while the voice may stop the agent", (turns) => {
      let areWanted = false
      for (const { commands, state } of turns.steps) {
        for (const command of commands) if (command._tag === "WantWords") areWanted = command.isWanted
        assert.strictEqual(areWanted, state.timers.bargeIn !== undefined)
      }
    })

  holds("no sound of a reply is sent before the whole filler was sent", (turns) => {
      let filler: number | undefined
      for (const command of turns.all) {
        if (command._tag === "Speak" && command.kind === "filler") filler = command.reply
        if (command._tag === "CancelReply" && command.reply === filler) filler = undefined
        if (command._tag === "Release" && filler !== undefined && command.reply !== filler) {
          assert.isTrue(turns.events.some((event) => event._tag === "FillerLeft" && event.reply === filler))
        }
      }
    })

  holds("no filler is said twice in a row, and none is in the history", (turns) => {
      const said = turns.published("AgentFills").map(({ text }) => text)
      for (const [index, text] of said.entries()) assert.notStrictEqual(text, said[index + 1])
      for (const { role, text } of turns.state.history) {
        if (role === "agent") for (const line of fillers.lines) assert.notInclude(text, line)
      }
    })

  holds("each barge-in clears the line", (turns) => {
      for (const { commands } of turns.steps) {
        const at = commands.findIndex((command) => command._tag === "Publish" && command.event._tag === "BargeIn")
        if (at < 0) continue
        const order = commands.map(({ _tag }) => _tag)
        assert.include(order.slice(0, at), "Clear")
        // The rest of an interrupted filler is never said.
        assert.isTrue(order.slice(0, order.indexOf("Clear")).some((tag) => tag === "StopSpeech" || tag === "CancelReply"))
        // Speech that was ordered after the clear would be thrown away too.
        assert.notInclude(order.slice(0, order.lastIndexOf("Clear")), "Speak")
      }
    })

  holds("sound is cleared only between its first media and its last mark, and none of it plays afterwards", (turns) => {
      let isMediaSent = false
      for (const { commands, event, state } of turns.steps) {
        const before = isMediaSent
        // A filler may be playing before the machine knows that its sound was sent.
        isMediaSent = (state.active !== undefined && ReplyState.isMediaSent(state.active)) || state.filler !== undefined
        if (!commands.some(({ _tag }) => _tag === "Clear")) continue
        assert.isTrue(before, event._tag)
        if (state.active?.phase._tag === "Interrupted") assert.strictEqual(state.active.segments.length, 0)
      }
    })

  holds("an utterance is begun, transcribed and ended in this order, and only a later part of the turn may overlap it", (turns) => {
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
  onTheLine("the history holds exactly the heard words", (line) => {
      line.send({ _tag: "HungUp" })
      for (const { text, turn } of line.turns.published("AgentHeard")) assert.strictEqual(text, line.heard(turn))
      const agent = line.turns.state.history.flatMap(({ role, text }) => (role === "agent" ? [text] : []))
      assert.deepStrictEqual(agent, line.turns.published("AgentHeard").flatMap(({ text }) => (text === "" ? [] : [text])))
    })

  onTheLine("the line is cut only when the last word of the goodbye was heard", (line) => {
      const before = line.turns.count("HangUp")
      for (let waited = 0; waited < 60 && line.turns.count("HangUp") === 0; waited++) line.pass(1000)
      assert.isFalse(line.turns.count("HangUp") > before && line.isPlaying())
      const goodbye = line.turns.steps.findLast(({ commands }) => commands.some(({ _tag }) => _tag === "HangUp"))
      if (goodbye !== undefined) assert.deepInclude(goodbye.event, { _tag: "TimerFired", timer: "hangUp" })
    })

  onTheLine("a silent caller is asked whether they are there, and in the end told goodbye", (line) => {
      if (line.turns.state.voice.isOn) line.send({ _tag: "VoiceStopped", since: line.turns.now })
      for (let waited = 0; waited < 90 && !line.turns.state.isEnded; waited++) {
        line.pass(1000)
        // The engines answer.
        if (line.turns.state.utterance?.isTranscribing === true) line.says("")
        if (line.turns.state.active?.isTextDone === false) line.answers("Fine.")
      }
      assert.isTrue(line.turns.state.isEnded)
    })
})

describe("races", () => {
  it("events of a reply or utterance that is over change nothing", () => {
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

  it("a transcript from before the caller went on is ignored", () => {
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
    assert.deepStrictEqual(turns.published("CallerSaid").map(({ text }) => text), ["book a table"])
  })

  it("a second stop of the voice changes nothing", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(500)
    assert.deepStrictEqual(turns.send({ _tag: "VoiceStopped", since: turns.now }), [])
  })
})
