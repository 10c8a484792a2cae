import { assert, describe, it } from "@effect/vitest"
import * as Line from "../../../../support/conversation/Line.ts"
import { settings } from "../../../../support/conversation/Turns.ts"

const greeting = "Hello, this is Maple Dental. We are glad that you call. How can I help you today?"
const begins = "Hello, this is Maple Dental."

const recorded = { ...settings.interruption, greeting: false }
const options = { lines: { ...settings.lines, greeting } }

type Options = NonNullable<Parameters<typeof Line.make>[0]>

const open = (more: Options = {}) => {
  const line = Line.make({ ...options, ...more })
  line.send({ _tag: "Began" })
  return line
}

/** The caller speaks for this time, is understood, and the turn is decided. */
const says = (line: ReturnType<typeof Line.make>, text: string, millis = 600) => {
  line.voice(millis)
  line.pass(140)
  line.says(text)
  line.pass(300)
}

const history = (line: ReturnType<typeof Line.make>) => line.turns.state.history.map(({ role, text }) => `${role}: ${text}`)
const lastRequest = (line: ReturnType<typeof Line.make>) => line.turns.last("StartReply")?.request.history

describe("a greeting in return", () => {
  for (const isOutbound of [false, true]) {
    for (const after of [0, 300, 1200, 2400]) {
      it(`${after} ms into the greeting of ${isOutbound ? "an outbound" : "an inbound"} call is followed by the rest, without a model`, () => {
        const line = open({ isOutbound })
        line.pass(after)
        says(line, "Hello?")
        line.pass(8000)
        assert.strictEqual(line.turns.count("StartReply"), 0)
        const { text, turn } = line.turns.published("AgentHeard")[0]
        assert.strictEqual(text, line.heard(turn))
        assert.strictEqual(text, greeting)
        // The words are in the order in which they were said.
        const said = history(line)
        assert.strictEqual(said.filter((one) => one === "caller: Hello?").length, 1)
        assert.strictEqual(said.filter((one) => one.startsWith("agent")).map((one) => one.slice("agent: ".length)).join(" "), greeting)
      })
    }
  }

  it("may be a bare name on an outbound call", () => {
    for (const isOutbound of [true, false]) {
      const line = open({ isOutbound })
      line.pass(1500)
      says(line, "Miller.")
      assert.strictEqual(line.turns.count("StartReply"), isOutbound ? 0 : 1)
    }
  })

  it("before the agent's first word is followed by the whole greeting", () => {
    const line = open({ isOutbound: true })
    line.send({ _tag: "VoiceStarted", since: line.turns.now })
    line.pass(700)
    line.send({ _tag: "VoiceStopped", since: line.turns.now })
    line.pass(140)
    line.says("Miller, good morning.")
    line.pass(300)
    assert.isTrue(line.isPlaying())
    line.pass(8000)
    assert.deepStrictEqual(history(line), ["caller: Miller, good morning.", `agent: ${greeting}`])
  })

  it("may come twice", () => {
    const line = open()
    line.pass(1000)
    says(line, "Hello?")
    line.pass(500)
    says(line, "Hello? Can you hear me?")
    line.pass(8000)
    assert.strictEqual(line.turns.count("StartReply"), 0)
    assert.strictEqual(line.turns.published("AgentHeard")[0].text, greeting)
  })

  it("does not stop the greeting if its words are known in time", () => {
    const line = open()
    line.pass(1000)
    line.send({ _tag: "VoiceStarted", since: line.turns.now })
    line.pass(150)
    line.send({ _tag: "Partial", utterance: 0, text: "hello" })
    line.pass(150)
    line.send({ _tag: "VoiceStopped", since: line.turns.now })
    line.pass(140)
    line.says("Hello?")
    line.pass(8000)
    assert.strictEqual(line.turns.count("Clear"), 0)
    assert.strictEqual(line.turns.published("AgentHeard")[0].text, greeting)
  })

  it("at the very end of the greeting is an answer", () => {
    const line = open()
    line.pass(Line.durationOf(begins) + Line.durationOf(" We are glad that you call.") + Line.durationOf(" How can I help you today?") - 400)
    says(line, "Hello.")
    assert.strictEqual(lastRequest(line)?.at(-1)?.text, "Hello.")
  })
})

describe("a request during the greeting", () => {
  it("is answered, and the model learns the unheard part", () => {
    const line = open()
    line.pass(1300)
    says(line, "I need an appointment.")
    const request = lastRequest(line)
    const [heard, said] = request ?? []
    assert.strictEqual(heard.role, "agent")
    assert.isTrue(greeting.startsWith(heard.text) && heard.text !== "")
    assert.strictEqual(said.text, "I need an appointment.")
    assert.strictEqual(`${heard.text} ${said.unheard}`, greeting)
    // Later requests have the same text.
    line.answers("On which day?")
    line.pass(3000)
    says(line, "On Monday.")
    assert.deepStrictEqual(lastRequest(line)?.slice(0, 2), request)
    assert.isUndefined(lastRequest(line)?.at(-1)?.unheard)
  })

  it("before the agent's first word is answered at once, and the model learns that nothing was heard", () => {
    const line = open()
    line.send({ _tag: "VoiceStarted", since: line.turns.now })
    line.pass(900)
    line.send({ _tag: "VoiceStopped", since: line.turns.now })
    line.pass(140)
    line.says("I need an appointment.")
    line.pass(300)
    assert.deepStrictEqual(lastRequest(line), [{ role: "caller", text: "I need an appointment.", unheard: greeting }])
    line.answers("On which day?")
    line.pass(3000)
    assert.deepStrictEqual(line.turns.published("AgentHeard").map(({ text }) => text), ["", "On which day?"])
  })

  it("that goes on before its answer is heard reaches the model with the unheard part once", () => {
    const line = open()
    line.pass(1300)
    says(line, "I need an appointment.")
    const unheard = lastRequest(line)?.at(-1)?.unheard
    assert.isDefined(unheard)
    says(line, "On Monday.")
    assert.deepStrictEqual(lastRequest(line)?.slice(1), [{ role: "caller", text: "I need an appointment. On Monday.", unheard: unheard! }])
  })

  it("may come after a greeting in return", () => {
    const line = open()
    line.pass(1300)
    says(line, "Hello?")
    line.pass(1500)
    says(line, "I need an appointment.")
    const request = lastRequest(line)!
    assert.deepStrictEqual(request.map(({ role }) => role), ["agent", "caller", "agent", "caller"])
    assert.strictEqual(`${request[0].text} ${request[2].text} ${request[3].unheard}`, greeting)
  })

  it("may be made by keys", () => {
    const line = open()
    line.pass(1300)
    line.send({ _tag: "Digit", digit: "2" })
    line.send({ _tag: "Digit", digit: "#" })
    const said = lastRequest(line)?.at(-1)
    assert.strictEqual(said?.text, "2")
    assert.include(said?.unheard, "How can I help you today?")
  })
})

describe("a greeting that has to be heard", () => {
  const fixed = { interruption: recorded }

  for (const after of [0, 300, 1500]) {
    it(`is not stopped by a voice after ${after} ms, and the words are answered after the greeting`, () => {
      const line = open(fixed)
      line.pass(after)
      says(line, "I need an appointment.", 1200)
      assert.strictEqual(line.turns.count("StartReply"), 0)
      assert.strictEqual(line.turns.count("Hold") + line.turns.count("Clear"), 0)
      line.pass(8000)
      assert.deepStrictEqual(history(line), [`agent: ${greeting}`, "caller: I need an appointment."])
      assert.strictEqual(line.turns.count("StartReply"), 1)
      line.answers("On which day?")
      line.pass(3000)
      assert.strictEqual(history(line).at(-1), "agent: On which day?")
    })
  }

  it("is followed by one answer to all words during it", () => {
    const line = open(fixed)
    line.pass(300)
    says(line, "I need an appointment.")
    says(line, "On Monday.")
    says(line, "")
    line.pass(8000)
    assert.deepStrictEqual(history(line), [`agent: ${greeting}`, "caller: I need an appointment. On Monday."])
    assert.strictEqual(line.turns.count("StartReply"), 1)
  })

  it("is answered when the caller has finished, if they speak at its end", () => {
    const line = open(fixed)
    line.pass(300)
    says(line, "I need an appointment.")
    line.send({ _tag: "VoiceStarted", since: line.turns.now })
    line.pass(8000)
    assert.deepStrictEqual(line.turns.published("AgentHeard").map(({ text }) => text), [greeting])
    assert.strictEqual(line.turns.count("StartReply"), 0)
    line.send({ _tag: "VoiceStopped", since: line.turns.now })
    line.pass(140)
    line.says("On Monday.")
    line.pass(300)
    assert.strictEqual(lastRequest(line)?.at(-1)?.text, "I need an appointment. On Monday.")
  })

  it("is not stopped by keys, and keys and words are answered together after it", () => {
    const line = open(fixed)
    line.pass(300)
    line.send({ _tag: "Digit", digit: "1" })
    line.send({ _tag: "Digit", digit: "#" })
    says(line, "I need an appointment.")
    assert.strictEqual(line.turns.count("Clear"), 0)
    assert.strictEqual(line.turns.count("StartReply"), 0)
    line.pass(8000)
    assert.deepStrictEqual(history(line), [`agent: ${greeting}`, "caller: I need an appointment.", "caller: 1"])
  })

  it("is followed by the usual wait after a key just before its end", () => {
    const line = open(fixed)
    line.pass(Line.durationOf(greeting) - 300)
    line.send({ _tag: "Digit", digit: "4" })
    line.pass(900)
    assert.strictEqual(line.turns.count("StartReply"), 0)
    line.send({ _tag: "Digit", digit: "2" })
    line.pass(1600)
    assert.strictEqual(lastRequest(line)?.at(-1)?.text, "4 2")
  })

  it("needs no answer to a cough or a greeting in return", () => {
    const line = open(fixed)
    line.pass(300)
    says(line, "")
    says(line, "Hello?")
    line.pass(8000)
    assert.strictEqual(line.turns.count("StartReply"), 0)
    assert.strictEqual(line.turns.published("AgentHeard")[0].text, greeting)
    line.pass(8000)
    assert.strictEqual(line.turns.last("Speak")?.text, settings.lines.idle)
  })

  it("is heard even if recognition fails meanwhile", () => {
    const line = open(fixed)
    line.pass(300)
    says(line, "I need an appointment.")
    line.voice(600)
    line.pass(140)
    for (let time = 0; time < 2; time++) line.send({ ...line.turns.last("Transcribe")!, _tag: "TranscriptionFailed", reason: "broken" })
    line.pass(8000)
    assert.deepStrictEqual(history(line), [`agent: ${greeting}`, "caller: I need an appointment."])
  })

  it("is followed by a reply that can be interrupted", () => {
    const line = open(fixed)
    line.pass(8000)
    says(line, "When are you open?")
    line.answers("We are open from nine to five, on every day of the week.")
    line.pass(1000)
    line.voice(600)
    assert.strictEqual(line.turns.count("Clear"), 1)
  })
})
