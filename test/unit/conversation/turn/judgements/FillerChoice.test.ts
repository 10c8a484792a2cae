import { assert, describe, it } from "@effect/vitest"
import * as FillerChoice from "../../../../../src/conversation/turn/judgements/FillerChoice.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const fillers = { after: 900, lines: ["Let me see.", "One moment."] }

describe("the choice of a filler", () => {
  it.each([
    [1000, 1100, 1900],
    [1000, 1899, 1900],
    // An overdue filler gives words that have just come a moment for their answer.
    [1000, 1900, 2150],
    [1000, 3000, 3250]
  ])("last sound at %i, now %i: due at %i", (since, at, due) => {
    assert.strictEqual(FillerChoice.dueAt(fillers, since, at), due)
  })

  it.each([
    [["a", "b"], 0, undefined, 0],
    [["a", "b"], 0, "a", 1],
    [["a", "b"], 1, "a", 1],
    [["a"], 0, "a", undefined],
    [["a", "a", "b"], 1, "a", 2]
  ] as const)("of %j from %i after %s: %s", (lines, from, last, place) => {
    assert.strictEqual(FillerChoice.next({ after: 900, lines }, from, last), place)
  })

  it("is no filler while a short sound may be a cough", () => {
    assert.isFalse(FillerChoice.isSpeech({ startedAt: 0, stoppedAt: 300 }))
    assert.isTrue(FillerChoice.isSpeech({ startedAt: 0, stoppedAt: 700 }))
    assert.isTrue(FillerChoice.isSpeech({ startedAt: 0, stoppedAt: 300, partial: "yes" }))
  })
})

/** The caller has spoken, and the transcript is awaited. */
const unheard = (millis = 800) => {
  const turns = Turns.make({ fillers })
  turns.greeted()
  turns.voice(millis)
  return turns
}

const filling = (turns: ReturnType<typeof Turns.make>) => turns.all.findLast((command) => command._tag === "Speak" && command.kind === "filler")

/** Plays a requested filler, and returns the resulting events. */
const playing = (turns: ReturnType<typeof Turns.make>) => {
  const reply = turns.last("Speak")!.reply
  turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
  turns.send({ _tag: "MediaSent", reply, segment: 0 })
  turns.send({ _tag: "SpeechEnded", reply, segment: 0, duration: 700 })
  return { reply, leaves: () => turns.send({ _tag: "FillerLeft", reply }), heard: () => turns.send({ _tag: "MarkReturned", reply, segment: 0 }) }
}

describe("a filler, while the transcript is late", () => {
  it("comes at its time after the caller's last sound, and the answer right after it", () => {
    const turns = unheard()
    turns.pass(900 - 64 - 1)
    assert.isUndefined(filling(turns))
    turns.pass(1)
    assert.isDefined(filling(turns))
    const filler = playing(turns)
    turns.pass(200)
    turns.transcribed("when are you open")
    assert.strictEqual(turns.count("Clear"), 0)
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.strictEqual(turns.last("Release")?.reply, filler.reply)
    filler.leaves()
    assert.strictEqual(turns.last("Release")?.reply, reply)
    assert.strictEqual(turns.published("AgentFills").length, 1)
  })

  it("comes only once in a turn", () => {
    const turns = unheard()
    turns.pass(900)
    const filler = playing(turns)
    turns.pass(1000)
    filler.leaves()
    filler.heard()
    turns.transcribed("when are you open")
    turns.pass(5000)
    assert.strictEqual(turns.published("AgentFills").length, 1)
    const reply = turns.answers("From nine to five.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.strictEqual(turns.last("Release")?.reply, reply)
  })

  it("comes only once even if the caller goes on during the wait", () => {
    const turns = unheard()
    turns.pass(900)
    playing(turns).leaves()
    turns.voice(800)
    turns.pass(3000)
    assert.strictEqual(turns.published("AgentFills").length, 1)
  })

  it("is not said after a short sound, which may be a cough", () => {
    const turns = unheard(300)
    turns.pass(3000)
    assert.isUndefined(filling(turns))
    turns.transcribed({ text: "", ending: "unknown" })
    turns.pass(3000)
    assert.isUndefined(filling(turns))
  })

  it("gives the answer a moment when the words come after the filler's time", () => {
    const turns = unheard(300)
    turns.pass(2000)
    turns.transcribed("yes please")
    turns.pass(249)
    const reply = turns.answers("Good.")
    turns.send({ _tag: "SpeechBegan", reply, segment: 0 })
    assert.strictEqual(turns.last("Release")?.reply, reply)
    turns.pass(3000)
    assert.isUndefined(filling(turns))
  })

  it("is stopped by the caller's voice", () => {
    const turns = unheard()
    turns.pass(900)
    playing(turns)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(200)
    assert.strictEqual(turns.count("Clear"), 1)
    assert.isUndefined(turns.state.filler)
  })

  it("is followed by no answer if the sound was no speech", () => {
    const turns = unheard()
    turns.pass(900)
    const filler = playing(turns)
    turns.transcribed({ text: "", ending: "unknown" })
    filler.leaves()
    filler.heard()
    assert.strictEqual(turns.count("StartReply"), 0)
    turns.pass(8000)
    assert.strictEqual(turns.last("Speak")?.text, Turns.settings.lines.idle)
  })

  it("is not said while an interrupted answer may go on", () => {
    const turns = unheard()
    turns.pass(60)
    turns.transcribed("when are you open")
    turns.answers("We are open from nine to five on every day of the week.")
    turns.pass(300)
    turns.play(4000)
    turns.pass(500)
    turns.voice(900)
    turns.pass(3000)
    assert.isUndefined(filling(turns))
  })
})

describe("a filler's own sound", () => {
  it("does not delay the answer if it is late", () => {
    const turns = unheard()
    turns.pass(60)
    turns.transcribed("when are you open")
    turns.pass(900)
    const filler = filling(turns)
    assert.isDefined(filler)
    turns.pass(FillerChoice.maxSynthesisMillis)
    assert.isUndefined(turns.state.filler)
    assert.strictEqual(turns.last("Release")?.reply, turns.last("StartReply")?.reply)
  })
})
