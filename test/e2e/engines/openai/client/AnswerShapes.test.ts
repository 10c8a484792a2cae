/**
 * Answers in the shapes of many servers and models, over HTTP: what is spoken, and which actions are carried out.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Option, Redacted, Stream } from "effect"
import type { EngineSettings, ReplySettings } from "../../../../../src/config/EngineSettings.ts"
import type { AgentDefinition, Tool } from "../../../../../src/definition/AgentDefinition.ts"
import type { Replier, ReplyPart, ReplyRequest } from "../../../../../src/conversation/ports/ReplyModel.ts"
import { PhoneNumber } from "../../../../../src/domain/PhoneNumber.ts"
import * as OpenAiReplyModel from "../../../../../src/engines/openai/chat/OpenAiReplyModel.ts"
import * as Metrics from "../../../../../src/observability/Metrics.ts"
import * as FakeChatServer from "../../../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../../../support/engines/FakeHttpServer.ts"
import { definition } from "../../../../support/engines/Bakery.ts"
import * as Replies from "../../../../support/engines/Replies.ts"

const key = "sk-of-a-test"

const setUp = Effect.fnUntraced(function*(
  options: FakeChatServer.Options & { readonly name?: string } = {},
  own: Partial<AgentDefinition> = {},
  reply?: ReplySettings
) {
  const server = yield* FakeChatServer.make({ tools: true, ...options })
  const settings: EngineSettings = {
    url: new URL(server.base),
    model: Option.some(options.name ?? "some-model"),
    apiKey: Option.some(Redacted.make(key)),
    voice: Option.none(),
    ...reply === undefined ? {} : { reply }
  }
  const model = yield* OpenAiReplyModel.make(settings, { isPrimed: false })
  const replier = yield* model.prepare({ ...definition, transfers: { billing: PhoneNumber.make("+14155550123") }, ...own })
  return { ...server, replier }
})

const asked: ReplyRequest = {
  history: [{ role: "agent", text: "Hello. How can I help you?" }, { role: "caller", text: "When do you open?" }],
  state: null
}

const ask = (replier: Replier) => Replies.ask(replier, asked)

/** What the caller hears: the text without an unfinished sentence. */
const spokenOf = (parts: ReadonlyArray<ReplyPart>): string => {
  let text = ""
  for (const part of parts) {
    if (part._tag === "Text") text += part.text
    if (part._tag === "CutShort") text = text.replace(/[^.!?]*$/, "")
  }
  return text.trim()
}

const doneOf = (parts: ReadonlyArray<ReplyPart>): ReadonlyArray<string> =>
  parts.flatMap((part) => part._tag === "Transfer" ? [`transfer ${part.to}`] : part._tag === "HangUp" ? ["hang up"] : part._tag === "Digits" ? [`press ${part.digits}`] : [])

const chunk = (delta: object, finish: string | null = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 0,
  model: "m",
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }]
})

const usage = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model: "m", choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }

const text = (content: unknown) => chunk({ content })

/** The text in pieces of five characters, ended as usual. */
const stream = (written: string, finish = "stop"): ReadonlyArray<object | string> => [
  chunk({ role: "assistant", content: "" }),
  ...(written.match(/[^]{1,5}/gu) ?? []).map(text),
  chunk({}, finish),
  usage,
  "[DONE]"
]

type Case = readonly [what: string, said: FakeChatServer.Said, spoken: string, done?: ReadonlyArray<string>]

const run = (cases: ReadonlyArray<Case>, options: FakeChatServer.Options & { readonly name?: string } = {}) => {
  for (const [what, said, spoken, done = []] of cases) {
    it.live(what, () =>
      Effect.gen(function*() {
        for (const fragment of [undefined, 1, 7]) {
          const { chats, replier } = yield* setUp({ ...options, say: () => said, ...fragment === undefined ? {} : { fragment } })
          const parts = yield* ask(replier)
          assert.deepStrictEqual([spokenOf(parts), doneOf(parts), chats.length], [spoken, done, 1])
        }
      }).pipe(Effect.provide(Replies.live)))
  }
}

describe("an answer is spoken:", () => {
  run([
    ["in parts", { documents: [text([{ type: "text", text: "We open " }]), text([{ type: "output_text", text: "at nine." }]), chunk({}, "stop"), "[DONE]"] }, "We open at nine."],
    ["in parts, of which one is a thought", {
      documents: [text([{ type: "thinking", thinking: [{ type: "text", text: "Secret." }] }, { type: "text", text: "At nine." }]), chunk({}, "stop"), "[DONE]"]
    }, "At nine."],
    ["a refusal", { documents: [chunk({ role: "assistant", content: null, refusal: "I can't " }), chunk({ refusal: "help with that." }), chunk({}, "stop"), "[DONE]"] }, "I can't help with that."],
    ["whole", { whole: { object: "chat.completion", choices: [{ index: 0, message: { role: "assistant", content: "We open at nine.", reasoning_content: "Secret." }, finish_reason: "stop" }] } }, "We open at nine."],
    ["whole, in parts", { whole: { choices: [{ index: 0, message: { role: "assistant", content: [{ type: "text", text: "At nine." }] }, finish_reason: "stop" }] } }, "At nine."],
    ["whole within a stream", { documents: [{ choices: [{ index: 0, message: { role: "assistant", content: "At nine." }, finish_reason: "stop" }] }, "[DONE]"] }, "At nine."],
    ["once, if the stream ends with the whole message", {
      documents: [text("At "), text("nine."), { choices: [{ index: 0, message: { role: "assistant", content: "At nine." }, finish_reason: "stop" }] }, "[DONE]"]
    }, "At nine."],
    ["as a completion", { documents: [{ choices: [{ index: 0, text: "At " }] }, { choices: [{ index: 0, text: "nine.", finish_reason: "stop" }] }, "[DONE]"] }, "At nine."],
    ["with another choice beside it", {
      documents: [{ choices: [{ index: 1, delta: { content: "No." } }, { index: 0, delta: { content: "Yes." } }] }, { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }, "[DONE]"]
    }, "Yes."],
    ["without [DONE]", { documents: [text("At nine."), chunk({}, "stop")] }, "At nine."],
    ["with an empty finish_reason in every chunk", { documents: [{ choices: [{ delta: { content: "At " }, finish_reason: "" }] }, { choices: [{ delta: { content: "nine." }, finish_reason: "" }] }, chunk({}, "stop")] }, "At nine."],
    ["with thoughts apart: vLLM and llama.cpp", { documents: [chunk({ reasoning_content: "Secret." }), text("At nine."), chunk({}, "stop"), "[DONE]"] }, "At nine."],
    ["with thoughts apart: Ollama and OpenRouter", { documents: [chunk({ role: "assistant", content: "", reasoning: "Secret." }), text("At nine."), chunk({}, "stop"), "[DONE]"] }, "At nine."],
    ["after a thought in the text", { documents: stream("<think>\nSecret.\n</think>\n\nAt nine.") }, "At nine."],
    ["after the end of a thought", { documents: stream("Okay, the user asks. Secret.\n</think>\n\nAt nine.") }, "At nine."],
    ["up to the end of the turn", { documents: stream("At nine.<|im_end|>\n<|im_start|>user\nAnd?") }, "At nine."],
    ["with a list of tool calls that is empty", { documents: [chunk({ content: "At nine.", tool_calls: [] }), chunk({}, "stop"), "[DONE]"] }, "At nine."]
  ])

  run([["after a thought whose beginning is in the prompt", { documents: stream("It is Friday.\nSo yes.\n</think>\n\nAt nine.") }, "At nine."]], { name: "Qwen/Qwen3-30B-A3B-Thinking-2507" })
  run([["of a model that is known to think, but did not", { documents: stream("We open at nine. Bye.") }, "We open at nine. Bye."]], { name: "deepseek-r1-distill" })

  it.live("as it comes, once the model has answered without such a thought", () =>
    Effect.gen(function*() {
      const open: FakeChatServer.Said = { documents: stream("We open at nine.").slice(0, 4), stays: true }
      const { replier } = yield* setUp({ name: "Qwen3-Thinking", say: (_, count) => count === 0 ? { documents: stream("At nine.") } : open })
      assert.strictEqual(spokenOf(yield* ask(replier)), "At nine.")
      const parts: Array<ReplyPart> = []
      yield* replier.reply(asked).pipe(
        Stream.takeUntil((part) => {
          parts.push(part)
          return spokenOf(parts) === "We open at nine"
        }),
        Stream.runDrain
      )
    }).pipe(Effect.provide(Replies.live)))

  for (const [what, documents] of [
    ["finish_reason", [text("At nine."), chunk({}, "stop")]],
    ["finish_reason, token counts and [DONE]", stream("At nine.")],
    ["the end of the turn in the text", [text("At nine.<end_of_turn>"), text("\nuser\n")]]
  ] as const) {
    it.live(`at once if the server leaves its answer open after ${what}, and the connection is closed`, () =>
      Effect.gen(function*() {
        const { chats, open, replier, until } = yield* setUp({ say: () => ({ documents, stays: true }) })
        const parts = yield* Effect.timeout(ask(replier), "2 seconds")
        assert.strictEqual(spokenOf(parts), "At nine.")
        yield* until(() => open() === 0)
        assert.strictEqual(chats.length, 1)
      }).pipe(Effect.provide(Replies.live)))
  }
})

describe("an answer's actions are carried out:", () => {
  const toBilling = "{\"name\": \"transfer\", \"arguments\": {\"to\": \"billing\"}}"
  run([
    ["a tool call in pieces", {
      documents: [
        chunk({ tool_calls: [{ index: 0, id: "c", type: "function", function: { name: "transfer", arguments: "" } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: "{\"to\":\"bil" } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: "ling\"}" } }] }),
        chunk({}, "tool_calls"),
        "[DONE]"
      ]
    }, "", ["transfer billing"]],
    ["an old function call, in pieces", {
      documents: [chunk({ content: null, function_call: { name: "transfer", arguments: "" } }), chunk({ function_call: { arguments: "{\"to\":" } }), chunk({ function_call: { arguments: "\"billing\"}" } }), chunk({}, "function_call"), "[DONE]"]
    }, "", ["transfer billing"]],
    ["an old function call, whole", { whole: { choices: [{ index: 0, message: { role: "assistant", content: null, function_call: { name: "hang_up", arguments: "{}" } }, finish_reason: "function_call" }] } }, "", ["hang up"]],
    ["tool calls, whole", {
      whole: { choices: [{ index: 0, message: { role: "assistant", content: "Bye.", tool_calls: [{ id: "c", type: "function", function: { name: "hang_up", arguments: "" } }] }, finish_reason: "tool_calls" }] }
    }, "Bye.", ["hang up"]],
    ["tool calls in pieces, and whole once more", {
      documents: [
        chunk({ tool_calls: [{ index: 0, id: "c", function: { name: "press_keys", arguments: "{\"keys\":\"1\"}" } }] }),
        { choices: [{ index: 0, message: { content: null, tool_calls: [{ id: "c", function: { name: "press_keys", arguments: "{\"keys\":\"1\"}" } }] }, finish_reason: "tool_calls" }] },
        "[DONE]"
      ]
    }, "", ["press 1"]],
    ["Hermes' call in the text", { documents: stream(`I put you through.\n<tool_call>\n${toBilling}\n</tool_call>`) }, "I put you through.", ["transfer billing"]],
    ["Mistral's", { documents: stream(`[TOOL_CALLS][${toBilling}]`) }, "", ["transfer billing"]],
    ["Gemma's", { documents: stream("Bye.\n```tool_code\nprint(hang_up())\n```") }, "Bye.", ["hang up"]],
    ["Llama's", { documents: stream("{\"name\": \"transfer\", \"parameters\": {\"to\": \"billing\"}}<|eot_id|>") }, "", ["transfer billing"]],
    ["harmony's", { documents: stream("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.transfer <|constrain|>json<|message|>{\"to\":\"billing\"}<|call|>") }, "", ["transfer billing"]],
    ["two of them", { documents: stream("<tool_call>{\"name\":\"press_keys\",\"arguments\":{\"keys\":\"1#\"}}</tool_call>\n<tool_call>{\"name\":\"hang_up\"}</tool_call>") }, "", ["press 1#", "hang up"]],
    ["once, if the server sends a call both as text and as a tool call", {
      documents: [
        ...stream("<tool_call>{\"name\":\"press_keys\",\"arguments\":{\"keys\": \"1\"}}</tool_call>").slice(0, -3),
        chunk({ tool_calls: [{ index: 0, id: "c", function: { name: "press_keys", arguments: "{\"keys\":\"1\"}" } }] }),
        chunk({}, "tool_calls"),
        "[DONE]"
      ]
    }, "", ["press 1"]]
  ])

  const tool: Tool = {
    name: "order_status",
    description: "Where an order is.",
    parameters: { type: "object", properties: { order: { type: "string" } }, required: ["order"] },
    url: new URL("http://127.0.0.1:1/"),
    timeout: 2000
  }

  for (const [what, written] of [
    ["in tags", "One moment.\n<tool_call>{\"name\":\"order_status\",\"arguments\":{\"order\":\"A\"}}</tool_call>\n<tool_call>{\"name\":\"order_status\",\"arguments\":{\"order\":\"B\"}}</tool_call>\nIt ships never."],
    ["in Python", "One moment.\n[order_status(order=\"A\"), order_status(order=\"B\")]\nIt ships never."],
    ["as our own lines", "One moment.\n<<call:order_status {\"order\":\"A\"}>>\n<<call:order_status {\"order\":\"B\"}>>\nIt ships never."]
  ] as const) {
    it.live(`two tools asked at once, ${what}; an invented answer is not spoken`, () =>
      Effect.gen(function*() {
        const server = yield* FakeHttpServer.make((exchange) => FakeHttpServer.send(exchange, { pieces: ["On Monday."] }))
        const { chats, replier } = yield* setUp({ say: (_, count) => count === 0 ? { documents: stream(written) } : "It ships on Monday." }, { tools: [{ ...tool, url: new URL(server.url) }] })
        const parts = yield* ask(replier)
        assert.deepStrictEqual(spokenOf(parts).split(/\s*\n\s*/), ["One moment.", "It ships on Monday."])
        assert.deepStrictEqual(server.received.map(({ body }) => JSON.parse(body.toString()).order).sort(), ["A", "B"])
        assert.strictEqual(chats.length, 2)
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("a call of an unknown tool is only counted, and the text around it is spoken", () =>
    Effect.gen(function*() {
      const before = yield* Metric.value(Metrics.textCallsDropped("tags"))
      const { chats, replier } = yield* setUp({ say: () => ({ documents: stream("We open <tool_call>{\"name\":\"fly\",\"arguments\":{}}</tool_call>at nine.") }) })
      const parts = yield* ask(replier)
      assert.deepStrictEqual([spokenOf(parts), doneOf(parts), chats.length], ["We open at nine.", [], 1])
      const after = yield* Metric.value(Metrics.textCallsDropped("tags"))
      assert.strictEqual(Number(after.count) - Number(before.count), 1)
    }).pipe(Effect.provide(Replies.live)))

  it.live("after an answer with only such a call, the model is told and answers in words", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: (_, count) => count === 0 ? { documents: stream("[TOOL_CALLS]fly[ARGS]{}") } : "We open at nine." })
      assert.strictEqual(spokenOf(yield* ask(replier)), "We open at nine.")
      assert.match(chats[1].request.messages.at(-1)?.content ?? "", /There is no such action.*hang_up, press_keys, transfer/)
    }).pipe(Effect.provide(Replies.live)))
})

describe("an answer that reaches its limit", () => {
  it.live("ends with its last whole sentence", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: () => ({ documents: stream("We are open from nine to five. On Saturdays we close at", "length") }) })
      const parts = yield* ask(replier)
      assert.strictEqual(spokenOf(parts), "We are open from nine to five.")
      assert.deepStrictEqual(parts.at(-1), { _tag: "CutShort" })
      assert.strictEqual(chats.length, 1)
    }).pipe(Effect.provide(Replies.live)))

  it.live("is left as it is if the limit falls on the end of a sentence", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: () => ({ documents: stream("We are open from nine to five. Bye.", "length") }) })
      assert.strictEqual(spokenOf(yield* ask(replier)), "We are open from nine to five. Bye.")
      assert.strictEqual(chats.length, 1)
    }).pipe(Effect.provide(Replies.live)))

  const rests: ReadonlyArray<readonly [string, string]> = [
    ["five, every day.", "goes on"],
    ["nine to five, every day. And more.", "goes on a little before, and says more"],
    ["Our shop, which you know, is open from nine to five, every day.", "says all of it again"],
    ["<think>Hm.</think>... five, every day.", "thinks first"]
  ]
  for (const [rest, what] of rests) {
    it.live(`has its only sentence finished by the model, which ${what}`, () =>
      Effect.gen(function*() {
        const { chats, replier } = yield* setUp({
          say: (_, count) => ({ documents: count === 0 ? stream("Our shop, which you know, is open from nine to", "length") : stream(rest) })
        })
        assert.strictEqual(spokenOf(yield* ask(replier)), "Our shop, which you know, is open from nine to five, every day.")
        assert.deepStrictEqual(chats[1].request.messages.slice(-2).map(({ role }) => role), ["assistant", "user"])
        assert.isBelow(chats[1].request.max_tokens ?? 0, 100)
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("fails if its only sentence can't be finished", () =>
    Effect.gen(function*() {
      const { replier } = yield* setUp({ say: () => ({ documents: stream("Our shop, which you know, is open from nine to", "length") }) })
      const error = yield* Effect.flip(ask(replier))
      assert.strictEqual(error.reason, "refused")
      assert.include(error.advice, "LLM_MAX_TOKENS")
    }).pipe(Effect.provide(Replies.live)))

  it.live("ends with its last whole sentence if a filter cuts it off, and fails without one", () =>
    Effect.gen(function*() {
      const { faults, replier } = yield* setUp()
      const cutBy = (written: string) => faults.next({ headers: { "content-type": "text/event-stream" }, pieces: stream(written, "content_filter").map(FakeHttpServer.event) })
      cutBy("We open at nine. Our weapons")
      assert.strictEqual(spokenOf(yield* ask(replier)), "We open at nine.")
      for (const written of ["Our weapons", ""]) {
        cutBy(written)
        const error = yield* Effect.flip(ask(replier))
        assert.strictEqual(error.reason, "refused")
        assert.include(error.advice, "content filter")
      }
    }).pipe(Effect.provide(Replies.live)))
})

describe("an error", () => {
  const errors: ReadonlyArray<readonly [string, FakeChatServer.Said, string]> = [
    ["in a whole answer", { whole: { error: { message: "CUDA error", type: "server_error", code: 500 } } }, "broken"],
    ["of an old vLLM, in the stream", { documents: [text("We "), { object: "error", message: "The engine is dead", type: "InternalServerError", code: 500 }] }, "broken"],
    ["in the stream", { documents: [text("We "), { error: { message: "Overloaded", code: 503 } }] }, "unavailable"]
  ]
  for (const [what, said, reason] of errors) {
    it.live(`${what} fails the reply`, () =>
      Effect.gen(function*() {
        const { replier } = yield* setUp({ say: () => said })
        assert.strictEqual((yield* Effect.flip(ask(replier))).reason, reason)
      }).pipe(Effect.provide(Replies.live)))
  }
})

describe("thinking", () => {
  const thinks = (documents: ReadonlyArray<object | string>): FakeChatServer.Said => ({ documents })
  const thoughtsOnly = thinks([chunk({ reasoning_content: "I think and think" }), chunk({}, "length"), usage, "[DONE]"])
  const answered = thinks(stream("We open at nine."))

  const models: ReadonlyArray<readonly [string, object]> = [
    ["Qwen/Qwen3-8B", { chat_template_kwargs: { enable_thinking: false }, reasoning_effort: "none", think: undefined }],
    ["qwen3:8b", { chat_template_kwargs: undefined, reasoning_effort: "none", think: false }],
    ["deepseek-ai/DeepSeek-V3.1", { chat_template_kwargs: { enable_thinking: false, thinking: false }, reasoning_effort: "none", think: undefined }],
    ["openai/gpt-oss-20b", { chat_template_kwargs: undefined, reasoning_effort: "low", think: undefined }],
    ["gpt-5-mini", { chat_template_kwargs: undefined, reasoning_effort: "none", think: undefined }],
    ["some-model", { chat_template_kwargs: undefined, reasoning_effort: undefined, think: undefined }]
  ]
  for (const [name, wanted] of models) {
    it.live(`of ${name} is switched off in its server's way`, () =>
      Effect.gen(function*() {
        const { chats, replier } = yield* setUp({ name })
        yield* ask(replier)
        const { chat_template_kwargs, reasoning_effort, think } = chats[0].request
        assert.deepStrictEqual({ chat_template_kwargs, reasoning_effort, think }, wanted)
      }).pipe(Effect.provide(Replies.live)))
  }

  const refusals: ReadonlyArray<readonly [string, string, number, object, ReadonlyArray<string | undefined>]> = [
    ["OpenAI, which takes other efforts", "gpt-5-mini", 400, { error: { message: "Unsupported value: 'reasoning_effort' does not support 'none' with this model. Supported values are: 'minimal', 'low', 'medium', and 'high'.", param: "reasoning_effort" } }, ["none", "minimal"]],
    ["OpenAI, which does not know the field", "o1-mini", 400, { error: { message: "Unrecognized request argument supplied: reasoning_effort" } }, ["none", undefined]],
    ["an older vLLM", "openai/gpt-oss-20b", 400, { object: "error", message: "[{'type': 'literal_error', 'loc': ('body', 'reasoning_effort'), 'msg': \"Input should be 'medium' or 'high'\"}]" }, ["low", "medium"]],
    ["Mistral, which names the field apart", "magistral-small", 422, { detail: [{ type: "extra_forbidden", loc: ["body", "reasoning_effort"], msg: "Extra inputs are not permitted" }] }, ["none", undefined]]
  ]
  for (const [what, name, status, body, efforts] of refusals) {
    it.live(`refused by ${what}, is asked for in another way from then on`, () =>
      Effect.gen(function*() {
        const { chats, replier } = yield* setUp({ name, refuse: ({ reasoning_effort: effort }) => effort === efforts[0] ? FakeHttpServer.refusal(status, body) : undefined })
        assert.strictEqual(spokenOf(yield* ask(replier)), "Hello there.")
        yield* ask(replier)
        assert.deepStrictEqual(chats.map(({ request }) => request.reasoning_effort), [efforts[0], efforts[1], efforts[1]])
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("that uses up the answer leads to a second request, without thinking and with more tokens", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: ({ chat_template_kwargs: switched }) => switched === undefined ? thoughtsOnly : answered })
      assert.strictEqual(spokenOf(yield* ask(replier)), "We open at nine.")
      assert.strictEqual(spokenOf(yield* ask(replier)), "We open at nine.")
      assert.deepStrictEqual(chats.map(({ request: { chat_template_kwargs, max_tokens } }) => [chat_template_kwargs, max_tokens]), [
        [undefined, 200],
        [{ enable_thinking: false }, 1200],
        [{ enable_thinking: false }, 1200]
      ])
    }).pipe(Effect.provide(Replies.live)))

  for (const [what, said] of [
    ["in a field of its own", thoughtsOnly],
    ["in the text", thinks(stream("<think>I think and think", "length"))],
    ["without a beginning", thinks(stream("Okay, the user asks when we open. I", "length"))],
    ["counted only", thinks([chunk({ content: "" }, "length"), { ...usage, usage: { completion_tokens: 200, completion_tokens_details: { reasoning_tokens: 200 } } }, "[DONE]"])]
  ] as const) {
    it.live(`that uses up the answer each time, ${what}, is an error that says what to do`, () =>
      Effect.gen(function*() {
        const { chats, replier } = yield* setUp({ say: () => said })
        const error = yield* Effect.flip(ask(replier))
        assert.include(error.advice, "LLM_THINKING_TOKENS")
        assert.strictEqual(chats.length, 2)
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("of an unknown model is switched off from the next answer on", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ say: ({ reasoning_effort: effort }) => effort === "none" ? answered : thinks([chunk({ reasoning: "Hm." }), ...stream("We open at nine.")]) })
      yield* ask(replier)
      yield* ask(replier)
      assert.deepStrictEqual(chats.map(({ request: { max_tokens, reasoning_effort } }) => [reasoning_effort, max_tokens]), [[undefined, 200], ["none", 200]])
    }).pipe(Effect.provide(Replies.live)))

  it.live("that can't be switched off has tokens of its own, apart from the answer's", () =>
    Effect.gen(function*() {
      const long = "This is a sentence of some words. ".repeat(100)
      const { chats, replier } = yield* setUp({ name: "openai/gpt-oss-20b", say: () => thinks(stream(long)) }, {}, { maxTokens: 50, thinking: "off", thinkingTokens: 300 })
      const spoken = spokenOf(yield* ask(replier))
      assert.strictEqual(chats[0].request.max_tokens, 350)
      assert.isBelow(spoken.length, 50 * 7)
      assert.match(spoken, /words\.$/)
    }).pipe(Effect.provide(Replies.live)))

  it.live("has the effort that is set", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ name: "Qwen/Qwen3-8B" }, {}, { maxTokens: 100, thinking: "low", thinkingTokens: 500 })
      yield* ask(replier)
      const { chat_template_kwargs, max_tokens, reasoning_effort } = chats[0].request
      assert.deepStrictEqual([chat_template_kwargs, reasoning_effort, max_tokens], [{ enable_thinking: true }, "low", 600])
    }).pipe(Effect.provide(Replies.live)))
})
