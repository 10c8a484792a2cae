/** The use that engines count for a call, over real HTTP. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, type Scope, Stream } from "effect"
import type { HttpClient } from "effect/http"
import type { EngineSettings } from "../../../src/config/EngineSettings.ts"
import { EngineMeter, type EngineUse } from "../../../src/conversation/ports/EngineMeter.ts"
import { ReplyModel } from "../../../src/conversation/ports/ReplyModel.ts"
import { TextToSpeech } from "../../../src/conversation/ports/TextToSpeech.ts"
import * as EngineUses from "../../../src/call/history/EngineUses.ts"
import * as Flite from "../../../src/engines/embedded/flite/FliteTextToSpeech.ts"
import * as Scripted from "../../../src/engines/embedded/script/ScriptedReplyModel.ts"
import * as FallbackTextToSpeech from "../../../src/engines/failover/FallbackTextToSpeech.ts"
import * as OpenAiReplyModel from "../../../src/engines/openai/chat/OpenAiReplyModel.ts"
import * as EngineHttpClient from "../../../src/engines/openai/client/EngineHttpClient.ts"
import * as OpenAiTextToSpeech from "../../../src/engines/openai/speech/OpenAiTextToSpeech.ts"
import * as OpenAiSpeechToText from "../../../src/engines/openai/transcription/OpenAiSpeechToText.ts"
import { definition } from "../../support/engines/Bakery.ts"
import * as FakeChatServer from "../../support/engines/FakeChatServer.ts"
import * as FakeSpeechServers from "../../support/engines/FakeSpeechServers.ts"

const settingsAt = (base: string, settings: Partial<EngineSettings> = {}): EngineSettings => ({
  url: new URL(base),
  model: Option.some("model"),
  apiKey: Option.none(),
  voice: Option.none(),
  ...settings
})

const live = <A, E>(test: () => Effect.Effect<A, E, HttpClient.HttpClient | Scope.Scope>) => () =>
  Effect.provide(Effect.scoped(test()), EngineHttpClient.layer)

/** A call whose engines are counted. */
const newCall = () => {
  const uses = EngineUses.make()
  return { uses: uses.all, on: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideService(effect, EngineMeter, uses.add) }
}

/** The use without the server's port, which differs from run to run. */
const named = ({ engine, ...use }: EngineUse) => ({ ...use, engine: engine.replace(/:\d+/, "") })

const text = "Sure, one moment."

const speech = (base: string, said = text) => ({ text: said, language: "en", base })

const newReplier = Effect.fnUntraced(function*(options: FakeChatServer.Options = {}) {
  const server = yield* FakeChatServer.make({ model: "model", count: () => 40, ...options })
  const replier = yield* (yield* OpenAiReplyModel.make(settingsAt(server.base), { isPrimed: false })).prepare(definition)
  return { server, reply: replier.reply({ history: [{ role: "caller", text: "Hello" }], state: null }) }
})

describe("a reply", () => {
  it.live("counts its request, and the tokens that the server reports", live(() =>
    Effect.gen(function*() {
      const { reply } = yield* newReplier({ say: () => "Hello there." })
      const call = newCall()
      yield* call.on(Stream.runDrain(reply))
      yield* call.on(Stream.runDrain(reply))
      const [use] = call.uses().map(named)
      assert.deepStrictEqual(use, {
        stage: "reply",
        engine: "127.0.0.1/v1",
        requests: 2,
        inputTokens: 80,
        outputTokens: 2 * FakeChatServer.tokensOf("Hello there.").length
      })
    })))

  it.live("that is thrown away counts its request, but no tokens", live(() =>
    Effect.gen(function*() {
      const { reply, server } = yield* newReplier({ latency: { token: 2000 } })
      const call = newCall()
      const fiber = yield* Effect.forkScoped(call.on(Stream.runDrain(reply)))
      // The first request was refused, since the server takes no tools.
      yield* server.until(() => server.chats.length > 1)
      yield* Effect.sleep("300 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(call.uses().map(({ inputTokens, requests }) => [requests, inputTokens]), [[1, undefined]])
    })))

  it.live("outside of a call is not counted", live(() =>
    Effect.gen(function*() {
      const { reply } = yield* newReplier()
      const call = newCall()
      yield* Stream.runDrain(reply)
      assert.deepStrictEqual(call.uses(), [])
    })))

  it.live("of the scripted engine counts as embedded", () =>
    Effect.gen(function*() {
      const replier = yield* (yield* ReplyModel).prepare(definition)
      const call = newCall()
      yield* call.on(Stream.runDrain(replier.reply({ history: [{ role: "caller", text: "Hello" }], state: null })))
      assert.deepStrictEqual(call.uses(), [{ stage: "reply", engine: "embedded", requests: 1 }])
    }).pipe(Effect.scoped, Effect.provide(Scripted.layer)))
})

describe("speech", () => {
  it.live("counts its characters and seconds; a prepared line costs nothing", live(() =>
    Effect.gen(function*() {
      const server = yield* FakeSpeechServers.speech()
      const engine = yield* OpenAiTextToSpeech.make(settingsAt(`${server.url}/v1`))
      const line = speech(server.url, "Hello. How can I help you?")
      const call = newCall()
      yield* engine.prepare([line])
      yield* call.on(Stream.runDrain(engine.speak(line)))
      assert.deepStrictEqual(call.uses(), [])

      yield* call.on(Stream.runDrain(engine.speak(speech(server.url))))
      assert.deepStrictEqual(call.uses().map(named), [{
        stage: "speech",
        engine: "127.0.0.1/v1",
        requests: 1,
        characters: text.length,
        soundSeconds: FakeSpeechServers.tone(text, 24_000).length / 24_000
      }])
    })))

  it.live("counts only the engine that stood in for a broken one", live(() =>
    Effect.gen(function*() {
      const broken = yield* FakeSpeechServers.speech({ key: "another" })
      const server = yield* FakeSpeechServers.speech()
      const member = Effect.fnUntraced(function*(name: string, base: string) {
        return { name, engine: yield* OpenAiTextToSpeech.make(settingsAt(base)) }
      })
      const engine = yield* FallbackTextToSpeech.make(
        [yield* member("first", `${broken.url}/v1`), yield* member("second", `${server.url}/v1/`)],
        { hedgeAfter: 5000, answerTimeout: 5000 }
      )
      const call = newCall()
      yield* call.on(Stream.runDrain(engine.speak(speech(server.url))))
      assert.deepStrictEqual(call.uses().map((use) => [new URL(`http://${use.engine}`).port, use.requests]), [[new URL(server.url).port, 1]])
      assert.strictEqual(broken.asked.length, 0)
    })))

  it.live("of the embedded engine counts what is spoken", () =>
    Effect.gen(function*() {
      const call = newCall()
      const chunks = yield* call.on(Stream.runCollect((yield* TextToSpeech).speak(speech(""))))
      const samples = chunks.reduce((sum, { pcm }) => sum + pcm.length, 0)
      const [use] = call.uses()
      assert.deepStrictEqual([use.engine, use.requests, use.characters], ["embedded", 1, text.length])
      assert.closeTo(use.soundSeconds ?? 0, samples / 8000, 0.001)
    }).pipe(Effect.provide(Flite.layer)))
})

it.live("a transcript counts the sound of each request to the server", live(() =>
  Effect.gen(function*() {
    const server = yield* FakeSpeechServers.transcription({ hears: () => "At nine, please." })
    const engine = yield* OpenAiSpeechToText.make(settingsAt(`${server.url}/v1`), { partialsInterval: 0 })
    const { begin } = yield* engine.prepare({ language: "en", phrases: [], slots: {} })
    const call = newCall()
    yield* call.on(Effect.gen(function*() {
      const { push, transcribe } = yield* begin
      yield* push(Int16Array.from({ length: 8000 }, (_, index) => 8000 * Math.sin(2 * Math.PI * 440 * index / 8000)))
      yield* transcribe
      yield* transcribe
    }))
    const seconds = server.asked.reduce((sum, { sound }) => sum + sound.length / 16_000, 0)
    const [use] = call.uses()
    assert.deepStrictEqual([use.stage, use.requests], ["transcript", 2])
    assert.closeTo(use.soundSeconds ?? 0, seconds, 0.01)
    assert.isAbove(seconds, 1.9)
  })))
