/** Situations in which two of the turn machine's rules apply. */
import { assert, describe, it } from "@effect/vitest"
import type { Transcript } from "../../../../../src/conversation/ports/SpeechToText.ts"
import type { TurnSettings } from "../../../../../src/conversation/turn/TurnState.ts"
import * as Line from "../../../../support/conversation/Line.ts"
import * as TurnMoments from "../../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const lines = { ...Turns.settings.lines, hold: "Of course, take your time.", notUnderstood: "Sorry, I did not get that." }

const settings: Partial<TurnSettings> = {
  lines,
  endpointing: { ...Turns.settings.endpointing, dictation: 1600 },
  idle: { ...Turns.settings.idle, hold: 60_000 },
  language: "en"
}

const answer = "We are open from nine to five, on every day of the week."

const wordless: Transcript = { text: "", ending: "unknown" }

const says = (line: ReturnType<typeof Line.make>, text: string, millis = 800) => {
  line.voice(millis)
  line.pass(140)
  line.says(text)
  line.pass(300)
}

const open = (overrides: Partial<TurnSettings> = {}) => {
  const line = Line.make({ ...settings, ...overrides })
  line.send({ _tag: "Began" })
  return line
}

/** The greeting has been heard. */
const greeted = (overrides: Partial<TurnSettings> = {}) => {
  const line = open(overrides)
  line.pass(Line.durationOf(lines.greeting) + 100)
  return line
}

/** The agent has said a second of its answer. */
const answering = (text = answer, hangUp = false) => {
  const line = greeted()
  says(line, "when are you open")
  line.answers(text, hangUp)
  line.pass(1000)
  return line
}

const history = (line: ReturnType<typeof Line.make>) => line.turns.state.history.slice(1).map(({ role, text }) => `${role}: ${text}`)

const said = (line: ReturnType<typeof Line.make>, text: string) => line.turns.published("AgentSays").filter((published) => published.text === text).length

describe("a request to wait", () => {
  it("during the agent's answer comes after the heard part in the history", () => {
    const line = answering()
    says(line, "Wait a second.")
    line.pass(3000)
    const [first, second, third, fourth, ...more] = history(line)
    assert.deepStrictEqual([first, third, fourth], ["caller: when are you open", "caller: Wait a second.", `agent: ${lines.hold}`])
    assert.match(second, /^agent: We are open/)
    assert.deepStrictEqual(more, [])
  })

  it("during a greeting that has to be heard is granted after the greeting", () => {
    const line = open({ interruption: { ...Turns.settings.interruption, greeting: false } })
    line.pass(300)
    says(line, "One moment please.", 600)
    line.pass(5000)
    assert.strictEqual(line.turns.count("StartReply"), 0)
    assert.strictEqual(said(line, lines.hold), 1)
    line.pass(40_000)
    assert.strictEqual(said(line, lines.idle), 0)
  })

  it("is not over with an \"okay\" at the end of the hold line", () => {
    const line = greeted()
    says(line, "Wait a second.")
    line.pass(Line.durationOf(lines.hold) - 650)
    line.voice(300)
    line.pass(140)
    line.says("Okay.")
    line.pass(20_000)
    assert.strictEqual(line.turns.count("StartReply"), 0)
    assert.strictEqual(said(line, lines.idle), 0)
    assert.strictEqual(line.heard(line.turns.published("AgentHeard").at(-1)!.turn), lines.hold)
  })

  it("is over with long speech, even if its last word is an \"okay\"", () => {
    const line = greeted()
    says(line, "Wait a second.")
    line.pass(5000)
    line.send({ _tag: "VoiceStarted", since: line.turns.now })
    line.pass(27_500)
    line.says("I would like to book a table for two")
    line.pass(500)
    line.send({ _tag: "VoiceStopped", since: line.turns.now })
    line.pass(140)
    line.says("Okay.")
    line.pass(500)
    assert.strictEqual(line.turns.last("StartReply")?.request.history.at(-1)?.text, "I would like to book a table for two Okay.")
  })
})

describe("keys", () => {
  it("with `#` right after a spoken number request only one transcript", () => {
    const line = greeted()
    line.voice(600)
    line.send({ _tag: "Digit", digit: "#" })
    line.pass(400)
    assert.strictEqual(line.turns.count("Transcribe"), 1)
    line.says("five five five")
    line.pass(10)
    assert.strictEqual(line.turns.count("StartReply"), 1)
  })

  it("in the pause after the words are answered with the words", () => {
    const line = greeted()
    line.voice(600)
    line.pass(60)
    line.says("my number is")
    line.pass(20)
    assert.isDefined(line.turns.state.preemptive)
    line.send({ _tag: "Digit", digit: "7" })
    line.pass(400)
    const request = line.turns.all.findLast(line.turns.tag("StartReply"))
    assert.strictEqual(request?.reply, line.turns.state.active?.id)
    assert.deepStrictEqual(request?.request.history.slice(-2).map(({ text }) => text), ["my number is", "7"])
  })

  it("with `#` during the caller's voice do not make the agent talk over it", () => {
    const line = answering()
    line.send({ _tag: "VoiceStarted", since: line.turns.now })
    line.pass(500)
    line.send({ _tag: "Digit", digit: "#" })
    line.pass(3000)
    assert.isFalse(line.isPlaying())
    line.send({ _tag: "VoiceStopped", since: line.turns.now })
    line.pass(140)
    line.says("and on sunday")
    line.pass(400)
    assert.strictEqual(line.turns.last("StartReply")?.request.history.at(-1)?.text, "and on sunday")
  })
})

describe("a goodbye", () => {
  it("that the model fails to finish does not end the call, since the apology asks the caller to speak again", () => {
    const line = greeted()
    says(line, "goodbye")
    line.begins("Thank you for calling us today, it was a pleasure. ")
    const { reply } = line.turns.last("StartReply")!
    line.send({ _tag: "ReplyHangUp", reply })
    line.send({ _tag: "ReplyFailed", reply, reason: "broken" })
    line.pass(15_000)
    assert.strictEqual(said(line, lines.apology), 1)
    assert.strictEqual(line.turns.count("HangUp"), 0)
  })

  for (const text of ["Bye!", "Thank you, goodbye."]) {
    it(`is said to its end when the caller says ${JSON.stringify(text)} meanwhile`, () => {
      const goodbye = "Your table is booked for Monday at ten. Thank you for calling. Goodbye."
      const line = answering(goodbye, true)
      line.pass(2500)
      says(line, text, 500)
      line.pass(6000)
      assert.strictEqual(line.turns.count("StartReply"), 1)
      assert.strictEqual(line.turns.last("HangUp")?.reason, "goodbye")
      assert.strictEqual(history(line).filter((message) => message.startsWith("agent")).map((message) => message.slice(7)).join(" "), goodbye)
      assert.include(history(line), `caller: ${text}`)
    })
  }
})

describe("speech that was not understood", () => {
  it("is asked for again if the caller has not heard the first request to repeat", () => {
    const turns = Turns.make(settings)
    turns.greeted()
    const speak = () => {
      turns.voice(2000)
      turns.pass(140)
      turns.transcribed(wordless)
      turns.pass(300)
    }
    const asked = () => turns.published("AgentSays").filter(({ text }) => text === lines.notUnderstood).length
    speak()
    assert.strictEqual(asked(), 1)
    // The caller goes on before its first sound.
    speak()
    assert.strictEqual(asked(), 2)
    turns.play(1000)
    turns.pass(1000)
    turns.heard()
    speak()
    assert.strictEqual(asked(), 2)
  })
})

describe("words whose last part is lost", () => {
  it("come in the history after the heard part of the interrupted answer", () => {
    const line = answering(`${answer} ${answer} ${answer}`)
    line.send({ _tag: "VoiceStarted", since: line.turns.now })
    line.pass(27_500)
    line.says("I would like to book a table for two")
    line.pass(500)
    line.send({ _tag: "VoiceStopped", since: line.turns.now })
    line.pass(400)
    for (let time = 0; time < 2; time++) line.send({ ...line.turns.last("Transcribe")!, _tag: "TranscriptionFailed", reason: "broken" })
    line.pass(6000)
    const [, second, third, fourth] = history(line)
    assert.match(second, /^agent: We are open/)
    assert.strictEqual(third, "caller: I would like to book a table for two")
    assert.strictEqual(fourth, `agent: ${lines.apology}`)
    assert.include(line.turns.published("CallerSaid").map(({ text }) => text), "I would like to book a table for two")
  })
})

describe("a greeting that was not heard", () => {
  it("reaches the model even if the caller was asked to repeat in between", () => {
    const line = open()
    line.pass(300)
    line.voice(900)
    line.pass(140)
    line.send({ ...line.turns.last("Transcribe")!, _tag: "Transcribed", transcript: { text: "said on this on the", ending: "complete", isDoubtful: true } })
    line.pass(700)
    assert.strictEqual(said(line, lines.notUnderstood), 1)
    says(line, "when are you open")
    // The unheard greeting is in the request for this answer, and in the history for all later requests.
    for (const messages of [line.turns.last("StartReply")?.request.history, line.turns.state.history]) {
      const asked = messages?.at(-1)
      assert.strictEqual(asked?.text, "when are you open")
      assert.include(asked?.unheard, "how can I help you?")
    }
  })
})

describe("a long noise that begins with the agent's last word", () => {
  it("leaves the agent's words heard once, and the caller's words after it are answered", () => {
    const turns = TurnMoments.asked()
    turns.answers("On Monday?")
    turns.pass(300)
    const reply = turns.play(1000)
    // The mark does not come back, since the voice clears it.
    turns.pass(950)
    turns.voice(21_000)
    turns.pass(200)
    const noise = turns.last("Transcribe")!
    turns.voice(600)
    turns.pass(120)
    turns.transcribed("yes")
    turns.pass(300)
    const requests = turns.count("StartReply")
    turns.send({ ...noise, _tag: "Transcribed", transcript: wordless })
    assert.deepStrictEqual(turns.published("AgentHeard").filter(({ turn }) => turn === reply).map(({ isWhole, text }) => [text, isWhole]), [["On Monday?", true]])
    assert.strictEqual(turns.count("StartReply"), requests + 1)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "yes")
  })
})
