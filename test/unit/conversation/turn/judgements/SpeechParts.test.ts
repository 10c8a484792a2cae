import { assert, describe, it } from "@effect/vitest"
import * as SpeechParts from "../../../../../src/conversation/turn/judgements/SpeechParts.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const part = (utterance: number, text?: string): SpeechParts.Part => ({ utterance, attempt: 1, isRetried: false, ...(text === undefined ? {} : { text }) })

describe("the parts of long speech", () => {
  it.each([
    { parts: [], text: "", left: [] },
    { parts: [part(1)], text: "", left: [1] },
    { parts: [part(1, "one"), part(2, "two")], text: "one two", left: [] },
    { parts: [part(1, "one"), part(2), part(3, "three")], text: "one", left: [2, 3] },
    { parts: [part(1), part(2, "two")], text: "", left: [1, 2] },
    { parts: [part(1, ""), part(2, "two")], text: "two", left: [] },
    { parts: [part(1, "你好"), part(2, "我想")], text: "你好我想", left: [] }
  ])("$parts are joined in their order: $text", ({ left, parts, text }) => {
    const taken = SpeechParts.takeKnown(parts)
    assert.strictEqual(taken.text, text)
    assert.deepStrictEqual(taken.parts.map(({ utterance }) => utterance), left)
  })

  it("are requested once more when recognition fails, and then left out", () => {
    const parts = [part(1), part(2)]
    const once = SpeechParts.afterFailure(parts, parts[0])
    assert.strictEqual(once.again?.attempt, 2)
    assert.isUndefined(SpeechParts.find(once.parts, 1, 1))
    const twice = SpeechParts.afterFailure(once.parts, once.again!)
    assert.isUndefined(twice.again)
    assert.strictEqual(twice.parts[0].text, "")
  })
})

/** The caller speaks for this time. With `gaps`, there is a gap between two words every five seconds. */
const speak = (turns: ReturnType<typeof Turns.make>, millis: number, gaps: boolean) => {
  if (!turns.state.voice.isOn) turns.send({ _tag: "VoiceStarted", since: turns.now })
  for (let said = 0; said < millis; said += 5000) {
    turns.pass(5000)
    if (!gaps) continue
    const since = turns.now
    turns.pass(70)
    turns.send({ _tag: "VoiceStopped", since })
    turns.pass(30)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
  }
}

const stop = (turns: ReturnType<typeof Turns.make>) => {
  turns.send({ _tag: "VoiceStopped", since: turns.now })
  turns.pass(130)
}

const asked = (turns: ReturnType<typeof Turns.make>) => turns.all.filter(turns.tag("Transcribe"))

const transcribed = (turns: ReturnType<typeof Turns.make>, index: number, text: string) => {
  const { attempt, utterance } = asked(turns)[index]
  turns.send({ _tag: "Transcribed", utterance, attempt, transcript: Turns.complete(text) })
}

const callerSaid = (turns: ReturnType<typeof Turns.make>) => turns.published("CallerSaid").map(({ text }) => text)

describe("a caller who speaks for long", () => {
  for (const gaps of [true, false]) {
    const how = gaps ? "with gaps between words" : "without a gap"

    it(`${how} is not interrupted, and all the words are answered at the pause`, () => {
      const turns = Turns.make()
      turns.greeted()
      const answers = turns.count("Release")
      speak(turns, 70_000, gaps)
      const parts = asked(turns).length
      assert.isAtLeast(parts, 2)
      const words = Array.from({ length: parts }, (_, index) => `part ${index}`)
      words.forEach((text, index) => transcribed(turns, index, text))
      assert.strictEqual(turns.count("StartReply"), 0)
      stop(turns)
      transcribed(turns, parts, "and that is all")
      turns.pass(300)
      assert.deepStrictEqual(callerSaid(turns), [[...words, "and that is all"].join(" ")])
      assert.strictEqual(turns.count("StartReply"), 1)
      assert.strictEqual(turns.count("Release"), answers + 1)
    })

    it(`${how} is understood in parts of at most 30 s`, () => {
      const turns = Turns.make()
      turns.greeted()
      speak(turns, 120_000, gaps)
      const begun = turns.steps.flatMap(({ commands, event }) => commands.flatMap((command) => command._tag === "BeginUtterance" ? [event.at] : []))
      for (const [index, at] of begun.slice(1).entries()) assert.isAtMost(at - begun[index], 28_000)
      assert.isAtLeast(begun.length, 4)
    })
  }

  it("is answered when all parts are known, in their order", () => {
    const turns = Turns.make()
    turns.greeted()
    speak(turns, 56_000, false)
    stop(turns)
    transcribed(turns, 2, "three")
    turns.pass(1000)
    transcribed(turns, 1, "two")
    assert.strictEqual(turns.count("StartReply"), 0)
    transcribed(turns, 0, "one")
    assert.deepStrictEqual(callerSaid(turns), ["one two three"])
    assert.strictEqual(turns.count("EndUtterance"), 3)
  })

  it("gets a preemptive reply in the pause, once all parts are known", () => {
    const turns = Turns.make()
    turns.greeted()
    speak(turns, 30_000, false)
    stop(turns)
    transcribed(turns, 1, "two")
    assert.strictEqual(turns.count("StartReply"), 0)
    transcribed(turns, 0, "one")
    assert.strictEqual(turns.count("StartReply"), 1)
    assert.deepStrictEqual(callerSaid(turns), [])
    turns.pass(300)
    assert.deepStrictEqual(callerSaid(turns), ["one two"])
    assert.strictEqual(turns.count("StartReply"), 1)
  })

  it("has the next part begin where the last word of the part before ended", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(22_000)
    const since = turns.now
    turns.pass(64)
    turns.send({ _tag: "VoiceStopped", since })
    turns.pass(130)
    transcribed(turns, 0, "one")
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    assert.deepInclude(turns.last("BeginUtterance"), { after: 0, since })
    assert.strictEqual(asked(turns).length, 1)
    turns.pass(1000)
    stop(turns)
    transcribed(turns, 1, "two")
    turns.pass(300)
    assert.deepStrictEqual(callerSaid(turns), ["one two"])
  })

  it("is answered from the other parts if recognition of one fails", () => {
    const turns = Turns.make()
    turns.greeted()
    speak(turns, 56_000, false)
    const fail = () => turns.send({ ...asked(turns).findLast(({ utterance }) => utterance === 0)!, _tag: "TranscriptionFailed", reason: "broken" })
    fail()
    fail()
    stop(turns)
    const [, second] = asked(turns)
    turns.send({ _tag: "Transcribed", utterance: second.utterance, attempt: second.attempt, transcript: Turns.complete("two") })
    turns.transcribed("three")
    turns.pass(300)
    assert.deepStrictEqual(callerSaid(turns), ["two three"])
    assert.strictEqual(turns.published("EngineTrouble").length, 2)
  })

  it("has interrupted the agent, even if the last word is a backchannel", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(800)
    turns.pass(130)
    turns.transcribed("when are you open")
    turns.answers("We are open from nine to five on every day of the week.")
    turns.pass(300)
    turns.play(4000)
    turns.pass(1000)
    speak(turns, 30_000, false)
    turns.transcribed("no i meant on holidays")
    assert.strictEqual(turns.count("StartReply"), 1)
    stop(turns)
    turns.transcribed("okay")
    turns.pass(300)
    assert.strictEqual(callerSaid(turns).at(-1), "no i meant on holidays okay")
    assert.strictEqual(turns.count("StartReply"), 2)
  })

  it("without words is taken for a noise, and the agent says the rest", () => {
    const turns = Turns.make()
    turns.greeted()
    turns.voice(800)
    turns.pass(130)
    turns.transcribed("when are you open")
    turns.answers("We are open from nine to five on every day of the week.")
    turns.pass(300)
    turns.play(4000)
    turns.pass(1000)
    speak(turns, 28_000, false)
    turns.transcribed({ text: "", ending: "unknown" })
    assert.strictEqual(turns.published("Resumed").length, 1)
    assert.include(turns.last("Speak")?.text, "day of the week.")
  })

  for (const gaps of [true, false]) {
    it(`for three minutes ${gaps ? "with gaps" : "without a gap"} is still answered`, () => {
      const turns = Turns.make()
      turns.greeted()
      let said = 0
      for (let seconds = 0; seconds < 210 && turns.count("StartReply") === 0; seconds += 5) {
        speak(turns, 5000, gaps)
        for (; said < asked(turns).length; said++) transcribed(turns, said, `part ${said}`)
        if (seconds < 170) assert.strictEqual(turns.count("StartReply"), 0)
      }
      assert.strictEqual(turns.count("StartReply"), 1)
      assert.include(callerSaid(turns)[0], "part 0 part 1 part 2")
    })
  }
})
