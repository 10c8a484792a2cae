/** What each of the three stages adds to `Failover`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import { EngineFailed, type Stage } from "../../../../src/conversation/ports/Engine.ts"
import type { AgentDefinition } from "../../../../src/definition/AgentDefinition.ts"
import { ReplyModel, type ReplyPart, type ReplyRequest } from "../../../../src/conversation/ports/ReplyModel.ts"
import type { RecognitionHints } from "../../../../src/definition/RecognitionHints.ts"
import { SpeechToText } from "../../../../src/conversation/ports/SpeechToText.ts"
import { type SpeechRequest, TextToSpeech } from "../../../../src/conversation/ports/TextToSpeech.ts"
import * as FallbackReplyModel from "../../../../src/engines/failover/FallbackReplyModel.ts"
import * as FallbackSpeechToText from "../../../../src/engines/failover/FallbackSpeechToText.ts"
import * as FallbackTextToSpeech from "../../../../src/engines/failover/FallbackTextToSpeech.ts"

const options = { hedgeAfter: 500, answerTimeout: 3000 }
const probe = Effect.void

const failed = (stage: Stage, reason: EngineFailed["reason"] = "unavailable") =>
  new EngineFailed({ stage, reason, advice: "This is a test." })

// -- speech to text ------------------------------------------------------------------------------

const hints: RecognitionHints = { language: "en", phrases: [], slots: {} }

/** An engine whose transcript has the first sample of each piece of sound that it heard. */
const recognizer = (name: string, behaviour: { isBroken?: boolean; unprepared?: EngineFailed["reason"]; slowPush?: number } = {}) => {
  const words: Array<RecognitionHints> = []
  return {
    name,
    behaviour,
    words,
    engine: SpeechToText.of({
      prepare: () =>
        behaviour.unprepared !== undefined ? Effect.fail(failed("speechToText", behaviour.unprepared)) : Effect.succeed({
          begin: Effect.sync(() => {
            const heard: Array<number> = []
            return {
              push: (pcm: Pcm<8000>) =>
                Effect.andThen(Effect.sleep(behaviour.slowPush ?? 0), Effect.sync(() => void heard.push(pcm[0]))),
              transcribe: Effect.suspend(() =>
                behaviour.isBroken === true
                  ? Effect.fail(failed("speechToText"))
                  : Effect.succeed({ text: `${name}: ${heard.join(" ")}`, ending: "unknown" as const })
              )
            }
          })
        }),
      unknownWords: (given) => Effect.sync(() => (words.push(given), [name]))
    })
  }
}

const frame = (value: number) => Int16Array.of(value) as Pcm<8000>

describe("speech to text", () => {
  const begin = Effect.fnUntraced(function*(engines: ReadonlyArray<ReturnType<typeof recognizer>>) {
    const stage = yield* FallbackSpeechToText.make(engines.map(({ engine, name }) => ({ name, engine, probe })), options)
    return yield* (yield* stage.prepare(hints)).begin
  })

  it.effect("comes from the first engine; an engine that stands in hears all sound from the beginning", () =>
    Effect.gen(function*() {
      const [one, two] = [recognizer("one"), recognizer("two")]
      const utterance = yield* begin([one, two])
      for (const value of [1, 2, 3]) yield* utterance.push(frame(value))
      assert.strictEqual((yield* utterance.transcribe).text, "one: 1 2 3")
      one.behaviour.isBroken = true
      assert.strictEqual((yield* utterance.transcribe).text, "two: 1 2 3")
      yield* utterance.push(frame(4))
      assert.strictEqual((yield* utterance.transcribe).text, "two: 1 2 3 4")
      one.behaviour.isBroken = false
      assert.strictEqual((yield* utterance.transcribe).text, "one: 1 2 3 4")
    }))

  it.effect("loses no sound while an engine that stands in catches up", () =>
    Effect.gen(function*() {
      const [one, two] = [recognizer("one", { isBroken: true }), recognizer("two", { slowPush: 10 })]
      const utterance = yield* begin([one, two])
      for (const value of [1, 2, 3]) yield* utterance.push(frame(value))
      const transcribing = yield* Effect.forkChild(utterance.transcribe)
      yield* TestClock.adjust(15)
      yield* utterance.push(frame(4))
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* Fiber.join(transcribing)).text, "two: 1 2 3 4")
    }))

  it.effect("works without an engine that can't serve the agent, and fails if no engine can", () =>
    Effect.gen(function*() {
      const [one, two] = [recognizer("one", { unprepared: "refused" }), recognizer("two")]
      const utterance = yield* begin([one, two])
      yield* utterance.push(frame(7))
      assert.strictEqual((yield* utterance.transcribe).text, "two: 7")
      const neither = yield* Effect.flip(begin([recognizer("one", { unprepared: "refused" }), recognizer("two", { unprepared: "unavailable" })]))
      assert.strictEqual(neither.reason, "refused")
    }))

  it.effect("asks the first engine which words it does not know", () =>
    Effect.gen(function*() {
      const stage = yield* FallbackSpeechToText.make([recognizer("one"), recognizer("two")].map(({ engine, name }) => ({ name, engine, probe })), options)
      assert.deepStrictEqual(yield* stage.unknownWords(hints), ["one"])
    }))
})

// -- the reply -----------------------------------------------------------------------------------

const request: ReplyRequest = { history: [{ role: "caller", text: "hello" }], state: null }

/** An engine that says its name, and counts in the state how often it was asked. */
const replier = (name: string, behaviour: { failsAfter?: number } = {}) => {
  const states: Array<ReplyRequest["state"]> = []
  return {
    name,
    behaviour,
    states,
    engine: ReplyModel.of({
      prepare: () =>
        Effect.succeed({
          reply: ({ state }) => {
            states.push(state)
            const parts: ReadonlyArray<ReplyPart> = [
              { _tag: "Text", text: name },
              { _tag: "State", state: typeof state === "number" ? state + 1 : 1 }
            ]
            return behaviour.failsAfter === undefined
              ? Stream.fromArray(parts)
              : Stream.concat(Stream.fromArray(parts.slice(0, behaviour.failsAfter)), Stream.fail(failed("replyModel", "broken")))
          }
        })
    })
  }
}

describe("the reply", () => {
  const make = (engines: ReadonlyArray<ReturnType<typeof replier>>) =>
    Effect.flatMap(
      FallbackReplyModel.make(engines.map(({ engine, name }) => ({ name, engine, probe })), options),
      (stage) => stage.prepare({} as AgentDefinition)
    )

  it.effect("is asked for with the state that the same engine left before", () =>
    Effect.gen(function*() {
      const [one, two] = [replier("one"), replier("two")]
      const { reply } = yield* make([one, two])
      let { state } = request
      const turn = Effect.gen(function*() {
        const parts = yield* Stream.runCollect(reply({ ...request, state }))
        for (const part of parts) if (part._tag === "State") state = part.state
        return parts.flatMap((part) => part._tag === "Text" ? [part.text] : []).join("")
      })
      assert.strictEqual(yield* turn, "one")
      assert.strictEqual(yield* turn, "one")
      one.behaviour.failsAfter = 0
      assert.strictEqual(yield* turn, "two")
      delete one.behaviour.failsAfter
      assert.strictEqual(yield* turn, "one")
      assert.deepStrictEqual(one.states, [null, 1, 2, null])
      assert.deepStrictEqual(two.states, [null])
    }))

  it.effect("is not started again by another engine once it has begun", () =>
    Effect.gen(function*() {
      const [one, two] = [replier("one", { failsAfter: 1 }), replier("two")]
      const { reply } = yield* make([one, two])
      const said: Array<string> = []
      const error = yield* Effect.flip(Stream.runForEach(reply(request), (part) => Effect.sync(() => void said.push(part._tag))))
      assert.strictEqual(error.reason, "broken")
      assert.deepStrictEqual(said, ["Text"])
      assert.deepStrictEqual(two.states, [])
    }))
})

// -- text to speech ------------------------------------------------------------------------------

const speaker = (
  name: string,
  behaviour: { fails?: EngineFailed["reason"]; voices?: ReadonlyArray<string>; contextMillis?: number; keeps?: string } = {}
) => {
  const asked: Array<SpeechRequest> = []
  let prepared = 0
  const attempt = Effect.suspend(() => behaviour.fails === undefined ? Effect.void : Effect.fail(failed("textToSpeech", behaviour.fails)))
  return {
    name,
    behaviour,
    asked,
    prepared: () => prepared,
    engine: TextToSpeech.of({
      voices: behaviour.voices ?? [],
      ...(behaviour.contextMillis === undefined ? {} : { contextMillis: behaviour.contextMillis }),
      speak: (request) => {
        asked.push(request)
        const sound = Stream.make({ pcm: frame(name.length), sampleRate: 8000 as const })
        return request.text === behaviour.keeps ? sound : Stream.unwrap(Effect.as(attempt, sound))
      },
      isReady: ({ text }) => text === behaviour.keeps,
      prepare: (requests) => Effect.andThen(attempt, Effect.sync(() => void (prepared += requests.length)))
    })
  }
}

const sentence: SpeechRequest = { text: "Hello.", language: "en", voice: "maple", context: [] }

describe("text to speech", () => {
  const make = (engines: ReadonlyArray<ReturnType<typeof speaker>>) =>
    FallbackTextToSpeech.make(engines.map(({ engine, name }) => ({ name, engine, probe })), options)

  it.effect("gives each engine only a voice that it has, and context only if it takes some", () =>
    Effect.gen(function*() {
      const [one, two] = [speaker("one", { fails: "broken", contextMillis: 9000 }), speaker("two", { voices: ["oak"] })]
      const stage = yield* make([one, two])
      yield* Stream.runDrain(stage.speak(sentence))
      assert.deepStrictEqual(one.asked, [sentence])
      assert.deepStrictEqual(two.asked, [{ text: "Hello.", language: "en" }])
      assert.deepStrictEqual([stage.voices, stage.contextMillis], [[], 9000])
      assert.deepStrictEqual((yield* make([two, speaker("three", { voices: ["oak", "elm"] })])).voices, ["oak", "elm"])
    }))

  it.effect("starts without a server that is not there yet, and makes its fixed lines once it is", () =>
    Effect.gen(function*() {
      const one = speaker("one", { fails: "unavailable" })
      const stage = yield* make([one])
      yield* stage.prepare([sentence])
      assert.strictEqual(one.prepared(), 0)
      delete one.behaviour.fails
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(one.prepared(), 1)
    }))

  it.effect("logs if a server that comes later refuses the voice", () => {
    const lines: Array<string> = []
    return Effect.gen(function*() {
      const one = speaker("one", { fails: "unavailable" })
      const stage = yield* make([one])
      yield* stage.prepare([sentence])
      one.behaviour.fails = "refused"
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(lines.filter((line) => line.includes("refuses")), [`An engine refuses the fixed lines,${failed("textToSpeech", "refused").advice}`])
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])))
  })

  it.effect("says a line in memory although the server is down, and still counts the server as down", () =>
    Effect.gen(function*() {
      const one = speaker("one", { fails: "unavailable", keeps: "Sorry." })
      const stage = yield* make([one])
      const state = Effect.map(stage.engines!, ([{ state }]) => state)
      yield* Effect.forkChild(Effect.exit(Stream.runDrain(stage.speak(sentence))))
      yield* TestClock.adjust(3000)
      assert.strictEqual(yield* state, "down")
      assert.deepStrictEqual(yield* Stream.runCollect(stage.speak({ ...sentence, text: "Sorry." })), [{ pcm: frame(3), sampleRate: 8000 }])
      assert.strictEqual(yield* state, "down")
    }))

  it.effect("does not start if every engine refuses the voice, but starts if one takes it", () =>
    Effect.gen(function*() {
      const refusing = () => speaker("one", { fails: "refused" })
      assert.strictEqual((yield* Effect.flip(Effect.flatMap(make([refusing()]), (stage) => stage.prepare([sentence])))).reason, "refused")
      const two = speaker("two")
      yield* Effect.flatMap(make([refusing(), two]), (stage) => stage.prepare([sentence]))
      assert.strictEqual(two.prepared(), 1)
    }))
})
