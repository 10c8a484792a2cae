import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Redacted, Stream } from "effect"
import { HttpBody } from "effect/http"
import type { EngineSettings } from "../../../../../src/config/EngineSettings.ts"
import type { AgentDefinition, Tool } from "../../../../../src/definition/AgentDefinition.ts"
import type { Message, Replier, ReplyPart, ReplyRequest } from "../../../../../src/conversation/ports/ReplyModel.ts"
import { PhoneNumber } from "../../../../../src/domain/PhoneNumber.ts"
import * as OpenAiClient from "../../../../../src/engines/openai/client/OpenAiClient.ts"
import * as OpenAiReplyModel from "../../../../../src/engines/openai/chat/OpenAiReplyModel.ts"
import * as FakeChatServer from "../../../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../../../support/engines/FakeHttpServer.ts"
import { definition } from "../../../../support/engines/Bakery.ts"
import * as Replies from "../../../../support/engines/Replies.ts"

const key = "sk-of-a-test"

const settingsAt = (base: string, model?: string): EngineSettings => ({
  url: new URL(base),
  model: Option.fromUndefinedOr(model),
  apiKey: Option.some(Redacted.make(key)),
  voice: Option.none()
})

const gemma = "google/gemma-3-27b-it"

const billing = PhoneNumber.make("+14155550123")

const setUp = Effect.fnUntraced(function*(
  options: FakeChatServer.Options & { readonly name?: string } = {},
  own: Partial<AgentDefinition> = {},
  how?: OpenAiReplyModel.MakeOptions
) {
  const server = yield* FakeChatServer.make(options)
  const model = yield* OpenAiReplyModel.make(settingsAt(server.base, options.name ?? options.model ?? gemma), { isPrimed: false, ...how })
  const replier = yield* model.prepare({ ...definition, transfers: { billing }, ...own })
  return { ...server, replier }
})

const heard = (...texts: ReadonlyArray<string>): ReadonlyArray<Message> =>
  texts.map((text, at) => ({ role: at % 2 === 0 ? "agent" : "caller", text }))

const asked: ReplyRequest = { history: heard("Hello. How can I help you?", "When do you open?"), state: null }

const ask = (replier: Replier, request: ReplyRequest = asked, options?: Parameters<typeof Replies.ask>[2]) => Replies.ask(replier, request, options)

const textOf = (parts: ReadonlyArray<ReplyPart>) => parts.flatMap((part) => part._tag === "Text" ? [part.text] : []).join("")
const actsOf = (parts: ReadonlyArray<ReplyPart>) => parts.filter(({ _tag }) => _tag !== "Text" && _tag !== "State")

const dialects: ReadonlyArray<FakeChatServer.Dialect> = ["vllm", "llamacpp", "ollama", "openai"]

describe("a reply", () => {
  for (const dialect of dialects) {
    it.live(`comes from ${dialect} as it was written, wherever the network cuts it`, () =>
      Effect.gen(function*() {
        const text = "Wir öffnen um 9 Uhr, montags bis freitags. Ça va? 👍"
        for (const fragment of [undefined, 1, 7]) {
          const { chats, replier } = yield* setUp({ dialect, model: gemma, key, say: () => text, ...fragment === undefined ? {} : { fragment } })
          assert.strictEqual(textOf(yield* ask(replier)), text)
          assert.strictEqual(chats.length, 1)
        }
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("is asked of Gemma 3 with the system text in the first user message, user and assistant in turns, limited and streamed", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp()
      yield* ask(replier)
      const { request } = chats[0]
      assert.deepStrictEqual(request.messages.map(({ role }) => role), ["user", "assistant", "user"])
      assert.match(request.messages[0].content ?? "", /^You answer for a bakery\.[^]*\(The call begins\.\)$/)
      assert.strictEqual(request.messages[2].content, "When do you open?")
      assert.deepStrictEqual(
        [request.model, request.stream, request.max_tokens, request.temperature, request.stop, request.stream_options, request.tools],
        [gemma, true, 200, 0.7, ["<end_of_turn>", "<start_of_turn>"], { include_usage: true }, undefined]
      )
    }).pipe(Effect.provide(Replies.live)))

  it.live("comes from the server's first model if none is set", () =>
    Effect.gen(function*() {
      const server = yield* FakeChatServer.make({ model: "gemma3:27b" })
      const model = yield* OpenAiReplyModel.make(settingsAt(server.base), { isPrimed: false })
      assert.strictEqual(textOf(yield* ask(yield* model.prepare(definition))), "Hello there.")
      assert.strictEqual(server.chats[0].request.model, "gemma3:27b")
      assert.strictEqual(server.chats[0].request.messages[0].role, "user")
    }).pipe(Effect.provide(Replies.live)))

  it.live("is taken whole from a server that does not stream", () =>
    Effect.gen(function*() {
      const { faults, replier } = yield* setUp()
      faults.next(FakeHttpServer.refusal(200, { choices: [{ message: { role: "assistant", content: "All at once." }, finish_reason: "stop" }] }))
      assert.strictEqual(textOf(yield* ask(replier)), "All at once.")
    }).pipe(Effect.provide(Replies.live)))

  it.live("keeps its connection for the next reply, even if the answer ends later than its last event", () =>
    Effect.gen(function*() {
      const { connections, replier } = yield* setUp({ latency: { end: 5 } })
      const replies = 12
      for (let at = 0; at < replies; at++) yield* ask(replier)
      // A second connection may be opened while the first is not free yet. None is closed.
      const { accepted, open } = connections()
      assert.strictEqual(open, accepted)
      assert.isBelow(accepted, replies / 2)
    }).pipe(Effect.provide(Replies.live)))

  it.live("finds the server warm, with the agent's instructions read and its refusals known", () =>
    Effect.gen(function*() {
      const { chats, replier, until } = yield* setUp({ name: "some-model" }, {}, { isPrimed: true })
      yield* until(() => chats.length === 2 && chats[1].exchange.isOver())
      yield* ask(replier)
      assert.deepStrictEqual(chats.map(({ request: { max_tokens: most, tools } }) => [most, tools === undefined]), [[1, false], [1, true], [200, true]])
      const [, primed, first] = chats.map(({ request: { messages } }) => messages)
      // System text, opening, greeting: everything before the caller's first words.
      assert.deepStrictEqual(first.slice(0, 3), primed.slice(0, 3))
      assert.deepStrictEqual(primed.slice(2).map(({ role }) => role), ["assistant", "user"])
    }).pipe(Effect.provide(Replies.live)))

  it.live("has the length and the temperature that are set", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: () => "One two three four five." }, {}, { maxTokens: 2, temperature: 0 })
      // Another request finishes the sentence that was cut off.
      assert.strictEqual(textOf(yield* ask(replier)), "One two three four five.")
      assert.deepStrictEqual([chats[0].request.max_tokens, chats[0].request.temperature], [2, 0])
    }).pipe(Effect.provide(Replies.live)))

  it.live("speaks no thought, neither from a field of its own nor from the text", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({
        name: "google/gemma-4-31B-it",
        tools: true,
        say: () => ({ text: "<think>She wants <b>bread</b>.</think>\nAt nine.", reasoning: "Secret thought." })
      })
      assert.strictEqual(textOf(yield* ask(replier)).trim(), "At nine.")
      assert.deepStrictEqual(chats[0].request.chat_template_kwargs, { enable_thinking: false })
    }).pipe(Effect.provide(Replies.live)))
})

describe("the server's dialect", () => {
  const refusals: ReadonlyArray<readonly [string, FakeChatServer.Options & { readonly name?: string }, (request: FakeChatServer.ChatRequest) => boolean]> = [
    ["tool calls at vLLM", { dialect: "vllm" }, ({ tools }) => tools !== undefined],
    ["tool calls at llama.cpp", { dialect: "llamacpp" }, ({ tools }) => tools !== undefined],
    ["tool calls at Ollama", { dialect: "ollama" }, ({ tools }) => tools !== undefined],
    ["the system role", { system: false, tools: true }, ({ messages }) => messages[0].role === "system"],
    ["max_tokens", { dialect: "openai", tools: true, unknown: ["max_tokens"] }, (request) => "max_tokens" in request],
    ["temperature", { dialect: "openai", tools: true, unknown: ["temperature"] }, (request) => "temperature" in request],
    ["stream_options", { tools: true, unknown: ["stream_options"] }, (request) => "stream_options" in request],
    ["chat_template_kwargs", { tools: true, name: "qwen3", unknown: ["chat_template_kwargs"] }, (request) => "chat_template_kwargs" in request]
  ]
  for (const [what, options, has] of refusals) {
    it.live(`${what}, refused once, is never tried again`, () =>
      Effect.gen(function*() {
        const { chats, replier } = yield* setUp({ name: "some-model", ...options })
        assert.strictEqual(textOf(yield* ask(replier)), "Hello there.")
        assert.strictEqual(textOf(yield* ask(replier)), "Hello there.")
        assert.deepStrictEqual(chats.map(({ request }) => has(request)), [true, false, false])
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("has the actions in the system text if the server takes no tool calls", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ name: "some-model" })
      yield* ask(replier)
      assert.notInclude(chats[0].request.messages[0].content ?? "", "<<hang_up>>")
      assert.include(chats[1].request.messages[0].content ?? "", "<<hang_up>>")
      assert.include(chats[1].request.messages[0].content ?? "", "billing")
    }).pipe(Effect.provide(Replies.live)))

  it.live("stays the same after a refusal for another reason, which fails the reply", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ model: "other", name: gemma })
      const error = yield* Effect.flip(ask(replier))
      assert.deepStrictEqual([error.stage, error.reason], ["replyModel", "refused"])
      assert.include(error.advice, "404")
      assert.strictEqual(chats.length, 1)
    }).pipe(Effect.provide(Replies.live)))
})

describe("actions", () => {
  const cases: ReadonlyArray<readonly [string, string, string, ReadonlyArray<ReplyPart>]> = [
    ["hang up", "Goodbye.\n<<hang_up>>", "Goodbye.", [{ _tag: "HangUp" }]],
    ["transfer", "I put you through. <<transfer:Billing>>", "I put you through.", [{ _tag: "Transfer", to: "billing" }]],
    ["press keys", "<<press: 12#>>", "", [{ _tag: "Digits", digits: "12#" }]],
    ["only the first of two endings", "Bye.<<transfer:billing>><<hang_up>>", "Bye.", [{ _tag: "Transfer", to: "billing" }]],
    ["an ending that was cut off", "Bye. <<hang_up", "Bye.", [{ _tag: "HangUp" }]]
  ]
  for (const [what, written, spoken, acts] of cases) {
    it.live(`in the text: ${what}`, () =>
      Effect.gen(function*() {
        const { replier } = yield* setUp({ say: () => written, fragment: 3 })
        const parts = yield* ask(replier)
        assert.strictEqual(textOf(parts).trim(), spoken)
        assert.deepStrictEqual(actsOf(parts), acts)
        // Actions are carried out when all has been heard, so they come last.
        assert.deepStrictEqual(parts.slice(-acts.length), acts)
      }).pipe(Effect.provide(Replies.live)))
  }

  for (const dialect of dialects) {
    it.live(`by tool calls of ${dialect}`, () =>
      Effect.gen(function*() {
        const { chats, replier } = yield* setUp({
          dialect,
          name: "some-model",
          tools: true,
          say: () => ({ text: "Goodbye.", calls: [{ name: "press_keys", arguments: { keys: "1" } }, { name: "transfer", arguments: { to: "billing" } }] })
        })
        const parts = yield* ask(replier)
        assert.strictEqual(textOf(parts).trim(), "Goodbye.")
        assert.deepStrictEqual(actsOf(parts), [{ _tag: "Digits", digits: "1" }, { _tag: "Transfer", to: "billing" }])
        assert.deepStrictEqual(chats[0].request.tools?.map(({ function: { name } }) => name), ["hang_up", "press_keys", "transfer"])
        assert.strictEqual(chats.length, 1)
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("are not carried out if the agent has none of that name; the model answers again", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: (_, count) => count === 0 ? "One moment. <<transfer:sales>> Lies." : "I can't do that." })
      const parts = yield* ask(replier)
      assert.deepStrictEqual(textOf(parts).split(/\s*\n\s*/), ["One moment.", "I can't do that."])
      assert.deepStrictEqual(actsOf(parts), [])
      assert.strictEqual(chats[1].request.messages.at(-1)?.content, "(There is no transfer of that name. The transfers are: billing.)")
      assert.strictEqual(chats[1].request.messages.at(-2)?.content, "One moment.\n<<transfer:sales>>")
    }).pipe(Effect.provide(Replies.live)))

  it.live("are given up for a model that repeats a wrong one", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: () => "Hm. <<fly:me>>" })
      assert.deepStrictEqual(actsOf(yield* ask(replier)), [])
      assert.strictEqual(chats.length, 4)
    }).pipe(Effect.provide(Replies.live)))
})

describe("tools", () => {
  const toolAt = (url: string, timeout = 3000): Tool => ({
    name: "order_status",
    description: "Where an order is.",
    parameters: { type: "object", properties: { order: { type: "string" } }, required: ["order"] },
    url: new URL(`${url}/orders`),
    timeout
  })

  const toolServer = Effect.fnUntraced(function*(reply: FakeHttpServer.Reply = { pieces: ["It ships ", "on Monday."] }) {
    const faults = FakeHttpServer.faults()
    return { ...(yield* FakeHttpServer.make((exchange) => FakeHttpServer.send(exchange, reply, {}, faults.take()))), faults }
  })

  const line = "One moment.\n<<call:order_status {\"order\":\"A>>7\"}>>"
  const say = (_: unknown, count: number) => count === 0 ? `${line}\nIt ships never.` : "It ships on Monday."

  it.live("are asked over HTTP; the answer comes back as a user's turn, and an invented answer is not spoken", () =>
    Effect.gen(function*() {
      const tool = yield* toolServer()
      const { chats, replier } = yield* setUp({ say, fragment: 2 }, { tools: [toolAt(tool.url)] })
      const parts = yield* ask(replier)
      assert.deepStrictEqual(textOf(parts).split(/\s*\n\s*/), ["One moment.", "It ships on Monday."])
      assert.deepStrictEqual(
        [tool.received.length, tool.received[0].method, tool.received[0].path, JSON.parse(tool.received[0].body.toString())],
        [1, "POST", "/orders", { order: "A>>7" }]
      )
      assert.deepStrictEqual(chats[1].request.messages.slice(-2), [
        { role: "assistant", content: line },
        { role: "user", content: "(Answer from order_status: It ships on Monday.)" }
      ])
    }).pipe(Effect.provide(Replies.live)))

  it.live("stay in the next request, which begins like the last request of the reply before", () =>
    Effect.gen(function*() {
      const tool = yield* toolServer()
      const { chats, replier } = yield* setUp({ say }, { tools: [toolAt(tool.url)] })
      const tools = yield* Replies.newToolRunner
      yield* ask(replier, asked, { tools })
      yield* ask(replier, {
        history: [...asked.history, ...heard("One moment. It ships on Monday.", "Thanks.")],
        state: null
      }, { tools })
      const before = chats[1].request.messages
      const after = chats[2].request.messages
      assert.deepStrictEqual(after.slice(0, before.length), before)
      assert.deepStrictEqual(after.slice(before.length), [
        { role: "assistant", content: "It ships on Monday." },
        { role: "user", content: "Thanks." }
      ])
    }).pipe(Effect.provide(Replies.live)))

  it.live("are asked by the server's tool calls, and each is answered by its id", () =>
    Effect.gen(function*() {
      const tool = yield* toolServer()
      const { chats, replier } = yield* setUp({
        name: "some-model",
        tools: true,
        say: (_, count) => count === 0
          ? { calls: [{ name: "order_status", arguments: { order: "A" } }, { name: "order_status", arguments: { order: 7 } }, { name: "hang_up", arguments: "" }] }
          : "It ships on Monday. Goodbye."
      }, { tools: [toolAt(tool.url)] })
      const parts = yield* ask(replier)
      assert.strictEqual(textOf(parts).trim(), "It ships on Monday. Goodbye.")
      assert.deepStrictEqual(actsOf(parts), [{ _tag: "HangUp" }])
      assert.strictEqual(tool.received.length, 1)
      const [call, ...answers] = chats[1].request.messages.slice(-4)
      assert.deepStrictEqual(call.tool_calls?.map(({ function: { arguments: json, name }, id }) => [id, name, json]), [
        ["chatcmpl-tool-0", "order_status", "{\"order\":\"A\"}"],
        ["chatcmpl-tool-1", "order_status", "{\"order\":7}"],
        ["chatcmpl-tool-2", "hang_up", ""]
      ])
      assert.deepStrictEqual(answers.map(({ role, tool_call_id: id }) => [role, id]), [
        ["tool", "chatcmpl-tool-0"],
        ["tool", "chatcmpl-tool-1"],
        ["tool", "chatcmpl-tool-2"]
      ])
      assert.match(answers[1].content ?? "", /^The arguments do not fit: Expected string/)
    }).pipe(Effect.provide(Replies.live)))

  const answers: ReadonlyArray<readonly [string, FakeHttpServer.Fault, RegExp]> = [
    ["an error", FakeHttpServer.refusal(500, "no database"), /It failed with status 500\. no database/],
    ["silence", "silence", /the answer was lost: nobody knows whether it was done/],
    ["a closed connection", "hangUp", /the answer was lost: nobody knows whether it was done/],
    ["nothing", { pieces: [] }, /Done\./],
    ["a very long text", { pieces: ["word ".repeat(100_000)] }, /^\(Answer from order_status: (?:word ){800}…\)$/]
  ]
  for (const [what, fault, expected] of answers) {
    it.live(`may answer with ${what}: the model is told, and the reply goes on`, () =>
      Effect.gen(function*() {
        const tool = yield* toolServer()
        tool.faults.always(fault)
        const { chats, replier } = yield* setUp({ say }, { tools: [toolAt(tool.url, fault === "silence" ? 200 : 10_000)] })
        assert.include(textOf(yield* ask(replier)), "It ships on Monday.")
        assert.match(chats[1].request.messages.at(-1)?.content ?? "", expected)
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("are not asked before the caller's turn is surely over", () =>
    Effect.gen(function*() {
      const tool = yield* toolServer()
      const { open, replier } = yield* setUp({ say }, { tools: [toolAt(tool.url)] })
      const isWaiting = yield* Deferred.make<void>()
      const settled = yield* Deferred.make<void>()
      const reply = yield* Effect.forkChild(
        ask(replier, asked, { settled: Effect.andThen(Deferred.succeed(isWaiting, undefined), Deferred.await(settled)) })
      )
      const first = yield* Effect.raceFirst(
        Effect.as(Deferred.await(isWaiting), "it waits"),
        Effect.as(tool.until(() => tool.received.length > 0), "it was asked")
      )
      assert.deepStrictEqual([first, tool.received.length, open()], ["it waits", 0, 0])
      yield* Deferred.succeed(settled, undefined)
      yield* Fiber.join(reply)
      assert.strictEqual(tool.received.length, 1)
    }).pipe(Effect.provide(Replies.live)))

  it.live("are refused when the agent is prepared if their parameters are no schema", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(setUp({}, { tools: [{ ...toolAt("http://127.0.0.1:1"), parameters: { properties: { a: { pattern: "(" } } } }] }))
      assert.strictEqual(error.reason, "refused")
      assert.include(error.advice, "order_status")
    }).pipe(Effect.provide(Replies.live)))
})

describe("a failure", () => {
  const faults: ReadonlyArray<readonly [string, FakeHttpServer.Fault, string]> = [
    ["429", FakeHttpServer.refusal(429, { error: { message: "Too many" } }, { "retry-after": "3" }), "unavailable"],
    ["500", FakeHttpServer.refusal(500, "Internal Server Error"), "broken"],
    ["a cut connection", "cut", "broken"],
    ["rubbish", "rubbish", "broken"],
    ["an error in mid-stream", {
      headers: { "content-type": "text/event-stream" },
      pieces: [FakeHttpServer.event({ choices: [{ delta: { content: "We " } }] }), FakeHttpServer.event({ error: { message: "CUDA error", type: "InternalServerError", code: 500 } })]
    }, "broken"],
    ["a stream without its end", {
      headers: { "content-type": "text/event-stream" },
      pieces: [FakeHttpServer.event({ choices: [{ delta: { content: "We " } }] }), "error: {\"code\":500}\n\n"]
    }, "broken"],
    ["no word", {
      headers: { "content-type": "text/event-stream" },
      pieces: [FakeHttpServer.event({ choices: [{ delta: { content: " " }, finish_reason: "stop" }] }), FakeHttpServer.event("[DONE]")]
    }, "empty"],
    ["an endless answer", "gigabytes", "broken"]
  ]
  for (const [what, fault, reason] of faults) {
    it.live(`by ${what} is ${reason}, does not touch the next reply, and leaves nothing open`, () =>
      Effect.gen(function*() {
        const { chats, faults, open, replier, until } = yield* setUp()
        faults.next(fault)
        const error = yield* Effect.flip(ask(replier))
        assert.deepStrictEqual([error.stage, error.reason], ["replyModel", reason])
        assert.strictEqual(textOf(yield* ask(replier)), "Hello there.")
        yield* until(() => open() === 0)
        assert.strictEqual(chats.length, 2)
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("by one bad chunk is avoided: the chunk is left out", () =>
    Effect.gen(function*() {
      const { faults, replier } = yield* setUp()
      faults.next({
        headers: { "content-type": "text/event-stream" },
        pieces: [
          FakeHttpServer.event({ choices: [{ delta: { content: "At " } }] }),
          "data: {broken\r\n\r\n",
          FakeHttpServer.event({ choices: [{ delta: { content: "nine." }, finish_reason: "stop" }] }),
          "data: [DONE]"
        ]
      })
      assert.strictEqual(textOf(yield* ask(replier)), "At nine.")
    }).pipe(Effect.provide(Replies.live)))

  it.live("comes from the fake server, as from Gemma's template, if user and assistant do not alternate", () =>
    Effect.gen(function*() {
      const server = yield* FakeChatServer.make()
      const endpoint = yield* OpenAiClient.make("replyModel", settingsAt(server.base))
      const user = { role: "user", content: "Hi." }
      for (const messages of [[user, user], [{ role: "assistant", content: "Hi." }], [{ role: "system", content: "S" }], []]) {
        const error = yield* endpoint.post("/chat/completions", HttpBody.jsonUnsafe({ messages, stream: true })).pipe(Effect.scoped, Effect.flip)
        assert.include(error.advice, "Conversation roles must alternate")
      }
      yield* endpoint.post("/chat/completions", HttpBody.jsonUnsafe({ messages: [user], stream: true })).pipe(Effect.scoped)
    }).pipe(Effect.provide(Replies.live)))

  it.live("by a missing server does not keep an agent from being ready", () =>
    Effect.gen(function*() {
      const { replier, stop } = yield* setUp()
      stop()
      assert.strictEqual((yield* Effect.flip(ask(replier))).reason, "unavailable")
    }).pipe(Effect.provide(Replies.live)))
})

describe("a reply that is thrown away", () => {
  it.live("closes its request, before the first token and in the middle", () =>
    Effect.gen(function*() {
      const { chats, faults, open, replier, until } = yield* setUp()
      faults.next("silence")
      faults.next("stall")
      const early = yield* Effect.forkChild(ask(replier))
      yield* until(() => chats.length === 1)
      yield* Fiber.interrupt(early)
      yield* until(() => chats[0].exchange.isClosedByClient())

      const begun = yield* Deferred.make<void>()
      const late = yield* replier.reply(asked).pipe(
        Stream.runForEach(() => Deferred.succeed(begun, undefined)),
        Effect.forkChild
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(late)
      yield* until(() => chats[1].exchange.isClosedByClient())
      assert.strictEqual(open(), 0)
    }).pipe(Effect.provide(Replies.live)))

  it.live("closes its request when its reader has enough, too", () =>
    Effect.gen(function*() {
      const { chats, faults, replier, until } = yield* setUp()
      faults.next("stall")
      yield* replier.reply(asked).pipe(Stream.take(1), Stream.runDrain)
      yield* until(() => chats[0].exchange.isClosedByClient())
    }).pipe(Effect.provide(Replies.live)))
})

describe("an endless answer", () => {
  it.live.each([
    ["a delta of sentences", "This is a sentence, and it goes on. ".repeat(20_000)],
    ["a delta of brackets", "Well. " + "[[[[{{{{<<<<".repeat(50_000)],
    ["a delta of calls as text", "Well. " + "<tool_call>{\"name\":\"hang_up\"}</tool_call>".repeat(15_000)]
  ])("is cut off: %s", ([, text]) =>
    Effect.gen(function*() {
      const { replier } = yield* setUp({ say: () => text, fragment: text.length }, {}, { maxTokens: 100 })
      const parts = yield* ask(replier)
      assert.isAtMost(textOf(parts).length, 8 * 100 + 400)
      // The pieces are short, so that other calls are served between them.
      for (const part of parts) if (part._tag === "Text") assert.isAtMost(part.text.length, 300)
      assert.isAtMost(actsOf(parts).length, 16)
    }).pipe(Effect.provide(Replies.live)))

  it.live("is cut off in a single delta, too, and fails if the delta has more than a MiB", () =>
    Effect.gen(function*() {
      let characters = 600_000
      const { replier } = yield* setUp({ say: () => ({ documents: [{ choices: [{ delta: { content: "This is a sentence. ".repeat(characters / 20) } }] }] }) }, {}, { maxTokens: 100 })
      assert.isAtMost(textOf(yield* ask(replier)).length, 8 * 100 + 400)
      characters = 3_000_000
      const error = yield* Effect.flip(ask(replier))
      assert.strictEqual(error.reason, "broken")
    }).pipe(Effect.provide(Replies.live)))
})
