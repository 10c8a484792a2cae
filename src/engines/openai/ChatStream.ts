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

const Delta = Schema.Struct({ content: optional(Schema.String), tool_calls: optional(Schema.Array(ToolCallPiece)) })

/** A chunk, or the whole answer of a server that does not stream. */
export const Chunk = Schema.Struct({
  choices: optional(Schema.Array(Schema.Struct({
    delta: optional(Delta),
    message: optional(Delta),
    finish_reason: optional(Schema.String)
  }))),
  usage: optional(Schema.Struct({
    prompt_tokens: optional(Schema.Number),
    completion_tokens: optional(Schema.Number),
    prompt_tokens_details: optional(Schema.Struct({ cached_tokens: optional(Schema.Number) }))
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
}

export const empty: Answered = { calls: new Map(), finish: Option.none(), usage: Option.none() }

const textOf = (value: unknown): string =>
  Predicate.isString(value) ? value : value === null || value === undefined ? "" : JSON.stringify(value)

/** Servers that give no index: a piece with a new id begins a call, one without goes on with the last. */
const indexOf = (calls: ReadonlyMap<number, ToolCall>, piece: typeof ToolCallPiece.Type): number => {
  if (Predicate.isNumber(piece.index)) return piece.index
  const last = calls.size - 1
  for (const [index, { id }] of calls) if (id !== "" && id === piece.id) return index
  return last >= 0 && (piece.id === undefined || piece.id === null || piece.id === "") ? last : calls.size
}

/** Takes a chunk in; what it has to say comes back as text. */
export const add = (answered: Answered, chunk: Chunk): readonly [Answered, string] => {
  const choice = chunk.choices?.at(0)
  const delta = choice?.delta ?? choice?.message
  const { usage } = chunk
  let { calls } = answered
  for (const piece of delta?.tool_calls ?? []) {
    const index = indexOf(calls, piece)
    const known = calls.get(index)
    calls = new Map(calls).set(index, {
      id: known !== undefined && known.id !== "" ? known.id : piece.id ?? "",
      // Some servers repeat the name with every piece.
      name: known !== undefined && known.name !== "" ? known.name : piece.function?.name ?? "",
      arguments: (known?.arguments ?? "") + textOf(piece.function?.arguments)
    })
  }
  return [{
    calls,
    finish: Option.orElse(Option.fromNullishOr(choice?.finish_reason), () => answered.finish),
    usage: usage === undefined || usage === null ? answered.usage : Option.some({
      prompt: usage.prompt_tokens ?? 0,
      cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
      completion: usage.completion_tokens ?? 0
    })
  }, delta?.content ?? ""]
}

/** The tool calls in the order in which they were begun, each with an id. */
export const callsOf = ({ calls }: Answered): ReadonlyArray<ToolCall> =>
  [...calls].map(([index, call]) => call.id === "" ? { ...call, id: `call_${index}` } : call)
