/**
 * How often a conversation asks a speech-to-text server over HTTP, and for which sound. Time is the test's; the server answers when the
 * test says so.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import * as Conversation from "../../../../src/conversation/Conversation.ts"
import type { AgentDefinition } from "../../../../src/definition/AgentDefinition.ts"
import * as FallbackSpeechToText from "../../../../src/engines/failover/FallbackSpeechToText.ts"
import * as EngineHttpClient from "../../../../src/engines/openai/client/EngineHttpClient.ts"
import * as OpenAiSpeechToText from "../../../../src/engines/openai/transcription/OpenAiSpeechToText.ts"
import * as FakeEngines from "../../../support/engines/FakeEngines.ts"
import * as FakeLine from "../../../support/conversation/FakeLine.ts"
import * as FakeSpeechServers from "../../../support/engines/FakeSpeechServers.ts"
import { definition } from "../../../support/conversation/AgentDefinitions.ts"

const notUnderstood = "Sorry, I did not get that."

/** A conversation after its greeting. `hears`: the server's transcripts. */
const greeted = Effect.fnUntraced(function*(
  hears: (asked: FakeSpeechServers.Asked) => FakeSpeechServers.Heard | string,
  isWatched = false,
  isLoading = false
) {
  const server = yield* FakeSpeechServers.transcription({ hears, isLoading: () => isLoading })
  const settings = { url: new URL(`${server.url}/v1`), model: Option.some("whisper"), apiKey: Option.none(), voice: Option.none() }
  const engine = yield* FallbackSpeechToText.make(
    [{ name: "whisper", engine: yield* OpenAiSpeechToText.make(settings), probe: Effect.void }],
    { hedgeAfter: 500, answerTimeout: "2 minutes" }
  )
  const own: AgentDefinition = {
    ...definition,
    lines: { ...definition.lines, notUnderstood },
    timeouts: { ...definition.timeouts, transcript: 8000 }
  }
  const recognizer = yield* engine.prepare({ ...own.hints, pause: own.endpointing.silence })
  const fake = FakeEngines.make()
  const line = yield* FakeLine.make
  const conversation = yield* Conversation.open(own, { ...fake.engines, recognizer }, { ...line.end, isWatched: () => isWatched })
  yield* line.play(conversation)
  yield* line.quiet(2000)
  assert.deepStrictEqual(line.tales("AgentHeard").map(({ text }) => text), [definition.lines.greeting])
  /** How many transcripts the turn machine asked for: one for each pause. */
  const pauses = () => line.events.filter((event) => event._tag === "TimerFired" && event.timer === "speculate").length
  /** Waits until the caller has heard the agent's next sentence. */
  const heardNext = Effect.gen(function*() {
    const before = line.tales("AgentHeard").length
    for (let count = 0; count < 400 && line.tales("AgentHeard").length === before; count++) yield* line.quiet(20)
    return line.tales("AgentHeard").at(-1)?.text
  })
  const millis = () => server.asked.map(({ sound }) => sound.length / 16)
  return { ...line, server, pauses, heardNext, millis, sentences: () => line.tales("AgentHeard").map(({ text }) => text) }
})

const withServer = <A, E>(test: () => Effect.Effect<A, E, Scope.Scope | HttpClient.HttpClient>) => () =>
  Effect.provide(Effect.scoped(test()), EngineHttpClient.layer)

describe("a slow server", () => {
  it.effect("is asked once for each pause, however often the caller goes on, and once for the words so far", withServer(() =>
    Effect.gen(function*() {
      const call = yield* greeted(() => "what is new", true)
      call.server.faults.always("silence")
      for (let interruption = 0; interruption < 6; interruption++) {
        yield* call.voice(1400)
        const asked = call.server.asked.length
        yield* call.quiet(200)
        yield* call.server.until(() => call.server.asked.length > asked || call.server.asked.length > interruption)
      }
      assert.isAtLeast(call.pauses(), 6)
      assert.isAtMost(call.server.asked.length, call.pauses() + 1)
      assert.isAtMost(call.server.open(), 1)
    })))

  it.effect("is sent the utterance again, without the silence or noise since", withServer(() =>
    Effect.gen(function*() {
      for (const noise of [0, 1500]) {
        const call = yield* greeted(() => "what is new", false, true)
        yield* call.voice(2000)
        const background = (millis: number) => call.frames(millis, (index) => noise * Math.sin(index * index))
        yield* background(400)
        yield* call.server.until(() => call.server.asked.length >= 1)
        // The refusal takes a moment of real time. The retry after it takes the test's time.
        while (call.server.asked.length < 4) {
          yield* background(100)
          yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
        }
        const [first, ...others] = call.millis()
        assert.isAtLeast(first, 2000)
        for (const other of others) assert.isAtMost(Math.abs(other - first), 250, `${noise}`)
      }
    })))
})

describe("clear speech", () => {
  it.effect("without words makes the agent ask again at the turn's end, but not twice in a row", withServer(() =>
    Effect.gen(function*() {
      const call = yield* greeted(() => "")
      yield* call.voice(1200)
      const stopped = call.now()
      const settled = call.server.until(() => call.server.asked.length === 1 && call.server.asked[0].exchange.isOver())
      yield* call.quiet(200)
      yield* settled
      assert.strictEqual(yield* call.heardNext, notUnderstood)
      const said = call.events.find((event) => event._tag === "MediaSent" && event.at > stopped)
      assert.isAtMost(said!.at - stopped, 400)
      yield* call.voice(1200)
      yield* call.quiet(200)
      yield* call.server.until(() => call.server.asked.length === 2 && call.server.asked[1].exchange.isOver())
      yield* call.quiet(4000)
      assert.strictEqual(call.sentences().at(-1), notUnderstood)
      assert.strictEqual(call.sentences().length, 2)
      assert.strictEqual(call.tales("CallerSaid").length, 0)
    })))

  it.effect("of which the model is not sure makes the agent ask again, and is answered the second time", withServer(() =>
    Effect.gen(function*() {
      const call = yield* greeted(() => ({ text: "Said on this on the fair maze.", logProbability: -0.99 }))
      for (const [count, answer] of [[1, notUnderstood], [2, "All right."]] as const) {
        yield* call.voice(1500)
        yield* call.quiet(200)
        yield* call.server.until(() => call.server.asked.length === count && call.server.asked[count - 1].exchange.isOver())
        assert.strictEqual(yield* call.heardNext, answer)
      }
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["Said on this on the fair maze."])
    })))
})
