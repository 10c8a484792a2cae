/**
 * What `/chat/completions` answers, as vLLM, SGLang, llama.cpp, Ollama and OpenAI write it: chunks whose choices may be
 * empty, whose content may be missing, null or empty, and whose tool calls come in pieces by index.
 */
import { Option, Predicate, Schema } from "effect"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const ToolCallPiece = Schema.Struct({
  index: optional(Schema.Number),
  id: optional(Schema.String),
  function: optional(Schema.Struct({
    name: optional(Schema.String),
    /** JSON in pieces; some servers send it whole and as what it says. */
    arguments: optional(Schema.Unknown)
  }))
})

const Delta = Schema.Struct({
  /** Text, or a list of parts. */
  content: optional(Schema.Unknown),
  /** Why the model does not answer: OpenAI's place for what it says instead. */
  refusal: optional(Schema.String),
  /** Thoughts that the server tells apart: vLLM, SGLang and llama.cpp; Ollama, OpenRouter and newer vLLM. */
  reasoning_content: optional(Schema.Unknown),
  reasoning: optional(Schema.Unknown),
  thinking: optional(Schema.Unknown),
  tool_calls: optional(Schema.Array(ToolCallPiece)),
  /** Before there were tool calls. */
  function_call: optional(Schema.Struct({ name: optional(Schema.String), arguments: optional(Schema.Unknown) }))
})

/** A chunk, or the whole answer of a server that does not stream. */
export const Chunk = Schema.Struct({
  choices: optional(Schema.Array(Schema.Struct({
    index: optional(Schema.Number),
    delta: optional(Delta),
    message: optional(Delta),
    /** Of `/completions`, which some proxies answer. */
    text: optional(Schema.String),
    finish_reason: optional(Schema.String)
  }))),
  usage: optional(Schema.Struct({
    prompt_tokens: optional(Schema.Number),
    completion_tokens: optional(Schema.Number),
    prompt_tokens_details: optional(Schema.Struct({ cached_tokens: optional(Schema.Number) })),
    completion_tokens_details: optional(Schema.Struct({ reasoning_tokens: optional(Schema.Number) }))
  }))
})
export type Chunk = typeof Chunk.Type

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON, if the model wrote any. */
  readonly arguments: string
}

/** Tokens, as far as the server tells. */
export interface Usage {
  readonly prompt: number
  /** Of those, not computed again. */
  readonly cached: number
  readonly completion: number
}

/** An answer as it adds up. */
export interface Answered {
  /** The index that the server gave, or one of ours, in the order of appearance. */
  readonly calls: ReadonlyMap<number, ToolCall>
  /** `stop`, `length`, `tool_calls`, `content_filter`, or a server's own word. */
  readonly finish: Option.Option<string>
  readonly usage: Option.Option<Usage>
  /** There was text already. */
  readonly hasText: boolean
  /** The server told thoughts apart. */
  readonly hasThoughts: boolean
}

export const empty: Answered = { calls: new Map(), finish: Option.none(), usage: Option.none(), hasText: false, hasThoughts: false }

/** Tool calls of one answer; more are not a plan. */
export const maxCalls = 16

/**
 * Characters of a call's arguments: 16 KiB in ASCII. A tool on the telephone takes names, dates and a note; the longest are some hundred
 * characters. Longer arguments are cut, which makes them no JSON. Sixteen calls of one answer hold 256 Ki characters at most.
 */
const maxArguments = 16_384

const textOf = (value: unknown): string =>
  Predicate.isString(value) ? value : value === null || value === undefined ? "" : JSON.stringify(value)

/** Servers that give no index: a piece with a new id begins a call, one without goes on with the last. */
const indexOf = (calls: ReadonlyMap<number, ToolCall>, piece: typeof ToolCallPiece.Type): number => {
  if (Predicate.isNumber(piece.index)) return piece.index
  const last = calls.size - 1
  for (const [index, { id }] of calls) if (id !== "" && id === piece.id) return index
  return last >= 0 && (piece.id === undefined || piece.id === null || piece.id === "") ? last : calls.size
}

/** Types of parts that are spoken; a part without a type is one if it has text. */
const spokenParts = new Set(["text", "output_text", "refusal"])

/** The text of a message: as such, or in parts, of which thoughts, pictures and sound are none. */
const spokenOf = (content: unknown): string => {
  if (Predicate.isString(content)) return content
  if (Array.isArray(content)) return content.map(spokenOf).join("")
  if (!Predicate.isObject(content)) return ""
  const { refusal, text, type } = content as { readonly [key: string]: unknown }
  if (Predicate.isString(type) && !spokenParts.has(type)) return ""
  if (Predicate.isString(text)) return text
  // The text of an assistant's message, and of a refusal.
  if (Predicate.hasProperty(text, "value") && Predicate.isString(text.value)) return text.value
  return Predicate.isString(refusal) ? refusal : ""
}

/** Whether parts hold a thought: Mistral's and Claude's own. */
const hasThought = (content: unknown): boolean =>
  Array.isArray(content) && content.some((part) => Predicate.hasProperty(part, "type") && Predicate.isString(part.type) && /think|reason/.test(part.type))

const isFilled = (value: unknown): boolean => Predicate.isString(value) ? value.trim() !== "" : Array.isArray(value) && value.length > 0

/** The call of old, in its pieces: there is only one. */
const oldCall = -1

const longer = (call: ToolCall | undefined, more: unknown): string => ((call?.arguments ?? "") + textOf(more)).slice(0, maxArguments)

const withOldCall = (
  calls: ReadonlyMap<number, ToolCall>,
  piece: { readonly name?: string | null | undefined; readonly arguments?: unknown }
): ReadonlyMap<number, ToolCall> => {
  const known = calls.get(oldCall)
  const name = known !== undefined && known.name !== "" ? known.name : piece.name ?? ""
  return new Map(calls).set(oldCall, { id: "call_function", name, arguments: longer(known, piece.arguments) })
}

/** Whether a piece of a thought is in it, which the server tells apart. */
export const isThought = ({ choices }: Chunk): boolean =>
  choices?.some(({ delta }) => delta !== undefined && delta !== null && (
    isFilled(delta.reasoning_content) || isFilled(delta.reasoning) || isFilled(delta.thinking) || hasThought(delta.content)
  )) === true

/** Takes a chunk in; what it has to say comes back as text. */
export const add = (answered: Answered, chunk: Chunk): readonly [Answered, string] => {
  const choice = chunk.choices?.find(({ index }) => index === 0) ?? chunk.choices?.at(0)
  const delta = choice?.delta ?? choice?.message
  // The whole message at the end of a stream says again what was said in pieces.
  const isWhole = delta !== undefined && delta === choice?.message
  const text = isWhole && answered.hasText ? "" : spokenOf(delta?.content) + spokenOf(delta?.refusal) + spokenOf(choice?.text)
  const { usage } = chunk
  let { calls } = answered
  if (delta?.function_call !== undefined && delta.function_call !== null) calls = withOldCall(calls, delta.function_call)
  for (const piece of isWhole && calls.size > 0 ? [] : delta?.tool_calls ?? []) {
    const index = indexOf(calls, piece)
    const known = calls.get(index)
    if (known === undefined && calls.size >= maxCalls) continue
    calls = new Map(calls).set(index, {
      id: known !== undefined && known.id !== "" ? known.id : piece.id ?? "",
      // Some servers repeat the name with every piece.
      name: known !== undefined && known.name !== "" ? known.name : piece.function?.name ?? "",
      arguments: longer(known, piece.function?.arguments)
    })
  }
  return [{
    calls,
    finish: Option.orElse(Option.filter(Option.fromNullishOr(choice?.finish_reason), (reason) => reason !== ""), () => answered.finish),
    usage: usage === undefined || usage === null ? answered.usage : Option.some({
      prompt: usage.prompt_tokens ?? 0,
      cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
      completion: usage.completion_tokens ?? 0
    }),
    hasText: answered.hasText || text !== "",
    hasThoughts: answered.hasThoughts || isFilled(delta?.reasoning_content) || isFilled(delta?.reasoning) || isFilled(delta?.thinking)
      || hasThought(delta?.content) || (usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 0
  }, text]
}

/** The tool calls in the order in which they were begun, each with an id. */
export const callsOf = ({ calls }: Answered): ReadonlyArray<ToolCall> =>
  [...calls].map(([index, call]) => call.id === "" ? { ...call, id: `call_${index}` } : call)
