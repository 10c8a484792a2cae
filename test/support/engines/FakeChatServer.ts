/**
 * A server of `/v1/chat/completions` and `/v1/models` that behaves on the wire like vLLM, llama.cpp, Ollama or OpenAI: their chunks, their
 * errors, and Gemma's chat template, in which user and assistant must alternate. The test decides what the model says.
 */
import { Effect } from "effect"
import * as FakeHttpServer from "./FakeHttpServer.ts"

export type Dialect = "vllm" | "llamacpp" | "ollama" | "openai"

export interface Message {
  readonly role: string
  readonly content: string | null
  readonly tool_calls?: ReadonlyArray<{ readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }>
  readonly tool_call_id?: string
}

export interface ChatRequest {
  readonly model?: string
  readonly messages: ReadonlyArray<Message>
  readonly stream?: boolean
  readonly max_tokens?: number
  readonly tools?: ReadonlyArray<{ readonly function: { readonly name: string } }>
  readonly [other: string]: unknown
}

/** What the model answers. */
export interface Said {
  readonly text?: string
  readonly calls?: ReadonlyArray<{ readonly name: string; readonly arguments: object | string }>
  /** Thoughts, which the server sends in a field of their own. */
  readonly reasoning?: string
  /** Replaces the fields above: the raw data of each event. `[DONE]` is sent only if it is one of them. */
  readonly documents?: ReadonlyArray<object | string>
  /** The answer never ends. */
  readonly stays?: boolean
  /** Replaces the fields above: an answer that is not streamed. */
  readonly whole?: object
}

/** ms: to the first token, from one to the next, and from `[DONE]` to the end of the answer. */
export interface Latency {
  readonly firstToken?: number
  readonly token?: number
  readonly end?: number
}

export interface Options {
  readonly dialect?: Dialect
  /** The only model of the server. */
  readonly model?: string
  /** Further fields of the model in `/v1/models`. */
  readonly listed?: object
  /** Other pages, by their paths. */
  readonly pages?: Readonly<Record<string, object>>
  readonly latency?: Latency
  /** Whether the server accepts tools. Default false, as with Gemma 3. */
  readonly tools?: boolean
  /** Whether the template accepts a system message. Default true. */
  readonly system?: boolean
  /** Fields that are refused as unknown, as OpenAI does it. */
  readonly unknown?: ReadonlyArray<string>
  readonly key?: string
  /** Tokens of a prompt, for `usage`. Default: those of its texts (`tokensOf`). */
  readonly count?: (request: ChatRequest) => number
  /** Bytes of each piece on the wire. Default: one event a piece. */
  readonly fragment?: number
  /** Another reason to refuse a request. */
  readonly refuse?: (request: ChatRequest) => FakeHttpServer.Reply | undefined
  /** The answer to a request; default: `Hello there.` */
  readonly say?: (request: ChatRequest, count: number) => Said | string
}

export interface FakeChatServer extends FakeHttpServer.FakeHttpServer {
  /** The address with `/v1`. */
  readonly base: string
  readonly faults: FakeHttpServer.Faults
  /** All chat requests, refused ones included. */
  readonly chats: ReadonlyArray<{ readonly request: ChatRequest; readonly exchange: FakeHttpServer.Exchange }>
}

const firstHead = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" }

const error = (dialect: Dialect, status: number, message: string): FakeHttpServer.Reply => {
  switch (dialect) {
    case "vllm":
      return FakeHttpServer.refusal(status, { object: "error", message, type: "BadRequestError", param: null, code: status })
    case "llamacpp":
      return FakeHttpServer.refusal(status, { error: { code: status, message, type: status >= 500 ? "server_error" : "invalid_request_error" } })
    case "ollama":
      return FakeHttpServer.refusal(status, { error: { message, type: "api_error", param: null, code: null } })
    case "openai":
      return FakeHttpServer.refusal(status, { error: { message, type: "invalid_request_error", param: null, code: null } })
  }
}

const noTools: Record<Dialect, readonly [number, string]> = {
  vllm: [400, "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"],
  llamacpp: [500, "tools param requires --jinja flag"],
  ollama: [400, "registry.ollama.ai/library/gemma3:27b does not support tools"],
  openai: [400, "Unsupported parameter: 'tools' is not supported with this model."]
}

/** Gemma 3's template: raises an error unless user and assistant alternate, with the user first. */
const isAlternating = (messages: ReadonlyArray<Message>): boolean => {
  const turns = messages[0]?.role === "system" ? messages.slice(1) : messages
  return turns.length > 0 && turns.every(({ role }, at) => {
    // A tool's answers are rendered as one user turn.
    const side = role === "tool" ? "user" : role
    if (role === "tool" && turns[at - 1]?.role === "tool") return true
    const before = turns.slice(0, at).filter((turn, index) => !(turn.role === "tool" && turns[index - 1]?.role === "tool")).length
    return side === (before % 2 === 0 ? "user" : "assistant")
  })
}

const refuse = (options: Options, request: ChatRequest): FakeHttpServer.Reply | undefined => {
  const dialect = options.dialect ?? "vllm"
  if (options.model !== undefined && request.model !== options.model) {
    return error(dialect, 404, `The model \`${String(request.model)}\` does not exist.`)
  }
  const unknown = (options.unknown ?? []).find((field) => field in request)
  if (unknown !== undefined) {
    return error(dialect, 400, unknown === "max_tokens"
      ? "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
      : `Unsupported parameter: '${unknown}' is not supported with this model.`)
  }
  if (request.tools !== undefined && options.tools !== true) return error(dialect, ...noTools[dialect])
  if (options.system === false && request.messages.some(({ role }) => role === "system")) {
    return error(dialect, 400, "System role not supported")
  }
  if (!isAlternating(request.messages)) {
    return error(dialect, 400, "Conversation roles must alternate user/assistant/user/assistant/...")
  }
  return undefined
}

/** A rough number of tokens, good enough for a test. */
export const tokensOf = (text: string): ReadonlyArray<string> => text.match(/\s*\S{1,6}|\s+/g) ?? []

interface Delta {
  readonly delta: object
  readonly finish?: string
}

const deltasOf = (dialect: Dialect, said: Said, maxTokens: number): ReadonlyArray<Delta> => {
  const all = tokensOf(said.text ?? "")
  const tokens = all.slice(0, maxTokens)
  const calls = said.calls ?? []
  const json = calls.map(({ arguments: value }) => typeof value === "string" ? value : JSON.stringify(value))
  const finish = tokens.length < all.length ? "length" : calls.length > 0 ? "tool_calls" : "stop"
  const thoughts = said.reasoning === undefined ? [] : tokensOf(said.reasoning).map((text) => ({ delta: { content: null, reasoning_content: text } }))
  const toolDeltas: ReadonlyArray<Delta> = dialect === "ollama"
    // Each call comes whole.
    ? calls.map(({ name }, index) => ({
      delta: { role: "assistant", content: "", tool_calls: [{ id: `call_${index}`, index, type: "function", function: { name, arguments: json[index] } }] }
    }))
    : calls.flatMap(({ name }, index) => [
      { delta: { tool_calls: [{ index, id: `chatcmpl-tool-${index}`, type: "function", function: { name, arguments: "" } }] } },
      ...(json[index].match(/[\s\S]{1,5}/g) ?? []).map((piece) => ({ delta: { tool_calls: [{ index, function: { arguments: piece } }] } }))
    ])
  const text = tokens.map((token): Delta => ({ delta: dialect === "ollama" ? { role: "assistant", content: token } : { content: token } }))
  const first: ReadonlyArray<Delta> = dialect === "ollama" ? [] : [
    { delta: dialect === "llamacpp" ? { role: "assistant", content: null } : { role: "assistant", content: "" } }
  ]
  const last: Delta = { delta: dialect === "ollama" ? { role: "assistant", content: "" } : {}, finish }
  return [...first, ...thoughts, ...text, ...toolDeltas, last]
}

const usageOf = ({ count }: Options, request: ChatRequest, said: Said) => {
  const prompt = count?.(request) ?? request.messages.reduce((sum, { content }) => sum + tokensOf(content ?? "").length, 0)
  const completion = tokensOf(said.text ?? "").length
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}

const eventsOf = (options: Options, request: ChatRequest, said: Said): ReadonlyArray<string> => {
  const dialect = options.dialect ?? "vllm"
  const model = request.model ?? "m"
  const common = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model }
  const wantsUsage = (request.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true
  const chunks = deltasOf(dialect, said, Number(request.max_tokens ?? request.max_completion_tokens ?? 1e9)).map(({ delta, finish }) =>
    FakeHttpServer.event({
      ...common,
      choices: [{
        index: 0,
        delta: dialect === "openai" ? { refusal: null, ...delta } : delta,
        logprobs: null,
        finish_reason: finish ?? null,
        ...dialect === "vllm" && finish === "stop" ? { stop_reason: 106 } : {}
      }],
      ...dialect === "openai" ? { service_tier: "default", usage: null, obfuscation: "Xy" } : {}
    })
  )
  return [
    ...dialect === "llamacpp" ? [": ping\n\n"] : [],
    ...chunks,
    ...wantsUsage
      ? [FakeHttpServer.event({ ...common, choices: [], usage: usageOf(options, request, said), ...dialect === "llamacpp" ? { timings: { prompt_n: 1 } } : {} })]
      : [],
    FakeHttpServer.event("[DONE]")
  ]
}

const fragmented = (pieces: ReadonlyArray<string>, size: number | undefined): ReadonlyArray<string | Uint8Array> => {
  if (size === undefined) return pieces
  const bytes = Buffer.from(pieces.join(""))
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

const answer = (options: Options, request: ChatRequest, count: number): FakeHttpServer.Reply => {
  const refused = options.refuse?.(request) ?? refuse(options, request)
  if (refused !== undefined) return refused
  const output = options.say?.(request, count) ?? "Hello there."
  const said = typeof output === "string" ? { text: output } : output
  if (said.whole !== undefined) return FakeHttpServer.json(said.whole)
  if (said.documents !== undefined) {
    return { headers: firstHead, pieces: fragmented(said.documents.map(FakeHttpServer.event), options.fragment), ...said.stays === true ? { stays: true } : {} }
  }
  if (request.stream !== true) {
    return FakeHttpServer.refusal(200, {
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content: said.text ?? null }, finish_reason: "stop" }],
      usage: usageOf(options, request, said)
    })
  }
  return { headers: firstHead, pieces: fragmented(eventsOf(options, request, said), options.fragment) }
}

export const make = Effect.fnUntraced(function*(options: Options = {}) {
  const faults = FakeHttpServer.faults()
  const chats: Array<{ readonly request: ChatRequest; readonly exchange: FakeHttpServer.Exchange }> = []
  let answered = 0
  const server = yield* FakeHttpServer.make((exchange) => {
    if (options.key !== undefined && exchange.headers.authorization !== `Bearer ${options.key}`) {
      return FakeHttpServer.send(exchange, error(options.dialect ?? "vllm", 401, "Unauthorized"))
    }
    if (exchange.path === "/v1/models") {
      return FakeHttpServer.send(exchange, FakeHttpServer.refusal(200, { object: "list", data: [{ id: options.model ?? "google/gemma-3-27b-it", object: "model", ...options.listed }] }))
    }
    const page = options.pages?.[exchange.path]
    if (page !== undefined) return FakeHttpServer.send(exchange, FakeHttpServer.json(page))
    if (exchange.path !== "/v1/chat/completions" || exchange.method !== "POST") {
      return FakeHttpServer.send(exchange, FakeHttpServer.refusal(404, { detail: "Not Found" }))
    }
    const request = JSON.parse(exchange.body.toString()) as ChatRequest
    chats.push({ request, exchange })
    const reply = answer(options, request, answered)
    if (reply.status === undefined) answered++
    return FakeHttpServer.send(
      exchange,
      reply,
      reply.status === undefined
        ? { first: options.latency?.firstToken ?? 0, each: options.latency?.token ?? 0, end: options.latency?.end ?? 0 }
        : {},
      faults.take()
    )
  })
  return { ...server, base: `${server.url}/v1`, faults, chats } satisfies FakeChatServer
})
