/**
 * How a server is told to think less, or not at all, before it answers. Each takes it in its own way:
 *
 * | field | who takes it |
 * | --- | --- |
 * | `chat_template_kwargs` | vLLM, SGLang, llama.cpp, for templates with a switch |
 * | `reasoning_effort` | OpenAI, Ollama, newer vLLM and llama.cpp, Mistral, gpt-oss everywhere; not all take `none` |
 * | `think` | Ollama |
 * | `thinking` | DeepSeek's, Zhipu's and Moonshot's own servers |
 * | `reasoning` | OpenRouter |
 *
 * A model is asked by its name and its server's address; one that is known by neither is asked once it was seen to
 * think. What a server refuses by name is left out from then on. Pure.
 */
import type { ReplySettings } from "../../../config/EngineSettings.ts"

/** A field of the request. */
export type Way = "chat_template_kwargs" | "reasoning_effort" | "think" | "thinking" | "reasoning"

export type Effort = "none" | "minimal" | "low" | "medium" | "high"

const efforts: ReadonlyArray<Effort> = ["none", "minimal", "low", "medium", "high"]

export interface Thinking {
  /** How much is asked for; `unsaid`: the server is not told. */
  readonly effort: Effort | "unsaid"
  /** The fields by which it is told, as far as they were not refused. */
  readonly ways: ReadonlyArray<Way>
  /** The model's name for the switch of its template, where it is not `enable_thinking`. */
  readonly template: "enable_thinking" | "thinking" | "both"
  /** The model thinks all the same, so that its thoughts need room besides the answer. */
  readonly isExpected: boolean
}

/** Models that think unless they are told not to. */
const switchable = /gemma[-_]?4|qwen[-_]?3|deepseek|glm-?(?:4\.[5-9]|[5-9])|granite[-_]?[34]|hunyuan|kimi|nemotron|smollm3|seed[-_]?oss|exaone|minimax|ernie|ling|ring-/i
/** Models that can think less, and not not at all. */
const always = /gpt-?oss|deepseek[-_]?r1|[-_]r1[-_]|qwq|[-_]thinking|reasoner|magistral|minimax[-_]?m/i
/** OpenAI's own. */
const openAi = /^(?:openai\/)?(?:o[1-9](?:$|[-_])|gpt-[5-9])/i

const hosts: ReadonlyArray<readonly [RegExp, ReadonlyArray<Way>]> = [
  [/(?:^|\.)openrouter\.ai$/, ["reasoning"]],
  [/(?:^|\.)(?:deepseek\.com|z\.ai|bigmodel\.cn|volces\.com|moonshot\.(?:ai|cn))$/, ["thinking"]],
  [/(?:^|\.)(?:openai\.com|azure\.com|mistral\.ai|groq\.com|googleapis\.com)$/, ["reasoning_effort"]]
]

const isOllama = (model: string, url: URL | undefined): boolean => url?.port === "11434" || /^[\w./-]+:[\w.-]+$/.test(model)

const waysOf = (model: string, url: URL | undefined): ReadonlyArray<Way> => {
  const own = hosts.find(([host]) => host.test(url?.hostname ?? ""))
  if (own !== undefined) return own[1]
  if (openAi.test(model) || /gpt-?oss|magistral|mistral/i.test(model)) return ["reasoning_effort"]
  return isOllama(model, url) ? ["reasoning_effort", "think"] : ["chat_template_kwargs", "reasoning_effort"]
}

/** What is asked of a model of that name at that address. */
export const of = (model: string | undefined, url: URL | undefined, wanted: ReplySettings["thinking"]): Thinking => {
  const name = model ?? ""
  const isKnown = switchable.test(name) || always.test(name) || openAi.test(name)
  const lowest: Effort = /gpt-?oss/i.test(name) ? "low" : "none"
  return {
    effort: wanted !== "off" ? wanted : isKnown ? lowest : "unsaid",
    ways: model === undefined && !isKnown ? ["chat_template_kwargs"] : waysOf(name, url),
    template: /deepseek/i.test(name) ? "both" : /granite/i.test(name) ? "thinking" : "enable_thinking",
    isExpected: wanted !== "off" || always.test(name) || openAi.test(name)
  }
}

/** The fields of the request. */
export const fields = ({ effort, template, ways }: Thinking): object => {
  if (effort === "unsaid") return {}
  const isOn = effort !== "none" && effort !== "minimal"
  return Object.assign({}, ...ways.map((way): object => {
    switch (way) {
      case "chat_template_kwargs":
        return {
          chat_template_kwargs: {
            ...template === "thinking" ? {} : { enable_thinking: isOn },
            ...template === "enable_thinking" ? {} : { thinking: isOn }
          }
        }
      case "reasoning_effort":
        return { reasoning_effort: effort }
      case "think":
        return { think: isOn }
      case "thinking":
        return { thinking: { type: isOn ? "enabled" : "disabled" } }
      case "reasoning":
        return { reasoning: { effort } }
    }
  })) as object
}

const without = (thinking: Thinking, way: Way): Thinking | undefined => {
  if (thinking.effort === "unsaid" || !thinking.ways.includes(way)) return undefined
  const ways = thinking.ways.filter((other) => other !== way)
  return { ...thinking, ways, effort: ways.length === 0 ? "unsaid" : thinking.effort }
}

/** The efforts that an error lists as those that are taken. */
const listed = (detail: string): ReadonlyArray<Effort> => {
  const [, list = ""] = /(?:supported values|one of|should be|must be|expected|allowed|valid)([^]*)/i.exec(detail) ?? []
  return efforts.filter((effort) => new RegExp(`\\b${effort}\\b`).test(list))
}

/** What to say differently to a server that refused a request in these words; nothing, if thinking is not the reason. */
export const adapt = (thinking: Thinking, detail: string): Thinking | undefined => {
  if (thinking.effort === "unsaid") return undefined
  if (/chat_template_kwargs|enable_thinking/.test(detail)) return without(thinking, "chat_template_kwargs")
  if (/reasoning[_ .]effort/i.test(detail)) {
    const { effort } = thinking
    const taken = listed(detail)
    // The least that is at least as much as was asked for, else the most there is.
    const next = taken.find((other) => efforts.indexOf(other) >= efforts.indexOf(effort)) ?? taken.at(-1)
    return next === undefined || next === effort ? without(thinking, "reasoning_effort") : { ...thinking, effort: next }
  }
  if (/does not support thinking/i.test(detail)) return { ...thinking, effort: "unsaid" }
  if (/\breasoning\b/i.test(detail) && thinking.ways.includes("reasoning")) return without(thinking, "reasoning")
  if (/\bthinking\b/i.test(detail) && thinking.ways.includes("thinking")) return without(thinking, "thinking")
  return /["'`]think["'`]|\b(?:field|parameter|argument)\W+think\b/i.test(detail) ? without(thinking, "think") : undefined
}

/** The answer was eaten up by thoughts: it is asked for without any, and with room for those that come all the same. */
export const least = (thinking: Thinking): Thinking => {
  const hasLess = thinking.effort !== "none" && thinking.effort !== "minimal" && thinking.ways.length > 0
  // Where a template has no switch, this is the least of all that its server takes.
  const effort = thinking.ways.length === 1 && thinking.ways[0] === "reasoning_effort" ? "low" : "none"
  return { ...thinking, effort: hasLess ? effort : thinking.effort, isExpected: true }
}

export const isSame = (one: Thinking, other: Thinking): boolean => one.effort === other.effort && one.isExpected === other.isExpected

/** What an adapted request leaves out or says differently, for the operator. */
export const refusedPart = (before: Thinking, after: Thinking): string =>
  before.ways.find((way) => !after.ways.includes(way)) ?? (after.effort === "unsaid" ? "thinking" : `reasoning_effort ${before.effort}`)

/** A model was seen to think: it is told not to, or has room for it if it was told already. */
export const seen = (thinking: Thinking): Thinking =>
  thinking.effort === "unsaid" && thinking.ways.length > 0 && !thinking.isExpected ? { ...thinking, effort: "none" } : { ...thinking, isExpected: true }
