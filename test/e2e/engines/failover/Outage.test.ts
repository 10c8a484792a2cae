/** What callers notice of servers that are restarted, overloaded, or refuse a request: the real clients over HTTP. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, type Scope, Stream } from "effect"
import type { HttpClient } from "effect/http"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import type { EngineSettings } from "../../../../src/config/EngineSettings.ts"
import type { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import { StageBudget } from "../../../../src/conversation/ports/StageBudget.ts"
import * as FallbackReplyModel from "../../../../src/engines/failover/FallbackReplyModel.ts"
import * as FallbackSpeechToText from "../../../../src/engines/failover/FallbackSpeechToText.ts"
import * as FallbackTextToSpeech from "../../../../src/engines/failover/FallbackTextToSpeech.ts"
import * as ServerError from "../../../../src/engines/openai/client/ServerError.ts"
import * as OpenAiReplyModel from "../../../../src/engines/openai/chat/OpenAiReplyModel.ts"
import * as OpenAiSpeechToText from "../../../../src/engines/openai/transcription/OpenAiSpeechToText.ts"
import * as OpenAiTextToSpeech from "../../../../src/engines/openai/speech/OpenAiTextToSpeech.ts"
import * as FakeChatServer from "../../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../../support/engines/FakeHttpServer.ts"
import * as FakeSpeechServers from "../../../support/engines/FakeSpeechServers.ts"
import { definition } from "../../../support/engines/Bakery.ts"
import * as Replies from "../../../support/engines/Replies.ts"

/** The options that `Engines` gives a stage. `answerTimeout` is for requests that no turn waits for. */
const options: Parameters<typeof FallbackReplyModel.make>[1] = {
  hedgeAfter: 200,
  answerTimeout: 1000,
  retryAfter: ServerError.retryAfterOf,
  isServerAnswer: (error: EngineFailed) => ServerError.statusOf(error) !== undefined
}

const settingsAt = (url: string, model: string): EngineSettings => ({
  url: new URL(`${url}/v1`),
  model: Option.some(model),
  apiKey: Option.none(),
  voice: Option.none()
})

/** Probes always succeed, so that only requests show how a server does. */
const probe = Effect.void

const language = Effect.fnUntraced(function*(kinds: ReadonlyArray<FakeChatServer.Options>) {
  const chats = yield* Effect.forEach(kinds, FakeChatServer.make)
  const members = yield* Effect.forEach(chats, ({ url }, index) =>
    Effect.map(OpenAiReplyModel.make(settingsAt(url, "some-model"), { isPrimed: false }), (engine) => ({ name: `${index}`, engine, probe })))
  const engine = yield* FallbackReplyModel.make(members, options)
  const replier = yield* engine.prepare(definition)
  const ask = (text = "Hello?", timeout = 8000) =>
    Effect.map(Replies.ask(replier, { history: [{ role: "caller", text }], state: null }, { timeout }), (parts) =>
      parts.flatMap((part) => part._tag === "Text" ? [part.text] : []).join(""))
  // Find out which fields a server refuses. Its requests until then do not count.
  yield* Effect.forEach(members, (_, index) => {
    for (const { faults } of chats.slice(0, index)) faults.next(FakeHttpServer.refusal(400, {}))
    return ask()
  })
  const before = chats.map(({ chats }) => chats.length)
  const servers = chats.map((server, index) => ({ ...server, asked: () => server.chats.slice(before[index]) }))
  return { servers, ask, states: Effect.map(engine.engines!, (states) => states.map(({ state }) => state)) }
})

const speechToText = Effect.gen(function*() {
  const server = yield* FakeSpeechServers.transcription({ hears: () => "Hello." })
  const engine = yield* OpenAiSpeechToText.make(settingsAt(server.url, "whisper"))
  const stage = yield* FallbackSpeechToText.make([{ name: "ears", engine, probe }], options)
  const recognizer = yield* stage.prepare({ language: "en", phrases: [], slots: {} })
  const utterance = yield* recognizer.begin
  const push = (millis: number, isVoice: boolean) =>
    utterance.push(Int16Array.from({ length: 8 * millis }, (_, at) => isVoice ? 8000 * Math.sin(at / 3) : 0) as Pcm<8000>)
  yield* push(600, true)
  return {
    server,
    push,
    ask: Effect.map(utterance.transcribe, ({ text }) => text).pipe(Effect.provideService(StageBudget, 8000))
  }
})

const textToSpeech = Effect.gen(function*() {
  const server = yield* FakeSpeechServers.speech({ model: "kokoro" })
  const engine = yield* OpenAiTextToSpeech.make(settingsAt(server.url, "kokoro"))
  const stage = yield* FallbackTextToSpeech.make([{ name: "voice", engine, probe }], options)
  const ask = Effect.map(Stream.runCollect(stage.speak({ text: "Hello.", language: "en" })), (chunks) => `${chunks.length > 0}`)
  return { server, ask: Effect.provideService(ask, StageBudget, 8000) }
})

const live = <A, E>(test: Effect.Effect<A, E, HttpClient.HttpClient | Scope.Scope | Effect.Services<typeof Replies.newToolRunner>>) => () =>
  Effect.provide(Effect.scoped(test), Replies.live)

const timeout = 60_000

describe("a restart", () => {
  const replyModel = Effect.map(language([{}]), ({ ask, servers: [server] }) => ({ server, ask: ask() }))
  const stages = [["hears", speechToText, "Hello."], ["answers", replyModel, "Hello there."], ["speaks", textToSpeech, "true"]] as const

  it.live.each(stages)("of the only server that %s is bridged within the turn", ([, stage, answer]) =>
    live(Effect.gen(function*() {
      const { ask, server } = yield* stage as typeof replyModel
      assert.strictEqual(yield* ask, answer)
      server.stop()
      const asked = yield* Effect.forkChild(ask)
      yield* Effect.sleep("1600 millis")
      assert.isUndefined(asked.pollUnsafe())
      yield* server.start
      assert.strictEqual(yield* Fiber.join(asked), answer)
    }))(), { timeout })

  it.live("leads to sending the utterance again, without the silence since", live(Effect.gen(function*() {
    const { ask, push, server } = yield* speechToText
    yield* ask
    server.stop()
    const asked = yield* Effect.forkChild(ask)
    for (let pieces = 0; pieces < 10; pieces++) {
      yield* Effect.sleep("100 millis")
      yield* push(500, false)
    }
    yield* server.start
    yield* Fiber.join(asked)
    const [before, after] = server.received.filter(({ method }) => method === "POST").map(({ body }) => body.length)
    assert.closeTo(after, before, 200)
  })), { timeout })

  it.live("is waited for by all callers, but only one at a time tries the server", live(Effect.gen(function*() {
    const { ask, servers: [server] } = yield* language([{}])
    server.stop()
    const callers = yield* Effect.forkChild(Effect.forEach(Array.from({ length: 20 }), () => ask(), { concurrency: "unbounded" }))
    yield* Effect.sleep("1200 millis")
    yield* server.start
    assert.deepStrictEqual([...new Set(yield* Fiber.join(callers))], ["Hello there."])
    assert.strictEqual(server.asked().length, 20)
  })), { timeout })

  it.live("of both servers at once is bridged, too", live(Effect.gen(function*() {
    const { ask, servers } = yield* language([{}, {}])
    for (const { stop } of servers) stop()
    // First three requests fail, so that both servers are left alone.
    yield* Effect.forEach([1, 2, 3], () => Effect.exit(ask("Hello?", 400)), { concurrency: "unbounded" })
    const asked = yield* Effect.forkChild(ask())
    yield* Effect.sleep("800 millis")
    yield* servers[1].start
    assert.strictEqual(yield* Fiber.join(asked), "Hello there.")
  })), { timeout })

  it.live("that takes longer than the caller waits fails the request for good", live(Effect.gen(function*() {
    const { ask, servers: [server] } = yield* language([{}])
    server.stop()
    const error = yield* Effect.flip(ask("Hello?", 1500))
    assert.deepStrictEqual([error.reason, error.isSpent], ["unavailable", true])
  })), { timeout })
})

describe("a server that asks for a pause", () => {
  const busy = (status: number) => FakeHttpServer.refusal(status, { error: { message: "Too many requests" } }, { "retry-after": "0.3" })

  it.live.each([429, 503])("by status %i gets it, and the caller gets the answer of this only server", (status) =>
    live(Effect.gen(function*() {
      const { ask, servers: [server], states } = yield* language([{}])
      server.faults.next(busy(status))
      assert.strictEqual(yield* ask(), "Hello there.")
      assert.strictEqual(server.asked().length, 2)
      assert.isAtLeast(server.asked()[1].exchange.at - server.asked()[0].exchange.at, 295)
      assert.deepStrictEqual(yield* states, ["up"])
    }))(), { timeout })

  it.live("gets it from many callers at once, and all get their answers", live(Effect.gen(function*() {
    const from = performance.now()
    const { ask, servers: [server] } = yield* language([{ refuse: () => performance.now() - from < 900 ? busy(429) : undefined }])
    const said = yield* Effect.forEach(Array.from({ length: 10 }), (_, index) => Effect.andThen(Effect.sleep(30 * index), ask()), { concurrency: "unbounded" })
    assert.deepStrictEqual([...new Set(said)], ["Hello there."])
    assert.isAtMost(server.asked().length, 50)
  })), { timeout })

  it.live("for longer than the caller waits is not waited for", live(Effect.gen(function*() {
    const { ask, servers: [server] } = yield* language([{}])
    server.faults.next(FakeHttpServer.refusal(429, {}, { "retry-after": "30" }))
    const error = yield* Effect.flip(ask())
    assert.deepStrictEqual([error.reason, error.isSpent, server.asked().length], ["unavailable", true, 1])
    // Another request is sent nevertheless.
    assert.strictEqual(yield* ask(), "Hello there.")
  })), { timeout })

  it.live("is not waited for if another server can answer", live(Effect.gen(function*() {
    const { ask, servers: [one, two] } = yield* language([{}, {}])
    one.faults.next(FakeHttpServer.refusal(429, {}, { "retry-after": "5" }))
    yield* ask()
    yield* ask()
    assert.deepStrictEqual([one.asked().length, two.asked().length], [1, 2])
  })), { timeout })
})

describe("a bad answer to one caller's request", () => {
  const stream = (...documents: ReadonlyArray<object>): FakeHttpServer.Reply => ({
    headers: { "content-type": "text/event-stream" },
    pieces: [...documents.map(FakeHttpServer.event), FakeHttpServer.event("[DONE]")]
  })
  const finish = (content: string, finish_reason: string) => stream({ choices: [{ delta: { content }, finish_reason }] })
  const tooLong = "This model's maximum context length is 4096 tokens. Please reduce the length of the messages."
  const answers: ReadonlyArray<readonly [what: string, answer: FakeHttpServer.Reply]> = [
    ["a content filter (OpenAI)", finish("", "content_filter")],
    ["a content filter (Azure)", FakeHttpServer.refusal(400, { error: { code: "content_filter", message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy." } })],
    ["a content filter (in the stream)", stream({ error: { code: "content_filter", message: "Filtered.", type: null } })],
    ["no word", finish("", "stop")],
    ["a context that is too long (vLLM)", FakeHttpServer.refusal(400, { object: "error", message: tooLong, type: "BadRequestError", code: 400 })],
    ["a context that is too long (llama.cpp)", FakeHttpServer.refusal(500, { error: { code: 500, message: "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it", type: "server_error" } })],
    ["a context that is too long (in the stream)", stream({ error: { message: tooLong, type: "invalid_request_error", code: "context_length_exceeded" } })],
    ["a request that is too large", FakeHttpServer.refusal(413, "Payload too large")],
    ["a field that the server does not take", FakeHttpServer.refusal(422, { detail: [{ loc: ["body", "messages"], msg: "Invalid" }] })]
  ]

  for (const servers of [1, 2]) {
    it.live.each(answers)(`is no outage, and keeps no other request from ${servers === 1 ? "the only server" : "the first of two"}: %s`, ([, answer]) =>
      live(Effect.gen(function*() {
        const { ask, servers: [server], states } = yield* language(Array.from({ length: servers }, () => ({})))
        for (let times = 0; times < 5; times++) {
          server.faults.next(answer)
          const exit = yield* Effect.exit(ask("Something."))
          assert.strictEqual(Exit.isSuccess(exit), servers === 2)
        }
        // A request that was answered is not repeated.
        assert.strictEqual(server.asked().length, 5)
        assert.strictEqual(yield* ask(), "Hello there.")
        assert.strictEqual(server.asked().length, 6)
        assert.strictEqual((yield* states)[0], "up")
      }))(), { timeout })
  }
})

describe("the time that the agent's file gives", () => {
  it.live("belongs to the second server, too, when the first is silent", live(Effect.gen(function*() {
    const { ask, servers: [one] } = yield* language([{}, { latency: { firstToken: 2500 } }])
    one.faults.always("silence")
    assert.strictEqual(yield* ask("Hello?", 8000), "Hello there.")
  })), { timeout })

  it.live("belongs to the first server alone when the second is dead", live(Effect.gen(function*() {
    const { ask, servers: [, two] } = yield* language([{ latency: { firstToken: 2500 } }, {}])
    two.stop()
    assert.strictEqual(yield* ask("Hello?", 8000), "Hello there.")
  })), { timeout })

  const thoughts: ReadonlyArray<readonly [what: string, said: (thought: string) => FakeChatServer.Said]> = [
    ["in a field of their own", (reasoning) => ({ text: "Hello there.", reasoning })],
    ["in the text", (thought) => ({ text: `<think>${thought}</think>Hello there.` })]
  ]
  it.live.each(thoughts)("is exceeded while an engine shows its thoughts, but not for ever: %s", ([, said]) =>
    live(Effect.gen(function*() {
      let words = 0
      const { ask } = yield* language([{ say: () => said("thinks. ".repeat(words)), latency: { firstToken: 20, token: 40 } }])
      words = 10
      assert.strictEqual(yield* ask("Hello?", 400), "Hello there.")
      words = 500
      assert.strictEqual((yield* Effect.flip(ask("Hello?", 400))).reason, "timeout")
    }))(), { timeout })
})
