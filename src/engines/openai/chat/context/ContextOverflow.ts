/**
 * Recognizes a server's refusal of a request that is too long, and reads the figures in the server's message. Either prompt and answer
 * together exceed the context window, or the answer alone exceeds a limit of the server. Pure.
 *
 * The patterns fit the messages of vLLM (old and new), llama.cpp, Ollama, SGLang, TGI, LM Studio, llama-cpp-python, LiteLLM,
 * OpenAI, OpenRouter, Groq, Mistral, DeepSeek, Moonshot, DashScope, xAI, Anthropic and Gemini, as public reports quote them.
 */
import { Predicate } from "effect"

/** The figures of a refusal, in tokens as the server counts them. A figure that the message does not have is unset. */
export interface Overflow {
  /** The context window, or a lower limit: some servers name the limit of the prompt alone. */
  readonly window?: number
  /** Tokens of the prompt that was sent; some servers stop counting early. */
  readonly prompt?: number
  /** Tokens of the prompt that was sent and of the answer that was asked for. */
  readonly total?: number
  /** The highest number of answer tokens that may be asked for. */
  readonly answer?: number
}

/** Figures and codes of the error that stand beside its message. Fields that may quote the request are left out. */
const fieldsOf = (body: unknown): string => {
  if (!Predicate.isObject(body)) return ""
  const error = Predicate.hasProperty(body, "error") ? body.error : undefined
  const fields = ["code", "type", "n_ctx", "n_prompt_tokens"].flatMap((key) => {
    const value = (body as { readonly [key: string]: unknown })[key]
    return Predicate.isString(value) || Predicate.isNumber(value) ? [`${key}=${value}`] : []
  })
  // OpenRouter quotes the message of the server behind it.
  const raw = Predicate.hasProperty(body, "metadata") && Predicate.hasProperty(body.metadata, "raw") && Predicate.isString(body.metadata.raw) ? body.metadata.raw : ""
  return [...fields, raw, fieldsOf(error)].join(" ")
}

/** Text between a name and its figure. */
const gap = String.raw`(?:is|of|only|the|tokens?|[\s:=(])*`

/** A message that matches one of these says that the request is too long. */
const tooLongPatterns: ReadonlyArray<RegExp> = [
  /context[ _-]?(?:length|window|size|limit)[^.]{0,60}(?:exceed|not enough|too (?:small|short)|overflow)/,
  /(?:exceed(?:s|ed|ing)?|overflow\w*|(?:long|larg|great)er than|too (?:long|large) for)[^.]{0,60}(?:context|model length)/,
  /exceed_context_size/,
  /maximum (?:context|model|prompt|input|sequence) length/,
  /(?:configured|model'?s?) context (?:size|length|window) (?:is|of)/,
  /maximum allowed (?:input )?length/,
  /(?:prompt|input) is too long|prompt too long/,
  /input length too long|range of input length/,
  /reduce (?:the |your )?(?:length|number of tokens|message size)/,
  /exceed(?:s|ed)? (?:the )?(?:model )?(?:token limit|maximum number of tokens|configured limit|limit of \d)/,
  /inputs tokens \+ max_new_tokens must be/,
  /inputs must have less than \d+ tokens/,
  /request too large\b.*\blimit:? \d+/,
  /max_(?:completion_|new_|output_)?tokens\b.{0,60}(?:is too large|is limited|must be (?:<=|less than)|exceeds?)/,
  /range of max_(?:completion_|new_|output_)?tokens/,
  /max_(?:completion_|new_|output_)?tokens: \d+ > \d+/,
  /at most \d+ (?:completion|output) tokens/
]

/** Patterns for the highest number of answer tokens. The first match counts. A message with this number says nothing about the window. */
const answerPatterns: ReadonlyArray<RegExp> = [
  /at most (\d+) (?:completion|output) tokens/,
  /range of max_\w*tokens (?:is|should be) \[\d+, ?(\d+)\]/,
  /(?<!\+ )max_\w*tokens must be (?:<=|less than or equal to) (\d+)/,
  /max_\w*tokens: \d+ > (\d+)/,
  /max_\w*tokens is limited to (\d+)/
]

const windowPatterns: ReadonlyArray<RegExp> = [
  /n_ctx"?[:=] ?(\d+)/,
  /\d+ \+ \d+ > (\d+)/,
  new RegExp(String.raw`(?:context[ _-]?(?:length|window|size|limit)|maximum (?:allowed )?(?:(?:model|prompt|input|sequence) )?length)${gap}(\d+)`),
  /(\d+) maximum context length/,
  /tokens > (\d+) maximum/,
  /inputs tokens \+ max_new_tokens must be <= (\d+)/,
  /must have less than (\d+) tokens/,
  /range of input length should be \[\d+, ?(\d+)\]/,
  /maximum number of tokens allowed \((\d+)\)/,
  /token limit:? (\d+)/,
  /limit(?: is| of|:)? (\d+)/
]

const promptPatterns: ReadonlyArray<RegExp> = [
  /n_prompt_tokens"?[:=] ?(\d+)/,
  /(\d+) \+ \d+ > \d+/,
  /(\d+) (?:tokens )?(?:in the messages|in your prompt|from the input messages|of text input|input tokens|inputs tokens)/,
  /(?:messages resulted in|prompt (?:contains|has)|request contains|keep the first) (\d+) tokens/,
  /(?:input|prompt|request) ?\((?:total )?(?:length )?(\d+)(?: tokens)?\)/,
  /(?:input|prompt) length \(?(\d+)/,
  /token count (?:of )?\(?(\d+)/,
  /too long: (\d+) tokens/,
  /must have less than \d+ tokens\. given: (\d+)/,
  /requested tokens \((\d+)\)/,
  /current length is (\d+)/
]

const totalPatterns: ReadonlyArray<RegExp> = [
  /requested a total of (\d+) tokens/,
  /(?:you )?requested:? (?:about )?(\d+)(?: tokens|\))?(?! output)/
]

const firstFigure = (text: string, patterns: ReadonlyArray<RegExp>): number | undefined => {
  for (const pattern of patterns) {
    const found = Number(pattern.exec(text)?.[1])
    if (found > 0) return found
  }
  return undefined
}

/** The most characters of a message that are searched. */
const maxMessageCharacters = 4000

/**
 * The figures of a refusal; undefined if the request was refused for another reason. `message`: the error's message. `body`:
 * the whole error as parsed JSON.
 */
export const read = (message: string, body?: unknown): Overflow | undefined => {
  const text = `${message.slice(0, maxMessageCharacters)} ${fieldsOf(body)}`
    .toLowerCase()
    .replace(/[`'"]/g, "")
    // "150,000" and "150_000" become "150000".
    .replace(/(\d)[,_](?=\d{3}\b)/g, "$1")
    .replace(/\s+/g, " ")
  if (!tooLongPatterns.some((pattern) => pattern.test(text))) return undefined
  const answer = firstFigure(text, answerPatterns)
  if (answer !== undefined) return { answer }
  const window = firstFigure(text, windowPatterns)
  const prompt = firstFigure(text, promptPatterns)
  const total = prompt === undefined ? firstFigure(text, totalPatterns) : undefined
  return {
    ...window === undefined ? {} : { window },
    ...prompt === undefined ? {} : { prompt },
    ...total === undefined ? {} : { total }
  }
}
