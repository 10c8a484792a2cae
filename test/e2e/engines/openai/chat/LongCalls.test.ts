/** Calls that are longer than a server's context window, over real HTTP. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import type { EngineSettings } from "../../../../../src/config/EngineSettings.ts"
import type { AgentDefinition } from "../../../../../src/definition/AgentDefinition.ts"
import type { Message, Replier, ReplyPart } from "../../../../../src/conversation/ports/ReplyModel.ts"
import type { ToolExchange } from "../../../../../src/conversation/ports/Tools.ts"
import * as OpenAiReplyModel from "../../../../../src/engines/openai/chat/OpenAiReplyModel.ts"
import * as FakeChatServer from "../../../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../../../support/engines/FakeHttpServer.ts"
import { definition } from "../../../../support/engines/Bakery.ts"
import { refusals } from "../../../../support/engines/ContextRefusals.ts"
import * as Replies from "../../../../support/engines/Replies.ts"

const window = 2048

/** A tokenizer that counts more tokens than the estimate. */
const tokensOf = ({ messages, tools = [] }: FakeChatServer.ChatRequest): number => Math.ceil(JSON.stringify([messages, tools]).length / 2.6)

const answerOf = (request: FakeChatServer.ChatRequest): number => Number(request.max_tokens ?? request.max_completion_tokens)

const sizesOf = (request: FakeChatServer.ChatRequest) => ({ window, prompt: tokensOf(request), answer: answerOf(request) })

const isTooLong = (request: FakeChatServer.ChatRequest): boolean => tokensOf(request) + answerOf(request) > window

const bakery: AgentDefinition = {
  ...definition,
  instructions: "You answer for a bakery. ".repeat(8),
  tools: [{
    name: "book",
    description: "Books a table.",
    parameters: { type: "object", properties: { day: { type: "string" } } },
    url: new URL("http://127.0.0.1:9/book"),
    timeout: 1000
  }]
}

interface Setting extends FakeChatServer.Options {
  readonly window?: number
  readonly isPrimed?: boolean
  readonly definition?: AgentDefinition
}

const setUp = Effect.fnUntraced(function*({ isPrimed = false, definition: own = bakery, window: configured, ...options }: Setting) {
  const model = options.model ?? "some-model"
  const server = yield* FakeChatServer.make({ tools: true, count: tokensOf, model, ...options })
  const settings: EngineSettings = {
    url: new URL(server.base),
    model: Option.some(model),
    apiKey: Option.none(),
    voice: Option.none(),
    reply: { maxTokens: 200, thinking: "off", thinkingTokens: 1000, ...configured === undefined ? {} : { contextWindow: configured } }
  }
  const engine = yield* OpenAiReplyModel.make(settings, { isPrimed })
  return { ...server, replier: yield* engine.prepare(own) }
})

const textOf = (parts: ReadonlyArray<ReplyPart>) => parts.flatMap((part) => part._tag === "Text" ? [part.text] : []).join("")

const wordsOf = (turn: number) => `Turn ${turn}: do you also have rye bread on that day, and how much would it be for eleven people?`

/** A call of this many turns. Every seventh turn books a table first. Fails if one turn fails. */
const call = Effect.fnUntraced(function*(replier: Replier, turns: number) {
  const history: Array<Message> = [{ role: "agent", text: "Hello. How can I help you?" }]
  const exchanges: Array<ToolExchange> = []
  for (let turn = 0; turn < turns; turn++) {
    history.push({ role: "caller", text: wordsOf(turn) })
    if (turn % 7 === 3) {
      exchanges.push({
        at: history.length,
        said: "One moment.",
        calls: [{ id: `call_${turn}`, name: "book", arguments: `{"day":"day ${turn}"}`, answer: `Booked with the reference R-${turn}. ${"A window seat. ".repeat(12)}` }]
      })
    }
    const parts = yield* Stream.runCollect(replier.reply({ history: history.slice(), exchanges: exchanges.slice(), state: null }))
    const text = textOf(parts)
    assert.notStrictEqual(text, "")
    history.push({ role: "agent", text })
  }
})

const say = (_: FakeChatServer.ChatRequest, count: number) => `Yes, we have that, and it would be ${count} euros for all of you. Shall I note it down?`

/** The requests that the server did not refuse. */
const takenOf = (chats: ReadonlyArray<FakeChatServer.FakeChatServer["chats"][number]>) => chats.map(({ request }) => request).filter((request) => !isTooLong(request))

const assertPaired = ({ messages }: FakeChatServer.ChatRequest) => {
  let open: ReadonlyArray<string> = []
  for (const message of messages) {
    if (message.role === "tool") {
      assert.strictEqual(message.tool_call_id, open[0])
      open = open.slice(1)
    } else {
      assert.deepStrictEqual(open, [])
      open = (message.tool_calls ?? []).map(({ id }) => id)
    }
  }
  assert.deepStrictEqual(open, [])
}

/** How often a request did not begin like the one before. The last message may have become longer. */
const cutsOf = (requests: ReadonlyArray<FakeChatServer.ChatRequest>): number =>
  requests.slice(1).filter(({ messages }, at) => {
    const before = requests[at].messages.slice(0, -1).map((message) => JSON.stringify(message))
    return before.some((message, place) => message !== JSON.stringify(messages[place]))
  }).length

describe("a call that is longer than the context window goes on", () => {
  for (const { name, words } of refusals) {
    it.live(`after a refusal in the words of ${name}`, () =>
      Effect.gen(function*() {
        const { chats, replier } = yield* setUp({
          say,
          refuse: (request) => {
            if (!isTooLong(request)) return undefined
            const { body, status } = words(sizesOf(request))
            return FakeHttpServer.refusal(status, body)
          }
        })
        const turns = 45
        yield* call(replier, turns)
        const taken = takenOf(chats)
        assert.strictEqual(taken.length, turns)
        // The server refuses a few requests at first, and none later.
        assert.isAtLeast(chats.length - turns, 1)
        assert.isAtMost(chats.length - turns, 4)
        for (const [turn, request] of taken.entries()) {
          assertPaired(request)
          assert.include(request.messages.findLast(({ role }) => role === "user")?.content ?? "", wordsOf(turn))
        }
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("after a refusal within an answer of status 200", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({
        say: (request, count) => {
          if (!isTooLong(request)) return say(request, count)
          const { prompt } = sizesOf(request)
          return { documents: [{ error: { code: 400, message: `request (${prompt} tokens) exceeds the available context size (${window} tokens), try increasing it`, type: "exceed_context_size_error", n_prompt_tokens: prompt, n_ctx: window } }] }
        }
      })
      yield* call(replier, 45)
      assert.strictEqual(takenOf(chats).length, 45)
      assert.isAtMost(chats.length - 45, 4)
    }).pipe(Effect.provide(Replies.live)))

  it.live("after an answer without words at the end of the window", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({
        say: (request, count) => isTooLong(request)
          ? {
            documents: [
              { choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: "length" }] },
              { choices: [], usage: { prompt_tokens: window, completion_tokens: 0 } },
              "[DONE]"
            ]
          }
          : say(request, count)
      })
      yield* call(replier, 45)
      assert.strictEqual(takenOf(chats).length, 45)
      assert.isAtMost(chats.length - 45, 4)
    }).pipe(Effect.provide(Replies.live)))

  for (const model of ["some-model", "google/gemma-3-27b-it"]) {
    it.live(`for 200 turns with ${model}, without a refusal and with few cuts, if the server publishes its window`, () =>
      Effect.gen(function*() {
        const isGemma = model !== "some-model"
        const { chats, replier, until } = yield* setUp({
          model,
          tools: !isGemma,
          listed: { max_model_len: window },
          isPrimed: true,
          say,
          refuse: (request) => isTooLong(request) ? FakeHttpServer.refusal(400, { error: "no" }) : undefined
        })
        yield* until(() => chats.length === 1 && chats[0].exchange.isOver())
        yield* call(replier, 200)
        const requests = chats.slice(1).map(({ request }) => request)
        assert.strictEqual(requests.length, 200)
        const cuts = cutsOf(requests)
        assert.isAtLeast(cuts, 5)
        assert.isAtMost(cuts, 40)
        for (const request of requests) assertPaired(request)
        // Bookings before the cut are still known.
        const { messages } = requests[199]
        const first = messages.find(({ role }) => role === "user")?.content ?? ""
        assert.match(first, /are left out/)
        assert.match(messages.map(({ content }) => content).join("\n"), /R-178[^]*R-185[^]*R-192/)
      }).pipe(Effect.provide(Replies.live)))
  }

  it.live("at a server that cuts prompts silently, if the configuration names the window", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({ window, say, pages: { "/api/ps": { models: [{ name: "some-model" }] } } })
      yield* call(replier, 100)
      // The counts of the first requests show how many tokens the server sees.
      assert.strictEqual(chats.length, 100)
      const longest = Math.max(...chats.map(({ request }) => tokensOf(request)))
      assert.isAtMost(longest, window)
    }).pipe(Effect.provide(Replies.live)))
})

describe("a requested answer", () => {
  it.live("is shorter after the server has refused its length, and stays so", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({
        say,
        refuse: (request) => answerOf(request) <= 128 ? undefined : FakeHttpServer.refusal(400, {
          error: { message: `max_tokens is too large: ${answerOf(request)}. This model supports at most 128 completion tokens, whereas you provided ${answerOf(request)}.`, type: "invalid_request_error", param: "max_tokens", code: null }
        })
      })
      yield* call(replier, 3)
      assert.deepStrictEqual(chats.map(({ request }) => [request.max_tokens, request.max_completion_tokens]), [[200, undefined], ...[0, 1, 2].map(() => [128, undefined])])
    }).pipe(Effect.provide(Replies.live)))

  it.live("is shorter if instructions and the newest words nearly fill the window", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({
        definition: { ...bakery, instructions: "You answer for a bakery. ".repeat(158) },
        say,
        refuse: (request) => isTooLong(request)
          ? FakeHttpServer.refusal(400, { object: "error", message: `'max_tokens' or 'max_completion_tokens' is too large: ${answerOf(request)}. This model's maximum context length is ${window} tokens and your request has ${tokensOf(request)} input tokens (${answerOf(request)} > ${window} - ${tokensOf(request)}). None`, type: "BadRequestError", code: 400 })
          : undefined
      })
      yield* call(replier, 3)
      const taken = takenOf(chats)
      assert.strictEqual(taken.length, 3)
      for (const request of taken) assert.isBelow(answerOf(request), 200)
      assert.isTrue(chats.every(({ request }) => request.max_completion_tokens === undefined))
    }).pipe(Effect.provide(Replies.live)))

  it.live("that a server refused without figures does not shorten later calls", () =>
    Effect.gen(function*() {
      let isBroken = true
      const { chats, replier } = yield* setUp({
        say,
        refuse: () => isBroken ? FakeHttpServer.refusal(400, { error: { message: "Please reduce the length of the messages or completion.", code: "context_length_exceeded" } }) : undefined
      })
      const error = yield* Effect.flip(call(replier, 1))
      assert.strictEqual(error.reason, "refused")
      assert.isAtMost(chats.length, 4)
      isBroken = false
      yield* call(replier, 30)
      assert.strictEqual(chats[chats.length - 1].request.messages.filter(({ role }) => role === "user").length, 31)
    }).pipe(Effect.provide(Replies.live)))

  it.live("fails with advice for the operator if even the shortest request does not fit", () =>
    Effect.gen(function*() {
      const { chats, replier } = yield* setUp({
        definition: { ...bakery, instructions: "You answer for a bakery. ".repeat(400) },
        refuse: (request) => isTooLong(request)
          ? FakeHttpServer.refusal(400, { error: { message: `request (${tokensOf(request)} tokens) exceeds the available context size (${window} tokens), try increasing it`, type: "exceed_context_size_error", n_prompt_tokens: tokensOf(request), n_ctx: window } })
          : undefined
      })
      const error = yield* Effect.flip(call(replier, 1))
      assert.strictEqual(error.reason, "refused")
      assert.match(error.message, /refuses even the shortest request: .* tokens, and its window is 2048 with the answer\. Give the server more context \(--max-model-len/)
      assert.isAtMost(chats.length, 4)
    }).pipe(Effect.provide(Replies.live)))
})
