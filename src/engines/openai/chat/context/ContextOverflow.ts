/**
 * Whether a server refused a request because it does not fit: the prompt and the answer together into the model's context
 * window, or the answer into the server's own limit. The figures in its words tell what would fit. Pure.
 *
 * The words are those of vLLM (old and new), llama.cpp, Ollama, SGLang, TGI, LM Studio, llama-cpp-python, LiteLLM, OpenAI,
 * OpenRouter, Groq, Mistral, DeepSeek, Moonshot, DashScope, xAI, Anthropic and Gemini, as people quote them in public reports.
 */
import { Predicate } from "effect"

/** What the server said of the request; all in tokens, as the server counts them. */
export interface Overflow {
  /** Of prompt and answer together, or less: some servers tell what they take of a prompt alone. */
  readonly window?: number
  /** Of the prompt that was sent, or at least so many. */
  readonly prompt?: number
  /** Of the prompt that was sent and the answer that was asked for together. */
  readonly total?: number
  /** The longest answer that may be asked for. */
  readonly answer?: number
}

/** The server's figures and codes beside its message. Nothing of what it may quote from the request. */
const factsOf = (body: unknown): string => {
  if (!Predicate.isObject(body)) return ""
  const error = Predicate.hasProperty(body, "error") ? body.error : undefined
  const facts = ["code", "type", "n_ctx", "n_prompt_tokens"].flatMap((key) => {
    const value = (body as { readonly [key: string]: unknown })[key]
    return Predicate.isString(value) || Predicate.isNumber(value) ? [`${key}=${value}`] : []
  })
  // OpenRouter: the words of the server behind it.
  const raw = Predicate.hasProperty(body, "metadata") && Predicate.hasProperty(body.metadata, "raw") && Predicate.isString(body.metadata.raw) ? body.metadata.raw : ""
  return [...facts, raw, factsOf(error)].join(" ")
}

const gap = String.raw`(?:is|of|only|the|tokens?|[\s:=(])*`

/** The request does not fit. */
const signs: ReadonlyArray<RegExp> = [
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

/** The longest answer; the first that matches counts, and then no other figure is one of the window. */
const answers: ReadonlyArray<RegExp> = [
  /at most (\d+) (?:completion|output) tokens/,
  /range of max_\w*tokens (?:is|should be) \[\d+, ?(\d+)\]/,
  /(?<!\+ )max_\w*tokens must be (?:<=|less than or equal to) (\d+)/,
  /max_\w*tokens: \d+ > (\d+)/,
  /max_\w*tokens is limited to (\d+)/
]

const windows: ReadonlyArray<RegExp> = [
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

const prompts: ReadonlyArray<RegExp> = [
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

const totals: ReadonlyArray<RegExp> = [
  /requested a total of (\d+) tokens/,
  /(?:you )?requested:? (?:about )?(\d+)(?: tokens|\))?(?! output)/
]

const figure = (text: string, patterns: ReadonlyArray<RegExp>): number | undefined => {
  for (const pattern of patterns) {
    const found = Number(pattern.exec(text)?.[1])
    if (found > 0) return found
  }
  return undefined
}

/**
 * What a refusal says of the request's size; nothing, if its size is not the reason. `detail` is the error's message, `body`
 * all of it.
 */
export const read = (detail: string, body?: unknown): Overflow | undefined => {
  const text = `${detail.slice(0, 4000)} ${factsOf(body)}`
    .toLowerCase()
    .replace(/[`'"]/g, "")
    // 150,000 and 150_000.
    .replace(/(\d)[,_](?=\d{3}\b)/g, "$1")
    .replace(/\s+/g, " ")
  if (!signs.some((sign) => sign.test(text))) return undefined
  const answer = figure(text, answers)
  const window = answer === undefined ? figure(text, windows) : undefined
  const prompt = answer === undefined ? figure(text, prompts) : undefined
  const total = answer === undefined && prompt === undefined ? figure(text, totals) : undefined
  return {
    ...window === undefined ? {} : { window },
    ...prompt === undefined ? {} : { prompt },
    ...total === undefined ? {} : { total },
    ...answer === undefined ? {} : { answer }
  }
}
