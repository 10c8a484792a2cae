import { assert, describe, it } from "@effect/vitest"
import * as Farewell from "../../../../../src/conversation/turn/judgements/Farewell.ts"
import * as Line from "../../../../support/conversation/Line.ts"
import { silenceBeforeHangUpMillis } from "../../../../support/conversation/TurnMoments.ts"
import { settings } from "../../../../support/conversation/Turns.ts"

/** A voice without words delays the end of the call after a goodbye by at most this long, ms. */
const maxVoiceMillis = 10_000

const goodbye = "Thank you for calling. Goodbye."
/** The length of each of its two sentences, ms. */
const length = Line.durationOf("Thank you for calling.") + Line.durationOf("Goodbye.")

describe("after the agent's last words", () => {
  const base = { at: 50_000, reason: "goodbye", isFinal: false, answeredFarewells: 0, maxDuration: 600_000 }

  it.each([
    { name: "a goodbye of the model's", given: base, mayBeAnswered: true, until: 60_000 },
    { name: "the second one that was taken back", given: { ...base, answeredFarewells: 1 }, mayBeAnswered: true, until: 60_000 },
    { name: "a third one", given: { ...base, answeredFarewells: 2 }, mayBeAnswered: false, until: 53_000 },
    { name: "a line that ends the call", given: { ...base, isFinal: true }, mayBeAnswered: false, until: 53_000 },
    { name: "the longest call", given: { ...base, isFinal: true, maxDuration: 51_000 }, mayBeAnswered: false, until: 51_000 },
    { name: "no time at all", given: { ...base, maxDuration: 49_000 }, mayBeAnswered: true, until: 49_000 }
  ])("$name: answered $mayBeAnswered, a voice without words until $until", ({ given, mayBeAnswered, until }) => {
    const farewell = Farewell.begin(given)
    assert.deepStrictEqual(farewell, { reason: "goodbye", mayBeAnswered, until })
    assert.strictEqual(Farewell.hangUpAt(farewell, given.at, true), until)
    assert.strictEqual(Farewell.hangUpAt(farewell, given.at, false), Math.min(until, given.at + silenceBeforeHangUpMillis))
  })

  it.each([
    { language: "en", closing: ["Bye!", "Bye bye.", "Thanks, bye!", "Okay, thank you. Goodbye.", "You too, have a nice day."], more: ["Wait.", "Yes.", "One more thing.", "Thanks, but what about Monday?", "", "Hello?"] },
    { language: "de", closing: ["Tschüss!", "Danke, auf Wiederhören.", "Vielen Dank, schönen Tag noch!"], more: ["Moment.", "Ja.", "Danke, noch eine Frage."] },
    { language: "fr", closing: ["Merci, au revoir.", "Bonne journée !"], more: ["Attendez.", "Oui."] },
    { language: "ja", closing: ["ありがとうございます。失礼します。"], more: ["すみません、もう一つ。"] },
    { language: "sw", closing: ["Okay, bye."], more: ["Subiri."] }
  ])("$language: a closing phrase needs no answer", ({ closing, language, more }) => {
    const isClosing = Farewell.closingOf(language)
    for (const text of closing) assert.isTrue(isClosing(text), text)
    for (const text of more) assert.isFalse(isClosing(text), text)
  })
})

/** The model's goodbye is being said. */
const leaving = (overrides: Parameters<typeof Line.make>[0] = {}) => {
  const line = Line.make(overrides)
  line.send({ _tag: "Began" })
  line.pass(3000)
  ask(line, "that was all")
  bye(line)
  return line
}

const ask = (line: ReturnType<typeof Line.make>, text: string) => {
  line.voice(600)
  line.pass(140)
  line.says(text)
  line.pass(300)
}

const bye = (line: ReturnType<typeof Line.make>) => line.answers(goodbye, true)

const isCut = (line: ReturnType<typeof Line.make>) => line.turns.count("HangUp") > 0
const reason = (line: ReturnType<typeof Line.make>) => line.turns.last("HangUp")?.reason
const asked = (line: ReturnType<typeof Line.make>) => line.turns.last("StartReply")?.request.history.at(-1)?.text

/** A voice begins at this moment, and the detector reports it 60 ms later. */
const starts = (line: ReturnType<typeof Line.make>) => {
  const since = line.turns.now
  line.pass(60)
  line.send({ _tag: "VoiceStarted", since })
}

const stops = (line: ReturnType<typeof Line.make>) => {
  const since = line.turns.now
  line.pass(64)
  line.send({ _tag: "VoiceStopped", since })
}

describe("a caller who begins at the end of a goodbye", () => {
  for (const before of [150, 100, 50, 10, 0, -50, -100]) {
    const when = before >= 0 ? `${before} ms before its end` : `${-before} ms after its end`

    it(`${when} may finish, and is answered`, () => {
      const line = leaving()
      line.pass(length - before)
      starts(line)
      line.pass(3000)
      assert.isFalse(isCut(line))
      stops(line)
      line.pass(140)
      line.says("oh wait, one more thing")
      line.pass(300)
      assert.strictEqual(asked(line), "oh wait, one more thing")
      line.answers("Certainly. What is it?")
      line.pass(5000)
      assert.isFalse(isCut(line))
      // The next goodbye ends the call.
      ask(line, "never mind")
      bye(line)
      line.pass(length + silenceBeforeHangUpMillis)
      assert.strictEqual(reason(line), "goodbye")
    })

    it(`${when} with a cough or a goodbye is not answered`, () => {
      for (const text of ["", "Thanks, bye!"]) {
        const line = leaving()
        line.pass(length - before)
        starts(line)
        line.pass(400)
        stops(line)
        line.pass(140)
        line.says(text)
        const replies = line.turns.count("StartReply")
        line.pass(1000)
        assert.strictEqual(reason(line), "goodbye")
        assert.strictEqual(line.turns.count("StartReply"), replies)
        assert.strictEqual(line.turns.published("CallerSaid").at(-1)?.text, text === "" ? "that was all" : text)
      }
    })
  }

  it("is waited for until the words are known", () => {
    const line = leaving()
    line.pass(length - 100)
    starts(line)
    line.pass(300)
    stops(line)
    line.pass(4000)
    assert.isFalse(isCut(line))
    line.says("wait")
    line.pass(300)
    assert.strictEqual(asked(line), "wait")
  })

  it("and presses a key is answered", () => {
    const line = leaving()
    line.pass(length + 100)
    line.send({ _tag: "Digit", digit: "5" })
    line.pass(2000)
    assert.isFalse(isCut(line))
    assert.strictEqual(asked(line), "5")
  })

  it("is answered twice, but not after the third goodbye", () => {
    const line = leaving()
    for (let time = 0; time < 2; time++) {
      line.pass(length - 50)
      starts(line)
      line.pass(500)
      stops(line)
      line.pass(140)
      line.says("but wait")
      line.pass(300)
      assert.isFalse(isCut(line))
      bye(line)
    }
    line.pass(length - 50)
    starts(line)
    line.pass(1000)
    assert.isFalse(isCut(line), "not within a word")
    stops(line)
    line.pass(silenceBeforeHangUpMillis)
    assert.strictEqual(reason(line), "goodbye")
  })
})

describe("a noise after a goodbye", () => {
  it("without a pause is transcribed once, and then the call ends", () => {
    const line = leaving()
    line.pass(length - 100)
    starts(line)
    line.pass(maxVoiceMillis + 100)
    assert.isFalse(isCut(line))
    line.says("")
    assert.strictEqual(reason(line), "goodbye")
  })

  it("in bursts does not keep the call from ending", () => {
    const line = leaving()
    line.pass(length - 100)
    const from = line.turns.now
    let answered = line.turns.all.length
    for (let burst = 0; burst < 60 && !isCut(line); burst++) {
      starts(line)
      line.pass(200)
      stops(line)
      line.pass(60)
      // The recognizer hears no words in any of it.
      for (const { attempt, utterance } of line.turns.all.slice(answered).filter(line.turns.tag("Transcribe"))) {
        line.send({ _tag: "Transcribed", utterance, attempt, transcript: { text: "", ending: "unknown" } })
      }
      answered = line.turns.all.length
    }
    assert.strictEqual(reason(line), "goodbye")
    assert.isBelow(line.turns.now - from, maxVoiceMillis + 1000)
  })

  it("with words is a caller, who may finish and is answered", () => {
    const line = leaving()
    line.pass(length - 100)
    starts(line)
    line.pass(maxVoiceMillis + 100)
    line.says("so what i forgot to tell you is")
    line.pass(20_000)
    assert.isFalse(isCut(line))
    stops(line)
    line.pass(140)
    line.says("that i moved")
    line.pass(300)
    assert.strictEqual(asked(line), "so what i forgot to tell you is that i moved")
  })
})

describe("a line that ends the call", () => {
  const timeIsUp = Line.durationOf(settings.lines.timeIsUp)

  it("is followed by the end once the caller is silent, and their words are not answered", () => {
    const line = Line.make({ maxDuration: 30_000 })
    line.send({ _tag: "Began" })
    line.pass(20_000 + timeIsUp - 100)
    starts(line)
    line.pass(1000)
    assert.isFalse(isCut(line))
    stops(line)
    line.pass(silenceBeforeHangUpMillis)
    assert.strictEqual(reason(line), "maxDuration")
    assert.strictEqual(line.turns.count("Transcribe"), 0)
  })

  it("waits for a voice for at most 3 s, and never beyond the longest duration", () => {
    for (const [maxDuration, slow] of [[30_000, 0], [30_000, 8000]]) {
      const line = Line.make({ maxDuration, lines: { ...settings.lines, timeIsUp: `${settings.lines.timeIsUp} ${"very ".repeat(slow / 300)}` } })
      line.send({ _tag: "Began" })
      line.pass(20_500)
      starts(line)
      line.pass(9400)
      if (slow === 0) assert.strictEqual(reason(line), "maxDuration")
      line.pass(40)
      line.pass(2000)
      assert.strictEqual(reason(line), "maxDuration")
    }
  })

  it("because the caller is silent is withdrawn if the caller speaks after all", () => {
    const line = Line.make()
    line.send({ _tag: "Began" })
    line.pass(15_000)
    while (line.turns.last("Speak")?.text !== settings.lines.idleGoodbye) line.pass(100)
    line.pass(Line.durationOf(settings.lines.idleGoodbye) - 150)
    starts(line)
    line.pass(500)
    stops(line)
    line.pass(140)
    line.says("okay")
    line.pass(500)
    assert.strictEqual(asked(line), "okay")
    assert.isFalse(isCut(line))
  })
})
