/**
 * The answer of `/chat/completions`, streamed or whole, and how its chunks add up to text and tool calls.
 *
 * The answers of vLLM, SGLang, llama.cpp, Ollama and OpenAI differ. Choices may be empty, and content may be missing, null or empty. Tool
 * calls come in pieces, and only an index or an id shows which pieces belong together. So every field is optional here.
 */
import { Option, Predicate, Schema } from "effect"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const ToolCallPiece = Schema.Struct({
  index: optional(Schema.Number),
  id: optional(Schema.String),
  function: optional(Schema.Struct({
    name: optional(Schema.String),
    /** JSON text in pieces; some servers send one object instead. */
    arguments: optional(Schema.Unknown)
  }))
})

const Delta = Schema.Struct({
  /** Text, or a list of parts. */
  content: optional(Schema.Unknown),
  /** OpenAI: the model's explanation in place of an answer. */
  refusal: optional(Schema.String),
  /**
   * Thoughts that the server has parsed. vLLM, SGLang and llama.cpp send `reasoning_content`. Ollama, OpenRouter and newer vLLM send
   * `reasoning` or `thinking`.
   */
  reasoning_content: optional(Schema.Unknown),
  reasoning: optional(Schema.Unknown),
  thinking: optional(Schema.Unknown),
  tool_calls: optional(Schema.Array(ToolCallPiece)),
  /** OpenAI's older form of a tool call. */
  function_call: optional(Schema.Struct({ name: optional(Schema.String), arguments: optional(Schema.Unknown) }))
})

/** A chunk of a streamed answer, or the whole answer of a server that does not stream. */
export const Chunk = Schema.Struct({
  choices: optional(Schema.Array(Schema.Struct({
    index: optional(Schema.Number),
    delta: optional(Delta),
    message: optional(Delta),
    /** Some proxies answer in the form of `/completions`, which has this field. */
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

interface ServerToolCall {
  /** Empty if the server gives no id. */
  readonly id: string
  readonly name: string
  /** JSON text as the model wrote it; may be empty or broken. */
  readonly arguments: string
}

/** Tokens as the server counts them; 0 if the server reports no number. */
interface Usage {
  readonly prompt: number
  /** The part of `prompt` that the server took from its cache. */
  readonly cached: number
  readonly completion: number
}

/** The content of an answer's chunks so far, except the text. */
export interface Answered {
  /** Calls by the server's index, or by their order if the server gives no index. */
  readonly calls: ReadonlyMap<number, ServerToolCall>
  /** `stop`, `length`, `tool_calls`, `content_filter`, or a server's own word. */
  readonly finishReason: Option.Option<string>
  readonly usage: Option.Option<Usage>
  readonly hasText: boolean
  /** Thoughts came in a field or part of their own, not in the text. */
  readonly hasThoughts: boolean
}

export const empty: Answered = { calls: new Map(), finishReason: Option.none(), usage: Option.none(), hasText: false, hasThoughts: false }

/** The most tool calls that are taken from one answer. */
export const maxCalls = 16

/**
 * The most characters of a call's arguments: 16 KiB in ASCII. A tool on the telephone takes names, dates and a note, a few hundred
 * characters at most. Longer arguments are cut. Then they are not valid JSON, and the call fails. So the calls of one answer have at most
 * 256 Ki characters.
 */
const maxArgumentCharacters = 16_384

const argumentText = (value: unknown): string =>
  Predicate.isString(value) ? value : value === null || value === undefined ? "" : JSON.stringify(value)

/** Without an index, a piece with a new id begins a call, and a piece without an id continues the last call. */
const indexOf = (calls: ReadonlyMap<number, ServerToolCall>, piece: typeof ToolCallPiece.Type): number => {
  if (Predicate.isNumber(piece.index)) return piece.index
  const last = calls.size - 1
  for (const [index, { id }] of calls) if (id !== "" && id === piece.id) return index
  return last >= 0 && (piece.id === undefined || piece.id === null || piece.id === "") ? last : calls.size
}

/** Types of content parts that are spoken. A part without a type is spoken if it has text. */
const spokenPartTypes = new Set(["text", "output_text", "refusal"])

/** The text of a message's content, which is a string or a list of parts. Thoughts, pictures and sound have no text. */
const spokenText = (content: unknown): string => {
  if (Predicate.isString(content)) return content
  if (Array.isArray(content)) return content.map(spokenText).join("")
  if (!Predicate.isObject(content)) return ""
  const { refusal, text, type } = content as { readonly [key: string]: unknown }
  if (Predicate.isString(type) && !spokenPartTypes.has(type)) return ""
  if (Predicate.isString(text)) return text
  // OpenAI's Assistants API nests the text: `{ text: { value } }`.
  if (Predicate.hasProperty(text, "value") && Predicate.isString(text.value)) return text.value
  return Predicate.isString(refusal) ? refusal : ""
}

/** Whether a list of parts holds a thought, as Mistral and Claude send it. */
const hasThoughtPart = (content: unknown): boolean =>
  Array.isArray(content) && content.some((part) => Predicate.hasProperty(part, "type") && Predicate.isString(part.type) && /think|reason/.test(part.type))

const isFilled = (value: unknown): boolean => Predicate.isString(value) ? value.trim() !== "" : Array.isArray(value) && value.length > 0

const hasThought = (delta: typeof Delta.Type | null | undefined): boolean =>
  isFilled(delta?.reasoning_content) || isFilled(delta?.reasoning) || isFilled(delta?.thinking) || hasThoughtPart(delta?.content)

/** The index of a call in the older form (`function_call`). An answer has at most one. */
const functionCallIndex = -1

const extendedArguments = (call: ServerToolCall | undefined, more: unknown): string =>
  ((call?.arguments ?? "") + argumentText(more)).slice(0, maxArgumentCharacters)

const withFunctionCall = (
  calls: ReadonlyMap<number, ServerToolCall>,
  piece: { readonly name?: string | null | undefined; readonly arguments?: unknown }
): ReadonlyMap<number, ServerToolCall> => {
  const known = calls.get(functionCallIndex)
  const name = known !== undefined && known.name !== "" ? known.name : piece.name ?? ""
  return new Map(calls).set(functionCallIndex, { id: "call_function", name, arguments: extendedArguments(known, piece.arguments) })
}

const withToolCalls = (
  before: ReadonlyMap<number, ServerToolCall>,
  pieces: ReadonlyArray<typeof ToolCallPiece.Type>
): ReadonlyMap<number, ServerToolCall> => {
  let calls = before
  for (const piece of pieces) {
    const index = indexOf(calls, piece)
    const known = calls.get(index)
    if (known === undefined && calls.size >= maxCalls) continue
    calls = new Map(calls).set(index, {
      id: known !== undefined && known.id !== "" ? known.id : piece.id ?? "",
      // Some servers repeat the name with every piece.
      name: known !== undefined && known.name !== "" ? known.name : piece.function?.name ?? "",
      arguments: extendedArguments(known, piece.function?.arguments)
    })
  }
  return calls
}

/** Whether a streamed chunk has a piece of a thought that is separate from the text. */
export const isThought = ({ choices }: Chunk): boolean => choices?.some(({ delta }) => hasThought(delta)) === true

/** Adds a chunk. The second value is the chunk's text. */
export const add = (answered: Answered, chunk: Chunk): readonly [Answered, string] => {
  const choice = chunk.choices?.find(({ index }) => index === 0) ?? chunk.choices?.at(0)
  const delta = choice?.delta ?? choice?.message
  // Some servers end a stream with the whole message, which repeats the pieces.
  const isWholeMessage = delta !== undefined && delta === choice?.message
  const text = isWholeMessage && answered.hasText ? "" : spokenText(delta?.content) + spokenText(delta?.refusal) + spokenText(choice?.text)
  const { usage } = chunk
  let { calls } = answered
  if (delta?.function_call !== undefined && delta.function_call !== null) calls = withFunctionCall(calls, delta.function_call)
  if (!(isWholeMessage && calls.size > 0)) calls = withToolCalls(calls, delta?.tool_calls ?? [])
  return [{
    calls,
    finishReason: Option.orElse(Option.filter(Option.fromNullishOr(choice?.finish_reason), (reason) => reason !== ""), () => answered.finishReason),
    usage: usage === undefined || usage === null ? answered.usage : Option.some({
      prompt: usage.prompt_tokens ?? 0,
      cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
      completion: usage.completion_tokens ?? 0
    }),
    hasText: answered.hasText || text !== "",
    hasThoughts: answered.hasThoughts || hasThought(delta) || (usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 0
  }, text]
}

/** The tool calls in the order in which they began, each with an id. */
export const callsOf = ({ calls }: Answered): ReadonlyArray<ServerToolCall> =>
  [...calls].map(([index, call]) => call.id === "" ? { ...call, id: `call_${index}` } : call)
