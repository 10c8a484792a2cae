import { assert, describe, it } from "@effect/vitest"
import type { Transcript } from "../../../../../src/conversation/ports/SpeechToText.ts"
import type { TurnSettings } from "../../../../../src/conversation/turn/TurnState.ts"
import * as Turns from "../../../../support/conversation/Turns.ts"

const notUnderstood = "Sorry, I did not get that."
const lines = { ...Turns.settings.lines, notUnderstood }

const wordless: Transcript = { text: "", ending: "unknown" }
const garbled: Transcript = { text: "", ending: "unknown", isUnintelligible: true }
const doubtful: Transcript = { text: "said on this on the fair maze", ending: "complete", isDoubtful: true }

const greeted = (overrides: Partial<TurnSettings> = {}) => {
  const turns = Turns.make({ lines, language: "en", ...overrides })
  turns.greeted()
  return turns
}

/** The caller speaks, this transcript comes, and the turn ends. */
const says = (turns: ReturnType<typeof Turns.make>, transcript: Transcript | string, millis = 900) => {
  turns.voice(millis)
  turns.pass(120)
  turns.transcribed(transcript)
  turns.pass(300)
}

/** The newest speech has been heard. */
const hears = (turns: ReturnType<typeof Turns.make>) => {
  turns.play(1000)
  turns.pass(1000)
  turns.heard()
}

/** How often the agent asked the caller to repeat. */
const asked = (turns: ReturnType<typeof Turns.make>) => turns.published("AgentSays").filter(({ text }) => text === notUnderstood).length

describe("speech that was not understood", () => {
  for (const [title, transcript] of [["clear speech without words", wordless], ["doubtful words", doubtful], ["speech that makes no sense", garbled]] as const) {
    it(`is asked for again, and is not in the history: ${title}`, () => {
      const turns = greeted()
      turns.voice(900)
      const stopped = turns.now - 64
      turns.pass(120)
      turns.transcribed(transcript)
      turns.pass(300 - (turns.now - stopped))
      assert.strictEqual(turns.last("Speak")?.text, notUnderstood)
      assert.strictEqual(turns.last("Speak")?.kind, "line")
      assert.strictEqual(turns.count("StartReply"), 0)
      hears(turns)
      assert.deepStrictEqual(turns.state.history.map(({ text }) => text), [lines.greeting, notUnderstood])
      says(turns, "when are you open")
      assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "when are you open")
    })
  }

  it("is asked for only once in a row: after that words are answered, and other speech is ignored", () => {
    const turns = greeted()
    says(turns, wordless)
    hears(turns)
    const since = turns.now
    says(turns, wordless)
    assert.strictEqual(asked(turns), 1)
    turns.pass(8000 - (turns.now - since))
    assert.strictEqual(turns.last("Speak")?.text, lines.idle)
    hears(turns)

    says(turns, doubtful)
    assert.strictEqual(asked(turns), 2)
    hears(turns)
    says(turns, doubtful)
    assert.strictEqual(asked(turns), 2)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, doubtful.text)
    turns.answers("Do you mean the fair?")
    hears(turns)
    says(turns, doubtful)
    assert.strictEqual(asked(turns), 3)
  })

  it("is not asked for again if it is one cough or two", () => {
    const turns = greeted()
    says(turns, wordless, 500)
    turns.voice(400)
    turns.pass(100)
    turns.voice(190)
    turns.pass(120)
    turns.transcribed(wordless)
    turns.pass(300)
    assert.strictEqual(asked(turns), 0)
  })

  it("is measured by the voice without its pauses", () => {
    const turns = greeted()
    turns.voice(300)
    turns.pass(100)
    turns.voice(300)
    turns.pass(120)
    turns.transcribed(wordless)
    turns.pass(300)
    assert.strictEqual(asked(turns), 1)
  })

  it("does not keep the call if it is endless noise", () => {
    const turns = greeted()
    const until = turns.now + 30_000
    while (turns.now < until && turns.last("HangUp") === undefined) {
      const before = turns.count("Speak")
      says(turns, wordless)
      if (turns.count("Speak") > before) hears(turns)
      const again = turns.count("Speak")
      turns.pass(700)
      if (turns.count("Speak") > again) hears(turns)
    }
    assert.strictEqual(turns.last("HangUp")?.reason, "idle")
    assert.isAtMost(asked(turns), 2)
  })

  it("is an answer if it is a doubtful yes", () => {
    const turns = greeted()
    says(turns, { text: "Yes.", ending: "complete", isDoubtful: true }, 300)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "Yes.")
  })

  it("interrupts the agent if it is doubtful words, but not a doubtful sound", () => {
    for (const [millis, isAsked] of [[250, false], [900, true]] as const) {
      const turns = greeted()
      says(turns, "when are you open")
      turns.answers("We are open from nine to five on every day of the week.")
      turns.pass(300)
      turns.play(4000)
      turns.pass(600)
      says(turns, doubtful, millis)
      assert.strictEqual(asked(turns), isAsked ? 1 : 0)
      assert.strictEqual(turns.published("Resumed").length, isAsked ? 0 : 1)
    }
  })

  it("is answered together with clear words before it", () => {
    const turns = greeted()
    says(turns, "when are you open")
    says(turns, { ...doubtful, text: "on the fair maze" })
    assert.strictEqual(asked(turns), 0)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "when are you open on the fair maze")
  })

  it("is answered by a reply model that can do so", () => {
    const turns = greeted({ answersUnintelligible: true })
    says(turns, garbled)
    assert.strictEqual(asked(turns), 0)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, "")
  })

  it("is not asked for again in recorded calls whose agent has no line for it", () => {
    const turns = greeted({ lines: Turns.settings.lines })
    says(turns, wordless)
    assert.strictEqual(turns.count("StartReply"), 0)
    says(turns, doubtful)
    assert.strictEqual(turns.last("StartReply")?.request.history.at(-1)?.text, doubtful.text)
  })
})
