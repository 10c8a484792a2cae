import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Queue, Result, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { parse } from "../../../src/agent/file/AgentFile.ts"
import * as Dtmf from "../../../src/audio/Dtmf.ts"
import type { Pcm } from "../../../src/audio/Pcm.ts"
import * as Conversation from "../../../src/conversation/Conversation.ts"
import { type ActionKeeper, ActionNotKept } from "../../../src/conversation/ports/Actions.ts"
import { Signal, TransferFailed } from "../../../src/conversation/ports/AudioPort.ts"
import type { ConversationEvent } from "../../../src/conversation/ports/ConversationEvent.ts"
import type { AgentDefinition } from "../../../src/definition/AgentDefinition.ts"
import type { ReplyPart } from "../../../src/conversation/ports/ReplyModel.ts"
import { millisOf, type SpeechRequest, type SpokenTurn } from "../../../src/conversation/ports/TextToSpeech.ts"
import type { PhoneNumber } from "../../../src/domain/PhoneNumber.ts"
import { settle } from "../../support/service/Time.ts"

const definitionOf = (text: string): AgentDefinition => {
  const read = parse(`name: test\ngreeting: Hello.\n${text}`, "test.yaml")
  return Result.isSuccess(read) ? read.success : assert.fail(read.failure.message)
}

/** A sound of this length, ms. All its samples have one value, by which tests recognize the sound. */
const sound = (millis: number, value: number): Pcm<8000> => new Int16Array(millis * 8).fill(value) as Pcm<8000>

const samplesOf = (turn: SpokenTurn | undefined): ReadonlyArray<number> => turn?.sound.flatMap((piece) => [...piece]) ?? []

/** The sample value of the sound for the request with this index. */
const level = (index: number) => 1000 + index

interface Options {
  readonly definition?: string
  /** What the model answers, turn by turn. */
  readonly replies?: ReadonlyArray<ReadonlyArray<ReplyPart>>
  /** ms until the model answers. */
  readonly thinks?: number
  readonly contextMillis?: number
  /** ms of sound that a text has. */
  readonly millisOf?: (text: string) => number
  readonly transfer?: (to: PhoneNumber) => Effect.Effect<void, TransferFailed>
  readonly actions?: ActionKeeper
}

/** A conversation on the test's clock, with a telephone that plays what it is sent and returns the marks. */
const talk = Effect.fnUntraced(function*(options: Options = {}) {
  const { millisOf: lengthOf = () => 400, replies = [], thinks = 0 } = options
  const audio = yield* Queue.unbounded<Pcm<8000>>()
  const partials = yield* Queue.unbounded<string>()
  const published: Array<ConversationEvent> = []
  const asked: Array<SpeechRequest> = []
  /** The samples that the caller was sent, without cleared ones. */
  const played: Array<number> = []
  const words: Array<string> = []
  let turn = 0
  let clears = 0

  const conversation = yield* Conversation.open(definitionOf(options.definition ?? ""), {
    voiceActivity: {
      open: Effect.succeed({ ask: (window, answer) => answer(Exit.succeed(window.some((sample) => Math.abs(sample) > 3000) ? 1 : 0)) })
    },
    tools: { send: () => Effect.die("no tool is asked") },
    recognizer: {
      begin: Effect.succeed({
        push: () => Effect.void,
        transcribe: Effect.sync(() => ({ text: words.at(-1) ?? "", ending: "complete" as const })),
        partials: Stream.fromQueue(partials)
      })
    },
    replier: {
      reply: () => {
        const parts = replies[Math.min(turn++, replies.length - 1)] ?? []
        return Stream.fromEffectDrain(Effect.sleep(thinks)).pipe(Stream.concat(Stream.fromIterable(parts)))
      }
    },
    textToSpeech: {
      voices: [],
      prepare: () => Effect.void,
      ...(options.contextMillis === undefined ? {} : { contextMillis: options.contextMillis }),
      speak: (request) => {
        asked.push(request)
        return Stream.make({ pcm: sound(lengthOf(request.text), level(asked.length - 1)), sampleRate: 8000 as const })
      }
    }
  }, {
    callId: "CA1",
    isOutbound: false,
    audio: Stream.fromQueue(audio),
    borrowedAudio: Stream.fromQueue(audio),
    isWatched: () => true,
    clear: Effect.sync(() => {
      clears++
    }),
    publish: (event) => Effect.sync(() => void published.push(event)),
    ...(options.transfer === undefined ? {} : { transfer: (to) => Effect.forkChild(options.transfer!(to)) }),
    ...(options.actions === undefined ? {} : { actions: options.actions })
  })

  yield* Effect.forkScoped(Stream.runForEach(conversation.outboundItems, (said) => {
    if (!(said instanceof Int16Array)) {
      return said._tag === "Mark" ? conversation.signal(Signal.MarkReturned({ name: said.name })) : Effect.sync(said.notify)
    }
    const before = clears
    const frames = Array.from({ length: Math.ceil(said.length / 160) }, (_, index) => said.subarray(index * 160, index * 160 + 160))
    return Effect.forEach(frames, (frame) =>
      Effect.suspend(() => {
        if (clears !== before) return Effect.void
        for (const sample of frame) played.push(sample)
        return Effect.sleep(frame.length / 8)
      }), { discard: true })
  }))
  yield* settle

  /** Sound of this length, ms: a loud voice, or silence. */
  const hear = (millis: number, isLoud: boolean) =>
    Effect.gen(function*() {
      for (let at = 0; at < millis; at += 20) {
        yield* TestClock.adjust("20 millis")
        const frame = sound(20, 0)
        if (isLoud) for (let index = 0; index < frame.length; index++) frame[index] = index % 2 === 0 ? 8000 : -8000
        Queue.offerUnsafe(audio, frame)
        yield* settle
      }
    })

  return {
    published,
    asked,
    played,
    wait: (millis: number) => hear(millis, false),
    speak: (millis: number) => hear(millis, true),
    /** The caller says this in 600 ms, and is silent until the turn is over. */
    say: (text: string) =>
      Effect.gen(function*() {
        words.push(text)
        yield* hear(600, true)
        yield* hear(400, false)
      }),
    partial: (text: string) => Effect.andThen(Effect.sync(() => Queue.offerUnsafe(partials, text)), settle),
    of: <Tag extends ConversationEvent["_tag"]>(tag: Tag) =>
      published.filter((event): event is Extract<ConversationEvent, { readonly _tag: Tag }> => event._tag === tag)
  }
})

const text = (text: string): ReplyPart => ({ _tag: "Text", text })

const test = (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) => it.effect(name, () => Effect.scoped(body()))

describe("a filler", () => {
  test("is heard whole, and then the late reply", () =>
    Effect.gen(function*() {
      const call = yield* talk({
        definition: "fillers: { after: 900, lines: [One moment., Let me see.] }",
        replies: [[text("We are open from nine to five.")]],
        thinks: 1000,
        millisOf: (text) => text === "One moment." ? 2000 : 400
      })
      yield* call.wait(1000)
      yield* call.say("when are you open")
      yield* call.wait(5000)
      assert.deepStrictEqual(call.asked.map(({ text }) => text), ["Hello.", "One moment.", "We are open from nine to five."])
      const order = call.played.filter((value, index) => value !== call.played[index - 1])
      assert.deepStrictEqual(order, [level(0), level(1), level(2)])
      assert.strictEqual(call.played.length, (400 + 2000 + 400) * 8)
      assert.deepStrictEqual(call.of("AgentFills").map(({ text }) => text), ["One moment."])
      assert.deepStrictEqual(call.of("AgentHeard").map(({ text }) => text), ["Hello.", "We are open from nine to five."])
    }))

  test("is not said when the reply is in time", () =>
    Effect.gen(function*() {
      const call = yield* talk({
        definition: "fillers: { after: 900, lines: [One moment., Let me see.] }",
        replies: [[text("From nine.")]],
        thinks: 200
      })
      yield* call.wait(1000)
      yield* call.say("when are you open")
      yield* call.wait(3000)
      assert.deepStrictEqual(call.asked.map(({ text }) => text), ["Hello.", "From nine."])
      assert.strictEqual(call.of("AgentHeard").at(-1)?.isWhole, true)
    }))

  test("stops when the caller goes on with the turn", () =>
    Effect.gen(function*() {
      const call = yield* talk({
        definition: "fillers: { after: 900, lines: [One moment., Let me see.] }",
        replies: [[text("From nine.")]],
        thinks: 5000,
        millisOf: (text) => text === "One moment." ? 2000 : 400
      })
      yield* call.wait(1000)
      yield* call.say("when are you open")
      yield* call.wait(600)
      const before = call.played.length
      yield* call.say("when are you open on saturday")
      assert.isBelow((call.played.length - before) / 8, 400)
      assert.strictEqual(call.of("BargeIn").length, 1)
      assert.deepStrictEqual(call.of("CallerSaid").map(({ text }) => text).at(-1), "when are you open when are you open on saturday")
    }))
})

describe("keys", () => {
  test("are heard as tones after the words", () =>
    Effect.gen(function*() {
      const states: Array<readonly [digits: string, state: string]> = []
      const actions: ActionKeeper = {
        storeSoon: ({ arguments: digits }) => void states.push([digits, "asked"]),
        store: () => Effect.void,
        storeOutcome: ({ arguments: digits }, { _tag }) => void states.push([digits, _tag]),
        running: () => []
      }
      const call = yield* talk({ replies: [[text("I am pressing."), { _tag: "Digits", digits: "1 #" }]], actions })
      yield* call.wait(1000)
      yield* call.say("press one")
      yield* call.wait(2000)
      assert.deepStrictEqual(call.of("AgentPresses").map(({ digits }) => digits), ["1#"])
      const tones = Int16Array.from(call.played.slice(-Dtmf.durationOf("1#") * 8))
      assert.deepStrictEqual(tones, Int16Array.from(Dtmf.tones("1#", 8000)))
      assert.deepStrictEqual(call.of("AgentHeard").at(-1)?.text, "I am pressing.")
      assert.strictEqual(call.played.length, (400 + 400 + 400) * 8)
      assert.deepStrictEqual(states, [["1#", "asked"], ["1#", "Answered"]])
    }))
})

describe("a transfer", () => {
  const replies = [[text("I will put you through."), { _tag: "Transfer" as const, to: "office" }]]
  const definition = "transfers: { office: \"+14155550178\" }"

  test("is requested when the words were heard, with the number from the agent's file", () =>
    Effect.gen(function*() {
      const numbers: Array<string> = []
      const call = yield* talk({ definition, replies, transfer: (to) => Effect.sync(() => void numbers.push(to)) })
      yield* call.wait(1000)
      yield* call.say("a person please")
      assert.deepStrictEqual(numbers, [])
      yield* call.wait(1000)
      assert.deepStrictEqual(numbers, ["+14155550178"])
      assert.deepStrictEqual(call.of("Ended").map(({ reason }) => reason), ["transferred"])
    }))

  test("that fails is followed by an apology, and the call goes on", () =>
    Effect.gen(function*() {
      for (const transfer of [() => Effect.fail(new TransferFailed({ reason: "rejected" })), () => Effect.die("broken"), undefined]) {
        const call = yield* talk({ definition, replies, ...(transfer === undefined ? {} : { transfer }) })
        yield* call.wait(1000)
        yield* call.say("a person please")
        yield* call.wait(2000)
        assert.strictEqual(call.asked.at(-1)?.text, "Sorry, I could not put you through. What else can I do for you?")
        assert.strictEqual(call.of("Ended").length, 0)
        assert.strictEqual(call.of("TransferFailed").length, 1)
        yield* call.say("a person please")
        assert.strictEqual(call.of("CallerSaid").length, 2)
      }
    }))

  it.effect("is stored before it is requested, and its outcome afterwards", () =>
    Effect.gen(function*() {
      const outcomes = [
        ["Answered", () => Effect.void],
        ["NotSent", () => Effect.fail(new TransferFailed({ reason: "rejected" }))],
        ["Unknown", () => Effect.fail(new TransferFailed({ reason: "timedOut", mayBeDone: true }))]
      ] as const
      for (const [expected, transfer] of outcomes) {
        const log: Array<string> = []
        const actions: ActionKeeper = {
          storeSoon: () => {},
          store: ({ kind, name }) => Effect.sync(() => void log.push(`${kind} ${name}`)),
          storeOutcome: (_, { _tag }) => void log.push(_tag),
          running: () => []
        }
        const call = yield* talk({ definition, replies, transfer: () => Effect.andThen(Effect.sync(() => void log.push("done")), transfer()), actions })
        yield* call.wait(1500)
        yield* call.say("The office, please.")
        yield* call.wait(2000)
        assert.deepStrictEqual(log, ["transfer office", "done", expected])
      }
    }))

  it.effect("that can't be stored does not happen", () =>
    Effect.gen(function*() {
      const actions: ActionKeeper = { storeSoon: () => {}, store: () => Effect.fail(new ActionNotKept()), storeOutcome: () => {}, running: () => [] }
      const call = yield* talk({ definition, replies, transfer: () => Effect.die("it is not done"), actions })
      yield* call.wait(1500)
      yield* call.say("The office, please.")
      yield* call.wait(2000)
      assert.deepStrictEqual(call.of("TransferFailed").map(({ reason }) => reason), ["notKept"])
    }))
})

describe("partial transcripts", () => {
  test("reach watchers while the caller speaks, and stop the agent at the first words", () =>
    Effect.gen(function*() {
      const call = yield* talk({
        definition: "interruption: { minSpeech: 1s }",
        replies: [[text("We are open from nine to five on every day of the week.")]],
        millisOf: (text) => text === "Hello." ? 400 : 5000
      })
      yield* call.wait(1000)
      yield* call.say("when are you open")
      yield* call.wait(500)
      yield* call.speak(300)
      assert.strictEqual(call.of("BargeIn").length, 0)
      yield* call.partial("where are")
      assert.strictEqual(call.of("BargeIn").length, 1)
      assert.deepStrictEqual(call.of("CallerSays").map(({ text }) => text), ["where are"])
    }))
})

describe("the conversation as context for the voice", () => {
  test("is sent with a reply's words, but not with fixed lines, and has the words and sound of both sides", () =>
    Effect.gen(function*() {
      const call = yield* talk({ contextMillis: 10_000, replies: [[text("From nine.")], [text("In Maple Street.")]] })
      yield* call.wait(1000)
      yield* call.say("when are you open")
      yield* call.wait(1500)
      yield* call.say("where are you")
      yield* call.wait(1500)
      assert.isUndefined(call.asked[0].context)
      const [, , last] = call.asked
      assert.strictEqual(last.text, "In Maple Street.")
      assert.deepStrictEqual(last.context?.map(({ role, text }) => `${role}: ${text}`), [
        "caller: when are you open",
        "agent: From nine.",
        "caller: where are you"
      ])
      const [, agent, ...others] = last.context ?? []
      for (const caller of [last.context?.[0], ...others]) assert.isAbove(samplesOf(caller).filter((sample) => Math.abs(sample) === 8000).length / 8, 550)
      assert.deepStrictEqual(samplesOf(agent), [...sound(400, level(1))])
      assert.strictEqual(agent.sampleRate, 8000)
    }))

  test("is never longer than the engine's limit", () =>
    Effect.gen(function*() {
      const call = yield* talk({ contextMillis: 2000, replies: [[text("One.")], [text("Two.")], [text("Three.")], [text("Four.")]] })
      yield* call.wait(1000)
      for (const said of ["a", "b", "c", "d"]) {
        yield* call.say(said)
        yield* call.wait(1000)
      }
      for (const { context = [] } of call.asked) {
        assert.isAtMost(context.reduce((sum, turn) => sum + millisOf(turn), 0), 2000)
      }
      assert.deepStrictEqual(call.asked.at(-1)?.context?.map(({ text }) => text), ["Three.", "d"])
    }))

  test("has only those words of the agent that were heard", () =>
    Effect.gen(function*() {
      const call = yield* talk({
        contextMillis: 60_000,
        replies: [[text("We are open from nine to five on every day.")], [text("Yes.")], [text("Fine.")]],
        millisOf: (text) => text.startsWith("We") ? 4000 : 400
      })
      yield* call.wait(1000)
      yield* call.say("when are you open")
      yield* call.wait(1000)
      yield* call.say("wait")
      yield* call.wait(1500)
      yield* call.say("and on sunday")
      const context = call.asked.at(-1)?.context ?? []
      const part = context.find(({ role }) => role === "agent")
      const heard = call.of("AgentHeard")[1].text
      assert.strictEqual(part?.text, heard)
      assert.isBelow(heard.length, 30)
      assert.approximately(samplesOf(part).length / 8, 4000 * heard.length / "We are open from nine to five on every day.".length, 1)
    }))

  test("is not sent to an engine that can't use it", () =>
    Effect.gen(function*() {
      const call = yield* talk({ replies: [[text("One.")], [text("Two.")]] })
      yield* call.wait(1000)
      for (const said of ["a", "b"]) {
        yield* call.say(said)
        yield* call.wait(1000)
      }
      assert.strictEqual(call.asked.length, 3)
      assert.isTrue(call.asked.every((request) => !("context" in request)))
    }))
})
