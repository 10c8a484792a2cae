import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Option, Redacted, Schema, Stream } from "effect"
import { HttpBody } from "effect/http"
import { TestClock } from "effect/testing"
import type { EngineSettings } from "../../../../../src/config/EngineSettings.ts"
import type { EngineFailed } from "../../../../../src/conversation/ports/Engine.ts"
import { StageBudget } from "../../../../../src/conversation/ports/StageBudget.ts"
import * as EngineHttpClient from "../../../../../src/engines/openai/client/EngineHttpClient.ts"
import * as AnswerBody from "../../../../../src/engines/openai/client/AnswerBody.ts"
import * as OpenAiClient from "../../../../../src/engines/openai/client/OpenAiClient.ts"
import * as ServerError from "../../../../../src/engines/openai/client/ServerError.ts"
import * as FakeHttpServer from "../../../../support/engines/FakeHttpServer.ts"

const { refusal } = FakeHttpServer

const key = "sk-of-a-test-0123456789abcdef"

const settingsAt = (url: string, model?: string): EngineSettings => ({
  url: new URL(`${url}/v1`),
  model: Option.fromUndefinedOr(model),
  apiKey: Option.some(Redacted.make(key)),
  voice: Option.none()
})

const right: FakeHttpServer.Reply = {
  headers: { "content-type": "Application/JSON; charset=utf-8", "x-sample-rate": "24000" },
  pieces: ["{\"text\":", "\"good", " morning\"}"]
}

const models = refusal(200, { object: "list", data: [{ id: "gemma3:27b" }, { id: "other" }] })

const setUp = Effect.fnUntraced(function*(...faults: ReadonlyArray<FakeHttpServer.Fault | undefined>) {
  const serverFaults = FakeHttpServer.faults()
  for (const fault of faults) serverFaults.next(fault)
  const server = yield* FakeHttpServer.make((exchange) => FakeHttpServer.send(exchange, right, {}, serverFaults.take()))
  const endpoint = yield* OpenAiClient.make("replyModel", settingsAt(server.url, "m"))
  return { ...server, serverFaults, endpoint }
})

const said = "my name is Margaret Fernsby and my card is 4929 1234 5678 9012"

const ask = (endpoint: OpenAiClient.OpenAiClient, options?: OpenAiClient.RequestOptions) =>
  endpoint.post("/chat/completions", HttpBody.jsonUnsafe({ said }), options).pipe(Effect.flatMap(AnswerBody.text), Effect.scoped)

const failure = (endpoint: OpenAiClient.OpenAiClient, options?: OpenAiClient.RequestOptions) => Effect.flip(ask(endpoint, options))

const hasNoSecret = (error: EngineFailed) => {
  for (const secret of [key, "Margaret", "Fernsby", "4929", "5678"]) assert.notInclude(error.message, secret)
  assert.match(error.message, /\.$/)
}

describe("an answer", () => {
  it.live("comes as bytes, with its type and headers; the request has path, key and body", () =>
    Effect.gen(function*() {
      const { endpoint, received } = yield* setUp()
      const [answer, body] = yield* endpoint.post("/chat/completions", HttpBody.jsonUnsafe({ said }), { accept: "text/event-stream" }).pipe(
        Effect.flatMap((answer) => Effect.map(AnswerBody.text(answer), (body) => [answer, body] as const)),
        Effect.scoped
      )
      assert.strictEqual(answer.contentType, "application/json")
      assert.strictEqual(answer.headers["x-sample-rate"], "24000")
      assert.strictEqual(body, "{\"text\":\"good morning\"}")
      const [{ body: sent, headers, method, path }] = received
      assert.deepStrictEqual([method, path], ["POST", "/v1/chat/completions"])
      assert.strictEqual(headers.authorization, `Bearer ${key}`)
      assert.strictEqual(headers.accept, "text/event-stream")
      assert.strictEqual(headers["content-type"], "application/json")
      assert.deepStrictEqual(JSON.parse(sent.toString()), { said })
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("leaves the connection open for the next request", () =>
    Effect.gen(function*() {
      const { connections, endpoint, serverFaults } = yield* setUp()
      serverFaults.next(models)
      yield* endpoint.warm()
      const requests = 12
      for (let at = 0; at < requests; at++) yield* ask(endpoint)
      // A second connection may be opened while the first is not free yet. None is closed.
      const { accepted, open } = connections()
      assert.strictEqual(open, accepted)
      assert.isBelow(accepted, requests / 2)
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("is read as JSON, or refused as unreadable", () =>
    Effect.gen(function*() {
      const { endpoint, serverFaults } = yield* setUp()
      const decode = Schema.decodeUnknownOption(Schema.Struct({ text: Schema.String }))
      const read = endpoint.get("/x").pipe(Effect.flatMap(AnswerBody.json(endpoint, decode)), Effect.scoped)
      assert.deepStrictEqual(yield* read, { text: "good morning" })
      serverFaults.next({ pieces: ["{\"txt\":1}"] })
      assert.strictEqual((yield* Effect.flip(read)).reason, "broken")
      serverFaults.next("rubbish")
      assert.strictEqual((yield* Effect.flip(read)).reason, "broken")
    }).pipe(Effect.provide(EngineHttpClient.layer)))
})

describe("the model", () => {
  it.live("is the configured one without asking, else the first of the server's list, asked once", () =>
    Effect.gen(function*() {
      const { endpoint, received, serverFaults, url } = yield* setUp()
      assert.deepStrictEqual(yield* endpoint.model, Option.some("m"))
      assert.strictEqual(received.length, 0)
      const open = yield* OpenAiClient.make("replyModel", settingsAt(url))
      serverFaults.next(refusal(503, { error: "loading" }))
      serverFaults.next(models)
      assert.deepStrictEqual(yield* open.model, Option.none())
      assert.deepStrictEqual(yield* open.model, Option.some("gemma3:27b"))
      assert.deepStrictEqual(yield* open.model, Option.some("gemma3:27b"))
      assert.deepStrictEqual(received.map(({ path }) => path), ["/v1/models", "/v1/models"])
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  for (const [server, answer] of [["lists none", refusal(200, { object: "list", data: [] })], ["has no list", refusal(404, "Not Found")], ["has a broken list", refusal(500, "oops")], ["has a web page instead", { headers: { "content-type": "text/html" }, pieces: ["<html></html>"] }]] as const) {
    it.live(`is none if the server ${server}, and is asked for again only after a refusal`, () =>
      Effect.gen(function*() {
        const { received, serverFaults, url } = yield* setUp()
        const endpoint = yield* OpenAiClient.make("replyModel", settingsAt(url))
        serverFaults.next(answer)
        for (let times = 0; times < 3; times++) assert.deepStrictEqual(yield* endpoint.model, Option.none())
        serverFaults.next(refusal(500, "no memory"))
        assert.strictEqual((yield* failure(endpoint)).reason, "broken")
        assert.deepStrictEqual(yield* endpoint.model, Option.none())
        serverFaults.next(refusal(422, { detail: "Field required: model" }))
        assert.strictEqual((yield* failure(endpoint)).reason, "refused")
        serverFaults.next(models)
        for (let times = 0; times < 2; times++) assert.deepStrictEqual(yield* endpoint.model, Option.some("gemma3:27b"))
        serverFaults.next(refusal(400, "too long"))
        assert.strictEqual((yield* failure(endpoint)).reason, "refused")
        assert.deepStrictEqual(yield* endpoint.model, Option.some("gemma3:27b"))
        assert.deepStrictEqual(received.map(({ path }) => path.slice("/v1/".length)), [
          "models",
          "chat/completions",
          "chat/completions",
          "models",
          "chat/completions"
        ])
      }).pipe(Effect.provide(EngineHttpClient.layer)))
  }

  it.live("is known after the warm-up, which opens the wanted number of connections and never fails", () =>
    Effect.gen(function*() {
      const { connections, received, serverFaults, url } = yield* setUp()
      const endpoint = yield* OpenAiClient.make("replyModel", settingsAt(url))
      serverFaults.always(models)
      yield* endpoint.warm(3)
      assert.strictEqual(connections().open, 3)
      assert.deepStrictEqual(yield* endpoint.model, Option.some("gemma3:27b"))
      assert.strictEqual(received.length, 3)
      const gone = yield* OpenAiClient.make("replyModel", settingsAt("http://127.0.0.1:1"))
      yield* gone.warm()
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("stays the same, whatever a later warm-up finds", () =>
    Effect.gen(function*() {
      const { endpoint, serverFaults, url } = yield* setUp()
      const open = yield* OpenAiClient.make("replyModel", settingsAt(url))
      for (const first of ["gemma3:27b", "loaded-later"]) {
        serverFaults.always(refusal(200, { object: "list", data: [{ id: first }] }))
        yield* endpoint.warm()
        yield* open.warm()
      }
      assert.deepStrictEqual([yield* endpoint.model, yield* open.model], [Option.some("m"), Option.some("gemma3:27b")])
    }).pipe(Effect.provide(EngineHttpClient.layer)))
})

describe("a failure", () => {
  const statuses = [
    [400, "refused", "model"],
    [401, "refused", "LLM_API_KEY"],
    [404, "refused", "LLM_URL"],
    [307, "refused", "LLM_URL"],
    [408, "timeout", "log"],
    [429, "unavailable", "more requests at once"],
    [500, "broken", "log"],
    [502, "unavailable", "log"],
    [503, "unavailable", "loaded"]
  ] as const
  for (const [status, reason, advice] of statuses) {
    it.live(`with status ${status} is ${reason}`, () =>
      Effect.gen(function*() {
        const { endpoint, received } = yield* setUp(refusal(status, { error: { message: "Out of order" } }))
        const error = yield* failure(endpoint)
        assert.deepStrictEqual([error.stage, error.reason], ["replyModel", reason])
        assert.include(error.advice, `${status}: Out of order.`)
        assert.include(error.advice, advice)
        hasNoSecret(error)
        assert.strictEqual(received.length, 1)
      }).pipe(Effect.provide(EngineHttpClient.layer)))
  }

  it.live("keeps how long the server asks to be left alone, in seconds or as a date", () =>
    Effect.gen(function*() {
      const { endpoint } = yield* setUp(
        refusal(429, { error: "slow down" }, { "retry-after": "7" }),
        refusal(503, "", { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }),
        refusal(429, "", { "retry-after": "soon" })
      )
      assert.deepStrictEqual(ServerError.retryAfterOf(yield* failure(endpoint)), Option.some(Duration.seconds(7)))
      assert.deepStrictEqual(ServerError.retryAfterOf(yield* failure(endpoint)), Option.some(Duration.zero))
      assert.deepStrictEqual(ServerError.retryAfterOf(yield* failure(endpoint)), Option.none())
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("shows the server's words without the caller's and without the key", () =>
    Effect.gen(function*() {
      const { endpoint } = yield* setUp(
        refusal(400, { detail: [{ msg: `Input should be shorter, but my name is Margaret Fernsby and my card is 4929 1234 5678 9012 for ${key}` }] }),
        refusal(400, { message: `Bad value "Margaret Fernsby" with 'Fernsby' in {"Margaret": 1} and [4929` }),
        { status: 500, pieces: ["<html><body>Margaret Fernsby</body></html>"] }
      )
      const first = yield* failure(endpoint)
      assert.include(first.advice, "Input should be shorter, but …")
      hasNoSecret(first)
      hasNoSecret(yield* failure(endpoint))
      hasNoSecret(yield* failure(endpoint))
      assert.notInclude(JSON.stringify(first), "Margaret")
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("is unavailable if nobody listens at the address", () =>
    Effect.gen(function*() {
      const { stop, url } = yield* setUp()
      stop()
      const endpoint = yield* OpenAiClient.make("textToSpeech", settingsAt(url))
      const error = yield* failure(endpoint)
      assert.strictEqual(error.reason, "unavailable")
      assert.include(error.advice, "ECONNREFUSED")
      assert.include(error.advice, "TTS_URL")
      hasNoSecret(error)
      const nowhere = yield* OpenAiClient.make("replyModel", settingsAt("http://engine.invalid:8000"))
      assert.strictEqual((yield* failure(nowhere)).reason, "unavailable")
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("is avoided by one more try if the connection closes as the request goes out", () =>
    Effect.gen(function*() {
      const { endpoint, received } = yield* setUp("hangUp", undefined, "hangUp", "hangUp")
      assert.strictEqual(yield* ask(endpoint), "{\"text\":\"good morning\"}")
      assert.strictEqual(received.length, 2)
      const error = yield* failure(endpoint)
      assert.strictEqual(error.reason, "broken")
      assert.strictEqual(received.length, 4)
      hasNoSecret(error)
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("is a time-out if the server never answers or stops in the middle, and closes the connection", () =>
    Effect.gen(function*() {
      const { endpoint, open, received, until } = yield* setUp("silence", "stall")
      assert.strictEqual((yield* failure(endpoint, { answer: "20 millis" })).reason, "timeout")
      yield* until(() => received.length === 1 && received[0].isClosedByClient())
      assert.strictEqual((yield* failure(endpoint, { piece: "20 millis" })).reason, "timeout")
      yield* until(() => received[1].isClosedByClient())
      assert.strictEqual(open(), 0)
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  for (const [fault, standard] of [["silence", 15_000], ["stall", 10_000]] as const) {
    it.effect(`comes only after the turn's time, if that is longer than the client's time-out (${fault})`, () =>
      Effect.gen(function*() {
        const { endpoint, received, until } = yield* setUp(fault, fault)
        /** Whether it has failed this many ms after the request. */
        const hasFailed = (budget: number | undefined, millis: number) =>
          Effect.gen(function*() {
            const before = received.length
            // The first half of the answer comes in real time, not in the test's time.
            const half = yield* Deferred.make<void>()
            let read = ""
            const asked = endpoint.post("/chat/completions", HttpBody.jsonUnsafe({ said })).pipe(
              Effect.flatMap(({ body }) => Stream.runForEach(Stream.decodeText(body), (text) => {
                read += text
                return read.includes("good") ? Deferred.succeed(half, undefined) : Effect.void
              })),
              Effect.scoped,
              Effect.provideService(StageBudget, budget)
            )
            const failed = yield* Effect.forkChild(Effect.flip(asked))
            yield* until(() => received.length > before)
            if (fault === "stall") yield* Deferred.await(half)
            yield* TestClock.adjust(millis)
            const isOver = failed.pollUnsafe() !== undefined
            yield* Fiber.interrupt(failed)
            return isOver
          })
        assert.isTrue(yield* hasFailed(undefined, standard))
        assert.isFalse(yield* hasFailed(30_000, standard))
      }).pipe(Effect.provide(EngineHttpClient.layer)))
  }

  it.live("is broken, without another try, if the connection is cut in the middle", () =>
    Effect.gen(function*() {
      const { endpoint, received } = yield* setUp("cut")
      const error = yield* failure(endpoint)
      assert.strictEqual(error.reason, "broken")
      assert.include(error.advice, "in the middle")
      assert.strictEqual(received.length, 1)
      hasNoSecret(error)
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("ends an endless body at its bound, an error's body included", () =>
    Effect.gen(function*() {
      const { endpoint, received, serverFaults, until } = yield* setUp("gigabytes")
      const error = yield* failure(endpoint, { maxBytes: 1024 * 1024 })
      assert.strictEqual(error.reason, "broken")
      assert.include(error.advice, "1048576 bytes")
      yield* until(() => received[0].isClosedByClient())
      serverFaults.next({ status: 400, pieces: Array.from({ length: 300 }, () => "x ".repeat(32 * 1024)) })
      assert.strictEqual((yield* failure(endpoint)).reason, "refused")
      yield* until(() => received[1].isOver())
    }).pipe(Effect.provide(EngineHttpClient.layer)))
})

describe("interruption", () => {
  it.live("closes the request, before the answer and in the middle of it", () =>
    Effect.gen(function*() {
      const { endpoint, open, received, until } = yield* setUp("silence", "stall")
      const first = yield* Effect.forkChild(ask(endpoint))
      yield* until(() => received.length === 1)
      yield* Fiber.interrupt(first)
      yield* until(() => received[0].isClosedByClient())

      const pieces: Array<string> = []
      const second = yield* endpoint.get("/x").pipe(
        Effect.map(({ body }) => body),
        Stream.unwrap,
        Stream.decodeText,
        Stream.runForEach((piece) => Effect.sync(() => void pieces.push(piece))),
        Effect.forkChild
      )
      yield* until(() => received.length === 2)
      yield* Fiber.interrupt(second)
      yield* until(() => received[1].isClosedByClient())
      assert.strictEqual(open(), 0)
    }).pipe(Effect.provide(EngineHttpClient.layer)))

  it.live("closes an answer that nobody reads with its scope", () =>
    Effect.gen(function*() {
      const { endpoint, received, until } = yield* setUp("stall")
      yield* Effect.scoped(endpoint.get("/x"))
      yield* until(() => received[0].isClosedByClient())
    }).pipe(Effect.provide(EngineHttpClient.layer)))
})
