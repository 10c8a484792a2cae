/** Laws of the whole turn machine, for any behaviour of callers and engines, on a line that plays in real time. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Transcript } from "../../../../src/conversation/ports/SpeechToText.ts"
import type { TurnSettings } from "../../../../src/conversation/turn/TurnState.ts"
import * as Line from "../../../support/conversation/Line.ts"
import * as Turns from "../../../support/conversation/Turns.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const texts = [
  "", "yes", "okay", "Thank you.", "Hello?", "One moment please.", "when are you open", "my number is five five five", "double two",
  "Thanks, bye!"
] as const

const Words = Schema.Struct({
  text: Schema.Literals(texts),
  doubt: Schema.Literals(["none", "none", "none", "doubtful", "unintelligible"])
})

const Act = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("wait"), millis: between(20, 900) }),
  Schema.Struct({ _tag: Schema.Literal("wait"), millis: between(900, 12_000) }),
  Schema.Struct({ _tag: Schema.Literal("speak"), millis: between(40, 1500) }),
  Schema.Struct({ _tag: Schema.Literal("hear"), words: Words, wait: between(0, 700) }),
  // The steps of a whole turn.
  Schema.Struct({ _tag: Schema.Literal("say"), words: Words, millis: between(60, 2500), wait: between(0, 700) }),
  Schema.Struct({ _tag: Schema.Literal("say"), words: Words, millis: between(60, 2500), wait: between(0, 700) }),
  Schema.Struct({ _tag: Schema.Literal("say"), words: Words, millis: between(20_000, 31_000), wait: between(0, 700) }),
  Schema.Struct({ _tag: Schema.Literal("partial"), words: Words }),
  Schema.Struct({ _tag: Schema.Literals(["begin", "answer", "answer", "answer", "goodbye", "transfer", "keys", "replyFails"]) }),
  Schema.Struct({ _tag: Schema.Literals(["start", "stop", "digit", "hash", "sttFails", "transferFails", "refused", "fillerLeaves"]) })
])

const Scenario = Schema.Struct({
  acts: Schema.Array(Act).check(Schema.isMinLength(4), Schema.isMaxLength(50)),
  isGreetingFixed: Schema.Boolean,
  hasHoldLine: Schema.Boolean,
  language: Schema.Literals(["en", "en", "sv", "ja"])
})

const lines = { ...Turns.settings.lines, hold: "Of course, please take your time.", notUnderstood: "Sorry, I did not get that." }

const settingsOf = ({ hasHoldLine, isGreetingFixed, language }: Omit<typeof Scenario.Type, "acts">): Partial<TurnSettings> => ({
  lines: hasHoldLine ? lines : { ...lines, hold: "" },
  endpointing: { ...Turns.settings.endpointing, dictation: 1600 },
  interruption: { ...Turns.settings.interruption, ...(isGreetingFixed ? { greeting: false } : {}) },
  idle: { ...Turns.settings.idle, hold: 60_000 },
  fillers: { after: 700, lines: ["One moment.", "Let me see."] },
  transfers: { reception: true },
  maxDuration: 300_000,
  language
})

const transcriptOf = ({ doubt, text }: typeof Words.Type): Transcript =>
  doubt === "unintelligible"
    ? { text: "", ending: "unknown", isUnintelligible: true }
    : { text, ending: text === "" ? "unknown" : "complete", ...(doubt === "doubtful" && text !== "" ? { isDoubtful: true } : {}) }

const walk = ({ acts, ...more }: typeof Scenario.Type) => {
  const line = Line.make(settingsOf(more))
  const { turns } = line
  const isDue = () => {
    const { active, isEnded, parts, preemptive, timers, transferring, utterance, voice } = turns.state
    const { limit: _, ...others } = timers
    return isEnded || Object.keys(others).length > 0 || voice.isOn || transferring !== undefined || preemptive !== undefined ||
      utterance?.isTranscribing === true || parts.some(({ text }) => text === undefined) || active?.isTextDone === false
  }
  const hear = (words: typeof Words.Type) => {
    const asked = turns.last("Transcribe")
    if (asked !== undefined) line.send({ _tag: "Transcribed", utterance: asked.utterance, attempt: asked.attempt, transcript: transcriptOf(words) })
  }
  line.send({ _tag: "Began" })
  for (const [index, act] of acts.entries()) {
    const reply = turns.last("StartReply")?.reply
    switch (act._tag) {
      case "wait":
        line.pass(act.millis)
        break
      case "speak":
        line.voice(act.millis)
        break
      case "hear":
        hear(act.words)
        line.pass(act.wait)
        break
      case "say":
        line.voice(act.millis)
        line.pass(140)
        hear(act.words)
        line.pass(act.wait)
        break
      case "partial": {
        const { utterance } = turns.state
        if (utterance !== undefined) line.send({ _tag: "Partial", utterance: utterance.id, text: act.words.text })
        break
      }
      case "begin":
        line.begins("Let me have a look at that for you. It will not take long. One moment ple")
        break
      case "answer":
        line.answers("Certainly, we can do that for you. We are open from nine to five, on every day of the week. What is your number?")
        break
      case "goodbye":
        line.answers("Your table is booked. Thank you for calling. Goodbye.", true)
        break
      case "transfer":
        if (reply !== undefined) line.send({ _tag: "ReplyTransfer", reply, to: "reception" })
        line.answers("I will put you through.")
        break
      case "keys":
        if (reply !== undefined) line.send({ _tag: "ReplyDigits", reply, digits: "12" })
        line.answers("I press them now.")
        break
      case "replyFails":
        line.fails()
        break
      case "refused":
        if (reply !== undefined) line.send({ _tag: "ReplyFailed", reply, reason: "refused" })
        break
      case "start":
        if (!turns.state.voice.isOn) line.send({ _tag: "VoiceStarted", since: turns.now })
        line.pass(150)
        break
      case "stop":
        line.send({ _tag: "VoiceStopped", since: turns.now })
        break
      case "digit":
        line.send({ _tag: "Digit", digit: String(index % 10) })
        break
      case "hash":
        line.send({ _tag: "Digit", digit: "#" })
        break
      case "sttFails": {
        const asked = turns.last("Transcribe")
        if (asked !== undefined) line.send({ ...asked, _tag: "TranscriptionFailed", reason: "broken" })
        break
      }
      case "transferFails":
        if (turns.state.transferring !== undefined) line.send({ _tag: "TransferFailed", reason: "rejected" })
        break
      case "fillerLeaves":
        if (turns.state.filler?.hasSound === true) line.send({ _tag: "FillerLeft", reply: turns.state.filler.id })
        break
    }
    line.pass(0)
    assert.isTrue(isDue(), `nothing is due after ${act._tag}`)
  }
  return line
}

type Walked = ReturnType<typeof walk>

const holds = (name: string, check: (walked: Walked) => void) =>
  it.prop(name, [Scenario], ([scenario]) => check(walk(scenario)), { arbitrary: { runs: 300 } })

describe("whatever callers and engines do", () => {
  holds("each call has an end, even if nobody answers any more", (line) => {
    const { maxDuration } = line.turns.settings
    while (line.turns.now < maxDuration + 1000 && !line.turns.state.isEnded) line.pass(500)
    assert.isTrue(line.turns.state.isEnded)
    assert.deepStrictEqual(line.turns.state.timers, {})
    assert.strictEqual(line.turns.count("BeginUtterance"), line.turns.count("EndUtterance"))
  })

  holds("the history has the caller's words after the words that they interrupted", ({ turns }) => {
    for (const { commands, event } of turns.steps) {
      let hasSaid = false
      for (const command of commands) {
        if (command._tag !== "Publish") continue
        if (command.event._tag === "CallerSaid") hasSaid = true
        if (command.event._tag === "AgentHeard" && command.event.text !== "") assert.isFalse(hasSaid, event._tag)
      }
    }
  })

  holds("a reply answers all words and keys of the caller", ({ turns }) => {
    const requests = new Map(turns.all.filter(turns.tag("StartReply")).map(({ reply, request }) => [reply, request]))
    for (const { commands, state } of turns.steps) {
      const said = commands.flatMap((command) => command._tag === "Publish" && command.event._tag === "CallerSaid" ? [command.event] : [])
      const request = said.length === 0 ? undefined : requests.get(said[0].turn)
      // A caller's goodbye during the agent's goodbye gets no reply of its own.
      const isAnswered = commands.some((command) => command._tag === "SettleReply" && command.reply === said[0]?.turn)
      if (request === undefined || !isAnswered || state.active?.id !== said[0].turn) continue
      assert.deepStrictEqual(request.history.slice(-said.length).map(({ text }) => text), said.map(({ text }) => text))
      assert.deepStrictEqual(request.history, state.history)
    }
  })

  holds("an utterance has one request for a transcript at a time", ({ turns }) => {
    const asked = new Map<number, number>()
    for (const { commands, event } of turns.steps) {
      if ((event._tag === "Transcribed" || event._tag === "TranscriptionFailed") && asked.get(event.utterance) === event.attempt) asked.delete(event.utterance)
      for (const command of commands) {
        if (command._tag === "CancelTranscription" || command._tag === "EndUtterance") asked.delete(command.utterance)
        if (command._tag !== "Transcribe") continue
        assert.isFalse(asked.has(command.utterance), event._tag)
        asked.set(command.utterance, command.attempt)
      }
    }
  })

  holds("only one reply sends sound at a time", ({ turns }) => {
    const released = new Set<number>()
    const fillers = new Set(turns.all.filter(turns.tag("Speak")).filter(({ kind }) => kind === "filler").map(({ reply }) => reply))
    for (const command of turns.all) {
      if (command._tag === "Hold" || command._tag === "CancelReply") released.delete(command.reply)
      if (command._tag === "Publish" && command.event._tag === "AgentHeard") released.delete(command.event.turn)
      if (command._tag !== "Release") continue
      assert.deepStrictEqual([...released].filter((reply) => reply !== command.reply && !fillers.has(reply)), [])
      released.add(command.reply)
    }
  })

  holds("nobody is asked twice in a row to repeat, or prompted while they have asked to wait", ({ turns }) => {
    const heard = turns.published("AgentHeard").map(({ text }) => text).filter((text) => text !== "")
    for (const [index, text] of heard.entries()) if (text === lines.notUnderstood) assert.notStrictEqual(heard[index + 1], text)
    for (const { commands, event, state } of turns.steps) {
      if (commands.some((command) => command._tag === "Speak" && (command.text === lines.idle || command.text === lines.idleGoodbye))) {
        assert.isAtMost(state.onHoldUntil ?? 0, event.at)
      }
    }
  })

  holds("no reply begins to play while the caller speaks", ({ turns }) => {
    const { interruption: { greeting, minSpeech } } = turns.settings
    for (const { event, state: { active, voice } } of turns.steps) {
      if (event._tag !== "MediaSent" || active?.id !== event.reply || active.isFinal || (active.line === "greeting" && greeting === false)) continue
      // After a failed transfer the agent speaks.
      if (active.line === "transferFailed") continue
      assert.isFalse(voice.isOn && event.at - voice.since > minSpeech, active.line ?? "reply")
    }
  })
})
