import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Semaphore } from "effect"
import { join } from "node:path"
import { receptionistFile } from "../../../src/agent/Agents.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import * as AudioSimilarity from "../../../src/simulator/report/AudioSimilarity.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import * as SpeakingTurns from "../../../src/simulator/report/SpeakingTurns.ts"
import { type Conversation, converse, cough, type Cues, cueTimeout, moan, those, type LiveEvent, watch, words } from "../../support/service/Conversing.ts"
import { layer as serviceLayer, Service, somebody, until } from "../../support/service/Service.ts"
import { likeness, streamEnds } from "../../support/service/Talk.ts"

const { AwaitSpeech, HangUp, Silence } = Caller.Step

const say = (text: string) => Caller.Step.Speak({ text, voice: "rms" })

const greeting = "Maple Dental, good day. How can I help you?"
const hours = "We are open Monday to Friday. From eight to five."
const address = "We are at twenty Maple Street. It is beside the library."

/** Long enough for a busy machine. */
const timeouts = "timeouts: { transcript: 30s, reply: 30s, speech: 30s }"
const patient = `${timeouts}\nidle: { after: 1m, hangUpAfter: 2m }\n`

/** Agents for one test each. */
const files = {
  impatient: `
name: impatient
greeting: Hello.
idle: { after: 1s, hangUpAfter: 3s }
${timeouts}
`,
  brief: `
name: brief
greeting: Hello.
maxDuration: 12s
${timeouts}
`,
  listener: `
name: listener
greeting: ""
intents:
  hours: { phrases: "(what are | tell me) your opening hours", answer: We never close. }
${patient}`
}

const services = Layer.unwrap(Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  const receptionist = `${yield* fs.readFileString(receptionistFile)}\n${patient}`
  // The receptionist with a short greeting.
  const desk = receptionist.replace("name: receptionist", "name: desk").replace(`greeting: ${greeting}`, "greeting: Hello.")
  const noisy = desk.replace("name: desk", "name: noisy").replace("after: 1m", "after: 3s")
  for (const [name, text] of Object.entries({ ...files, receptionist, desk, noisy })) yield* fs.writeFileString(join(folder, `${name}.yaml`), text)
  return serviceLayer({ env: { AGENT: "receptionist", AGENTS_DIR: folder } })
})).pipe(Layer.provideMerge(CallerSpeech.layer), Layer.provideMerge(NodeServices.layer))

const both = Effect.gen(function*() {
  return { service: yield* Service, simulator: yield* Simulator }
})

/**
 * A failed test is repeated twice: calls are in real time, and a machine that stalls in the middle of a word damages the
 * caller's sound. A fault of the service fails every repetition.
 */
const inRealTime = { timeout: 180_000, retry: 2 }

/** For tests that run at the same time. */
const beside = { ...inRealTime, concurrent: true }

/** How many callers speak at once. Recognition for more would be late on one core, which these tests are not about. */
const speakers = Semaphore.makeUnsafe(5)

const speaking = <A, E, R>(count: number, test: Effect.Effect<A, E, R>) => speakers.withPermits(count)(test)

const desk = { agent: "desk" }

const count = (published: ReadonlyArray<LiveEvent>, tag: LiveEvent["_tag"]) => those(published, tag).length

const saidOf = (published: ReadonlyArray<LiveEvent>, turn: number) =>
  those(published, "AgentSays").filter((event) => event.turn === turn).map(({ text }) => text).join(" ")

const endOf = (published: ReadonlyArray<LiveEvent>) => {
  assert.strictEqual(count(published, "Ended"), 1)
  assert.strictEqual(published.at(-1)?._tag, "Ended")
  return those(published, "Ended")[0].reason
}

/** How much the sound that the caller heard from this moment (ms) on resembles the agent's voice with this text; see `likeness`. */
const likenessTo = Effect.fnUntraced(function*({ call }: Conversation, text: string, from: number) {
  const { speak } = yield* CallerSpeech
  const spoken = yield* speak(text, "slt")
  const heard = yield* call.heard
  return likeness(spoken.subarray(spoken.findIndex((sample) => Math.abs(sample) > 300)), heard.subarray(Math.max(0, from * 8)))
})

/** When the agent's first speech after the moment `after` begins, ms. */
const begunAfter = ({ call }: Conversation, after: number) =>
  Effect.map(call.heard, (heard) => (SpeakingTurns.speeches(heard).find(({ from }) => from >= after)?.from ?? NaN) - 40)

/** The caller asks for the hours, and then hears the answer for 600 ms. */
const intoTheAnswer = ({ heardOut, published }: Cues) => [
  heardOut(),
  say("What are your opening hours?"),
  published("CallerSaid"),
  AwaitSpeech({ atMost: "20 seconds" }),
  Silence({ duration: "600 millis" })
]

layer(services, { excludeTestServices: true, timeout: "60 seconds" })("a conversation", (it) => {
  it.effect("of several turns is understood, answered in the right words, and ended by the agent after its last words were heard", () =>
    speaking(1, Effect.gen(function*() {
      const lines = [
        "What are your opening hours?",
        "Where are you?",
        "I would like to book an appointment on Monday at ten.",
        "Yes, please.",
        "Goodbye."
      ]
      const conversation = yield* converse(yield* both, ({ heardOut }) => lines.flatMap((line) => [heardOut(), say(line)]))
      const { call } = conversation
      const published = yield* conversation.over
      assert.deepStrictEqual(words(published), [
        `agent: ${greeting}`,
        "caller: what are your opening hours",
        `agent: ${hours}`,
        "caller: where are you",
        `agent: ${address}`,
        "caller: i would like to book an appointment on monday at ten",
        "agent: That is Monday at ten. Is that right?",
        "caller: yes please",
        "agent: Good, you are booked. We will see you Monday at ten.",
        "caller: goodbye",
        "agent: Thank you for calling. Goodbye."
      ])
      for (const { isWhole, text, turn } of those(published, "AgentHeard")) {
        assert.isTrue(isWhole)
        assert.strictEqual(saidOf(published, turn), text)
      }
      assert.strictEqual(count(published, "BargeIn") + count(published, "Resumed"), 0)
      assert.strictEqual(those(published, "TurnMeasured").filter(({ times }) => times["firstMedia"] !== undefined).length, lines.length)
      assert.strictEqual(endOf(published), "goodbye")

      // The agent ended the call, after all its marks had been played.
      assert.deepStrictEqual(yield* streamEnds(call), ["closedByService 1000"])
      assert.strictEqual(yield* call.settled, "completed")
      const events = yield* call.events
      const set = events.flatMap((event) => event._tag === "MarkSet" ? [event.name] : [])
      const end = events.findIndex(({ _tag }) => _tag === "StreamEnded")
      const played = events.slice(0, end).flatMap((event) => event._tag === "MarkReturned" && !event.cleared ? [event.name] : [])
      assert.deepStrictEqual(played, set)

      // The caller heard an answer to each line, and the last answer in the words of its events.
      const exchanges = SpeakingTurns.exchanges(yield* call.said, yield* call.heard)
      assert.strictEqual(exchanges.length, lines.length)
      assert.isTrue(exchanges.every(({ voiceToVoice }) => voiceToVoice !== undefined))
      const first = yield* begunAfter(conversation, exchanges[0].said.to)
      const last = yield* begunAfter(conversation, exchanges[4].said.to)
      assert.isAbove(yield* likenessTo(conversation, "We are open Monday to Friday.", first), 0.9)
      assert.isAbove(yield* likenessTo(conversation, "Thank you for calling.", last), 0.9)
      assert.isBelow(yield* likenessTo(conversation, "Thank you for calling.", first), 0.85)
    })), beside)

  it.effect("is interrupted: waiting sound is thrown away and never heard, and only the heard part counts", () =>
    speaking(1, Effect.gen(function*() {
      const conversation = yield* converse(yield* both, (cues) => [
        ...intoTheAnswer(cues),
        say("Where are you?"),
        cues.heardOut(),
        HangUp()
      ], desk)
      const { call } = conversation
      const published = yield* conversation.over
      const [, interrupted] = those(published, "AgentHeard")
      assert.deepStrictEqual(words(published), [
        "agent: Hello.",
        "caller: what are your opening hours",
        `agent: ${interrupted.text}`,
        "caller: where are you",
        `agent: ${address}`
      ])
      assert.isFalse(interrupted.isWhole)
      assert.isNotEmpty(interrupted.text)
      assert.isTrue(hours.startsWith(interrupted.text) && interrupted.text.length < hours.length, interrupted.text)
      assert.strictEqual(count(published, "BargeIn"), 1)

      const events = yield* call.events
      const clears = events.flatMap((event) => event._tag === "Cleared" ? [event] : [])
      assert.strictEqual(clears.length, 1)
      const answeredAt = events.find((event) => event._tag === "Status" && event.status === "in-progress")?.at ?? 0
      const clearedAt = clears[0].at - answeredAt
      const interruption = SpeakingTurns.speeches(yield* call.said)[1]
      assert.isBelow(interruption.from, clearedAt)
      assert.isAbove(interruption.to, clearedAt)
      const after = (yield* call.heard).subarray((clearedAt + 5) * 8, interruption.to * 8)
      assert.isTrue(after.every((sample) => Math.abs(sample) < 200), "the agent is heard after the clear")
    })), beside)

  it.effect("goes on where it was after a voice without words, an uh-huh, or a cough", () =>
    speaking(3, Effect.gen(function*() {
      const noises = { moan: moan(400), backchannel: say("uh-huh"), cough: cough(400) }
      const conversations = yield* Effect.all(
        Object.entries(noises).map(([name, noise]) =>
          Effect.flatMap(both, (both) =>
            Effect.map(converse(both, (cues) => [...intoTheAnswer(cues), noise, cues.heardOut(), HangUp()], desk), (conversation) =>
              [name, conversation] as const)))
      )
      for (const [name, conversation] of conversations) {
        const published = yield* conversation.over
        assert.deepStrictEqual(words(published), ["agent: Hello.", "caller: what are your opening hours", `agent: ${hours}`], name)
        assert.isTrue(those(published, "AgentHeard")[1].isWhole)
        assert.strictEqual(count(published, "Resumed"), count(published, "BargeIn"))
        if (name === "moan") assert.isAtLeast(count(published, "Resumed"), 1, name)
        const [{ to }] = SpeakingTurns.speeches(yield* conversation.call.said)
        const [, second] = hours.split(/(?<=\.) /)
        const ends = SpeakingTurns.speeches(yield* conversation.call.heard).filter(({ from }) => from > to).map((one) => one.to)
        assert.isAbove(yield* likenessTo(conversation, second, ends.at(-1)! - 1600), 0.9, name)
      }
    })), beside)

  it.effect("works in noise 10 dB below the caller's voice", () =>
    speaking(1, Effect.gen(function*() {
      const { speak } = yield* CallerSpeech
      const lines = ["What are your opening hours?", "Where are you?"]
      const level = AudioSimilarity.level(yield* speak(lines[0], "rms"))
      const conversation = yield* converse(yield* both, ({ heardOut }) => [
        ...lines.flatMap((line) => [heardOut(), say(line)]),
        heardOut(),
        HangUp()
      ], { agent: "noisy", room: { noise: level - 10 } })
      const published = yield* conversation.over
      // The bench of recognition counts understood words. This test checks that the noise is not taken for a voice, that the
      // end of the caller's words is noticed, and that the agent speaks then, if only to ask whether somebody is there.
      assert.strictEqual(count(published, "BargeIn"), 0)
      assert.isTrue(those(published, "AgentHeard").every(({ isWhole }) => isWhole))
      assert.isAtLeast(count(published, "AgentHeard"), lines.length + 1)
      assert.isAtLeast(count(published, "CallerSaid"), 1)
      assert.strictEqual(endOf(published), "callerHungUp")
    })), beside)

  it.effect("with a caller who never speaks is ended: it asks once, says goodbye, and hangs up", () =>
    Effect.gen(function*() {
      const conversation = yield* converse(yield* both, () => [], { agent: "impatient" })
      const published = yield* conversation.over
      assert.deepStrictEqual(words(published), ["agent: Hello.", "agent: Are you still there?", "agent: I can't hear you. Goodbye."])
      assert.strictEqual(endOf(published), "idle")
      assert.deepStrictEqual(yield* streamEnds(conversation.call), ["closedByService 1000"])
      assert.strictEqual(yield* conversation.call.settled, "completed")
    }), beside)

  it.effect("with a caller who only coughs is ended in the same way", () =>
    speaking(1, Effect.gen(function*() {
      const coughs = Array.from({ length: 12 }, (_, index) => [index % 3 === 2 ? moan(250) : cough(300), Silence({ duration: "700 millis" })])
      const conversation = yield* converse(yield* both, () => coughs.flat(), { agent: "impatient" })
      const published = yield* conversation.over
      assert.deepStrictEqual(words(published), ["agent: Hello.", "agent: Are you still there?", "agent: I can't hear you. Goodbye."])
      assert.strictEqual(endOf(published), "idle")
      assert.deepStrictEqual(yield* streamEnds(conversation.call), ["closedByService 1000"])
    })), beside)

  it.effect("with a caller who does not stop speaking is ended when its time is up", () =>
    speaking(1, Effect.gen(function*() {
      const conversation = yield* converse(yield* both, () => Array.from({ length: 20 }, () => say(endless)), { agent: "brief" })
      const published = yield* conversation.over
      assert.strictEqual(words(published).at(-1), "agent: Sorry, our time is up. Goodbye.")
      assert.isTrue(those(published, "AgentHeard").at(-1)?.isWhole)
      assert.strictEqual(endOf(published), "maxDuration")
      assert.deepStrictEqual(yield* streamEnds(conversation.call), ["closedByService 1000"])
    })), beside)

  it.effect("answers a caller who speaks over its greeting", () =>
    speaking(2, Effect.gen(function*() {
      const over = yield* converse(yield* both, ({ heardOut }) => [
        AwaitSpeech({ atMost: "20 seconds" }), Silence({ duration: "500 millis" }),
        say("What are your opening hours?"), heardOut(), HangUp()
      ])
      const before = yield* converse(yield* both, ({ heardOut, published }) => [
        say("What are your opening hours?"), published("CallerSaid"), heardOut(), HangUp()
      ])
      const published = yield* over.over
      const [cut] = those(published, "AgentHeard")
      assert.deepStrictEqual(words(published), [`agent: ${cut.text}`, "caller: what are your opening hours", `agent: ${hours}`])
      assert.isTrue(greeting.startsWith(cut.text) && !cut.isWhole)
      // The caller's question may cut the greeting or come after it, so the last line heard is one of two.
      const first = yield* before.over
      assert.deepStrictEqual(those(first, "CallerSaid").map(({ text }) => text), ["what are your opening hours"])
      assert.isTrue([greeting, hours].includes(those(first, "AgentHeard").at(-1)?.text ?? ""))
    })), beside)

  it.effect("is over when the caller hangs up, whatever is going on", () =>
    speaking(3, Effect.gen(function*() {
      const { speak } = yield* CallerSpeech
      const question = yield* speak("What are your opening hours?", "rms")
      const scripts: Record<string, (cues: Cues) => ReadonlyArray<Caller.Step>> = {
        "at once": () => [],
        "greeting": () => [AwaitSpeech({ atMost: "20 seconds" }), Silence({ duration: "300 millis" })],
        "caller speaks": ({ heardOut }) => [heardOut(), Caller.Step.Play({ sound: question.subarray(0, 8000) })],
        "pause": ({ heardOut }) => [heardOut(), Caller.Step.Play({ sound: question }), Silence({ duration: "160 millis" })],
        "answer": intoTheAnswer,
        "interruption": (cues) => [...intoTheAnswer(cues), Caller.Step.Play({ sound: question.subarray(0, 8000) })],
        "interruption's pause": (cues) => [...intoTheAnswer(cues), Caller.Step.Play({ sound: question }), Silence({ duration: "160 millis" })]
      }
      const conversations = yield* Effect.forEach(Object.entries(scripts), ([name, script]) =>
        Effect.flatMap(both, (both) =>
          Effect.map(converse(both, (cues) => [...script(cues), HangUp()], name === "greeting" ? {} : desk), (conversation) => [name, conversation] as const)))
      for (const [name, { call, over }] of conversations) {
        const published = yield* over
        assert.strictEqual(endOf(published), "callerHungUp", name)
        assert.deepStrictEqual(yield* streamEnds(call), ["callerHungUp"], name)
        assert.strictEqual(yield* call.settled, "completed")
      }
      const heardOf = (name: string) => those(conversations.find(([one]) => one === name)![1].published, "AgentHeard")
      assert.isFalse(heardOf("greeting")[0].isWhole)
      assert.isTrue(hours.startsWith(heardOf("answer")[1].text) && !heardOf("answer")[1].isWhole)
    })), beside)

  it.effect("takes keys that are pressed in the middle of speech, and the words around them", () =>
    speaking(1, Effect.gen(function*() {
      const conversation = yield* converse(yield* both, ({ heardOut }) => [
        heardOut(),
        say("What are your opening hours?"),
        heardOut(),
        HangUp()
      ])
      yield* until("the caller speaks", conversation.call.said, (said) => said.some((sample) => Math.abs(sample) > 1000))
      yield* conversation.call.press("2")
      const published = yield* conversation.over
      assert.deepStrictEqual(words(published), [
        `agent: ${greeting}`,
        "caller: what are your opening hours",
        "caller: 2",
        `agent: ${address}`
      ])
    })), beside)

  it.effect("survives two seconds without frames in the middle of an utterance", () =>
    speaking(1, Effect.gen(function*() {
      const conversation = yield* converse(yield* both, ({ heardOut }) => [
        Silence({ duration: "1 second" }), say("I would like to know your opening hours"), Silence({ duration: "2 seconds" }), heardOut(),
        say("What are your opening hours?"), heardOut(), HangUp()
      ], { agent: "listener", faults: { silenceGap: { atMillis: 2000, forMillis: 2000 } } })
      const published = yield* conversation.over
      // The agent takes the sound before the gap as a turn. Then the caller says the sentence again.
      assert.deepStrictEqual(words(published).slice(2), ["caller: what are your opening hours", "agent: We never close."])
      assert.strictEqual(count(published, "CallerSaid"), 2)
      assert.strictEqual(endOf(published), "callerHungUp")
    })), beside)

  it.effect("in a call that the service places is held by the requested agent", () =>
    Effect.gen(function*() {
      const { service, simulator } = yield* both
      yield* simulator.setPhones(() => PhoneBehaviour.Answers({ after: "50 millis", caller: Caller.silent }))
      const ask = Effect.fnUntraced(function*(body: object) {
        const { json, status } = yield* service.dial({ to: somebody, ...body })
        assert.strictEqual(status, 200)
        const call = (yield* simulator.calls).find(({ sid }) => sid === (json as { readonly call_sid: string }).call_sid)!
        const conversation = yield* watch({ service, simulator }, call)
        yield* conversation.awaitServiceEvent("AgentHeard")
        yield* call.hangUp
        return { agent: (json as { readonly agent: string }).agent, words: words(yield* conversation.over) }
      })
      assert.deepStrictEqual(yield* ask({ agent: "impatient" }), { agent: "impatient", words: ["agent: Hello."] })
      assert.deepStrictEqual(yield* ask({}), { agent: "receptionist", words: [`agent: ${greeting}`] })
    }), beside)

  it.effect("is not disturbed by its own echo, and can be interrupted over it", () =>
    // Runs alone, because the echo's delay is only as steady as this thread.
    Effect.gen(function*() {
      const conversations = yield* Effect.all([150, 220, 300].map((delayMillis) =>
        Effect.flatMap(both, (both) =>
          converse(both, (cues) => [
            cues.heardOut(), say("Where are you?"), cues.heardOut(), say("What are your opening hours?"),
            cues.published("CallerSaid", 2), AwaitSpeech({ atMost: "20 seconds" }), Silence({ duration: "600 millis" }),
            say("I would like to book an appointment."), cues.published("AgentHeard", 4), HangUp()
          ], { room: { echo: { attenuation: 20, delayMillis } } }))))
      for (const conversation of conversations) {
        const published = yield* conversation.over
        const interrupted = those(published, "AgentHeard")[2]
        const heard = words(published)
        assert.deepStrictEqual(heard.slice(0, 5), [
          `agent: ${greeting}`,
          "caller: where are you",
          `agent: ${address}`,
          "caller: what are your opening hours",
          `agent: ${interrupted.text}`
        ])
        // The caller's speech over the echo takes the turn. Its words are not always recognized: for half a second two voices speak.
        assert.deepStrictEqual(heard.slice(5).map((line) => line.split(":", 1)[0]), ["caller", "agent"])
        assert.isFalse(interrupted.isWhole)
        assert.isTrue(hours.startsWith(interrupted.text))
        const bargeIns = those(published, "BargeIn")
        assert.deepStrictEqual(bargeIns.map(({ turn }) => turn), [interrupted.turn])
      }
    }), inRealTime)

  it.effect("is one of ten, and each has its own answers", () =>
    Effect.gen(function*() {
      const lines: ReadonlyArray<readonly [said: string, understood: string, answer: string]> = [
        ["What are your opening hours?", "what are your opening hours", hours],
        ["Where are you?", "where are you", address],
        ["Do you have any parking?", "do you have any parking", "Yes. You can park behind the house."],
        ["I would like to book an appointment.", "i would like to book an appointment", "Which day would you like?"],
        ["Thank you very much.", "thank you very much", "You are welcome. Is there anything else?"]
      ]
      const all: Array<ReadonlyArray<LiveEvent>> = []
      const conversations = yield* Effect.forEach(Array.from({ length: 10 }, (_, index) => index), (index) =>
        Effect.flatMap(both, (both) =>
          converse(both, ({ heardOut }) => [
            heardOut(),
            // All ten are on the line, but only three speak at a time, because a busy core can recognize three.
            Caller.Step.AwaitCue({ isGiven: () => index < 3 || count(all[index - 3] ?? [], "CallerSaid") > 0, atMost: cueTimeout }),
            Caller.Step.Speak({ text: lines[index % 5][0], voice: index < 5 ? "rms" : "awb" }),
            heardOut(), HangUp()
          ], { from: `+141555501${index + 10}` }).pipe(Effect.tap(({ published }) => Effect.sync(() => (all[index] = published))))))
      yield* until("ten at once", Effect.map(both, ({ service }) => service).pipe(Effect.flatMap(({ health }) => health)), ({ active_connections }) => active_connections === 10)
      for (const [index, conversation] of conversations.entries()) {
        assert.deepStrictEqual(words(yield* conversation.over), [
          `agent: ${greeting}`,
          `caller: ${lines[index % 5][1]}`,
          `agent: ${lines[index % 5][2]}`
        ])
      }
    }), inRealTime)

  it.effect("leaves nothing behind", () =>
    Effect.gen(function*() {
      const { service } = yield* both
      yield* until("no call left", service.health, ({ active_connections, calls }) => calls === 0 && active_connections === 0)
      assert.strictEqual((yield* service.metrics)("client_caller_calls"), 0)
    }), 60_000)
})

/** Words without a pause and without an end. */
const endless = "and then my cousin told me that her neighbour had been there and that his brother went with them and that they all said"
