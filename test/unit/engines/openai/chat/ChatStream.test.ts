import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Metric, Option, Schema, Stream } from "effect"
import type { EngineFailed } from "../../../../../src/conversation/ports/Engine.ts"
import * as ChatStream from "../../../../../src/engines/openai/chat/ChatStream.ts"
import { ServerError } from "../../../../../src/engines/openai/client/ServerError.ts"
import * as Sse from "../../../../../src/engines/openai/client/Sse.ts"
import * as Metrics from "../../../../../src/observability/Metrics.ts"

const endpoint = { stage: "replyModel", url: new URL("http://127.0.0.1:8002/v1") } as const
const decoder = Sse.decoder(endpoint, ChatStream.Chunk)

const bytes = (text: string, size = Number.POSITIVE_INFINITY): ReadonlyArray<Uint8Array> => {
  const all = new TextEncoder().encode(text)
  const pieces: Array<Uint8Array> = []
  for (let at = 0; at < all.length; at += size) pieces.push(all.subarray(at, at + size))
  return pieces
}

const events = (text: string, size?: number, sent?: string) => decoder({ body: Stream.fromIterable(bytes(text, size)) }, sent)

/** The text of all events, and the error at their end. */
const readAll = (stream: Stream.Stream<ChatStream.Chunk, EngineFailed>) =>
  Effect.gen(function*() {
    let text = ""
    const exit = yield* Effect.exit(Stream.runForEach(stream, (chunk) =>
      Effect.sync(() => {
        text += ChatStream.add(ChatStream.empty, chunk)[1]
      })))
    const error = Exit.isFailure(exit) ? Option.getOrUndefined(Exit.findErrorOption(exit)) : undefined
    return { text, error }
  })

const said = (content: string) => JSON.stringify({ choices: [{ index: 0, delta: { content } }] })

describe("events", () => {
  const text = [
    "\uFEFF: ping\n\n",
    `data: ${said("Grüß ")}\n\n`,
    `event: message\r\nid: 7\r\nretry: 10\r\ndata: ${said("Gott")}\r\n\r\n`,
    `data:${said(" 👋")}\r\r`,
    "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\" two lines\"}}]}\n\n",
    ":\n\ndata: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"not any more\"}}]}\n\n"
  ].join("")

  it.effect("are the same wherever the bytes are cut", () =>
    Effect.gen(function*() {
      for (const size of [1, 2, 3, 5, 64, undefined]) {
        const { error, text: read } = yield* readAll(events(text, size))
        assert.deepStrictEqual([size, error, read], [size, undefined, "Grüß Gott 👋 two lines"])
      }
    }))

  it.effect("count even if the empty line after the last is missing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* readAll(events(`data: ${said("Hi")}`)), { text: "Hi", error: undefined })
      assert.deepStrictEqual(yield* readAll(events(`data: ${said("Hi")}\n\ndata: [DONE]`)), { text: "Hi", error: undefined })
      assert.deepStrictEqual(yield* readAll(events("")), { text: "", error: undefined })
    }))

  it.effect("that can't be read are left out and counted; the second one ends the stream", () =>
    Effect.gen(function*() {
      const before = yield* Metric.value(Metrics.engineEventsSkipped("replyModel"))
      const one = yield* readAll(events(`data: ${said("a")}\n\ndata: {\n\ndata: ${said("b")}\n\n`))
      assert.deepStrictEqual(one, { text: "ab", error: undefined })
      const after = yield* Metric.value(Metrics.engineEventsSkipped("replyModel"))
      assert.strictEqual(Number(after.count) - Number(before.count), 1)
      const two = yield* readAll(events(`data: ${said("a")}\n\ndata: 7\n\ndata: {"choices":3}\n\ndata: ${said("b")}\n\n`))
      assert.deepStrictEqual([two.text, two.error?.reason], ["a", "broken"])
    }))

  it.effect("of endless length end the stream", () =>
    Effect.gen(function*() {
      const line = new Uint8Array(1024 * 1024).fill(0x20)
      const { error } = yield* readAll(decoder({ body: Stream.forever(Stream.succeed(line)) }))
      assert.strictEqual(error?.reason, "broken")
    }))

  const errors: ReadonlyArray<readonly [string, string, EngineFailed["reason"], number]> = [
    ["vLLM's", "data: {\"error\":{\"message\":\"No room for Margaret Fernsby here\",\"type\":\"ServiceUnavailable\",\"code\":503}}", "unavailable", 503],
    ["OpenAI's", "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\"code\":null}}", "broken", 0],
    ["Ollama's", "data: {\"error\":\"model runner has stopped\"}", "broken", 0],
    ["an event of its own", "event: error\ndata: {\"message\":\"Out of memory\"}", "broken", 0]
  ]
  for (const [what, event, reason, status] of errors) {
    it.effect(`end with an error in mid-stream, ${what}; text before it counts`, () =>
      Effect.gen(function*() {
        const { error, text } = yield* readAll(events(`data: ${said("a")}\n\n${event}\n\ndata: ${said("b")}\n\n`, undefined, "room for Margaret Fernsby"))
        assert.deepStrictEqual([text, error?.reason], ["a", reason])
        assert.isTrue(error?.cause instanceof ServerError && error.cause.status === status)
        assert.notInclude(error?.message ?? "", "Margaret")
        assert.match(error?.advice ?? "", /^http:\/\/127\.0\.0\.1:8002 answered .+\.$/)
      }))
  }

  it.effect("go on if the field of an error is null", () =>
    Effect.gen(function*() {
      const { error, text } = yield* readAll(events("data: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"))
      assert.deepStrictEqual([text, error], ["a", undefined])
    }))
})

describe("chunks", () => {
  const decode = Schema.decodeUnknownSync(ChatStream.Chunk)
  const addAll = (...chunks: ReadonlyArray<object>): readonly [ChatStream.Answered, string] =>
    chunks.reduce<readonly [ChatStream.Answered, string]>(([answered, text], chunk) => {
      const [next, more] = ChatStream.add(answered, decode(chunk))
      return [next, text + more]
    }, [ChatStream.empty, ""])
  const delta = (value: object | null, finish: string | null = null) => ({ choices: [{ index: 0, delta: value, finish_reason: finish }] })

  it("may lack choices, deltas and content, and have unknown fields", () => {
    const [answered, text] = addAll(
      { choices: [] },
      {},
      { choices: null },
      delta(null),
      delta({}),
      delta({ role: "assistant", content: null, reasoning_content: "hm", refusal: null }),
      delta({ content: "" }),
      delta({ content: "Hi" }),
      delta({}, "length"),
      { choices: [], usage: { prompt_tokens: 420, completion_tokens: 31, total_tokens: 451, prompt_tokens_details: { cached_tokens: 400 } } },
      { choices: [], usage: null }
    )
    assert.strictEqual(text, "Hi")
    assert.deepStrictEqual(answered.finishReason, Option.some("length"))
    assert.deepStrictEqual(answered.usage, Option.some({ prompt: 420, cached: 400, completion: 31 }))
  })

  it("hold tool calls in pieces with an index", () => {
    const [answered] = addAll(
      delta({ tool_calls: [{ index: 0, id: "a", type: "function", function: { name: "one", arguments: "" } }] }),
      delta({ tool_calls: [{ index: 1, id: "b", function: { name: "two", arguments: "{" } }, { index: 0, function: { arguments: "{\"x\":" } }] }),
      delta({ tool_calls: [{ index: 0, id: null, function: { name: null, arguments: "1}" } }, { index: 1, function: { arguments: "}" } }] }),
      delta({}, "tool_calls")
    )
    assert.deepStrictEqual(ChatStream.callsOf(answered), [
      { id: "a", name: "one", arguments: "{\"x\":1}" },
      { id: "b", name: "two", arguments: "{}" }
    ])
  })

  it("hold tool calls without an index, without an id, or with arguments as an object", () => {
    const [answered] = addAll(
      delta({ tool_calls: [{ id: "a", function: { name: "one", arguments: "{\"x\"" } }] }),
      delta({ tool_calls: [{ function: { arguments: ":1}" } }] }),
      delta({ tool_calls: [{ id: "b", function: { name: "two", arguments: { y: 2 } } }] })
    )
    assert.deepStrictEqual(ChatStream.callsOf(answered), [
      { id: "a", name: "one", arguments: "{\"x\":1}" },
      { id: "b", name: "two", arguments: "{\"y\":2}" }
    ])
    const [nameless] = addAll(delta({ tool_calls: [{ index: 3, function: { name: "one" } }] }))
    assert.deepStrictEqual(ChatStream.callsOf(nameless), [{ id: "call_3", name: "one", arguments: "" }])
  })
})

describe("endless tool calls", () => {
  it("are sixteen at most, with bounded arguments", () => {
    let answered = ChatStream.empty
    for (let index = 0; index < 5000; index++) {
      ;[answered] = ChatStream.add(answered, { choices: [{ delta: { tool_calls: [{ index, id: `c${index}`, function: { name: "ask", arguments: "{}" } }] } }] })
    }
    assert.deepStrictEqual(ChatStream.callsOf(answered).map(({ id }) => id), Array.from({ length: 16 }, (_, index) => `c${index}`))
    for (let piece = 0; piece < 100; piece++) {
      ;[answered] = ChatStream.add(answered, { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: " ".repeat(10_000) } }] } }] })
    }
    assert.strictEqual(ChatStream.callsOf(answered)[0].arguments.length, 16_384)
  })
})
