/**
 * How a server is asked to let its model think less, or not at all, before it answers. Servers take different fields:
 *
 * | field | servers |
 * | --- | --- |
 * | `chat_template_kwargs` | vLLM, SGLang, llama.cpp, for templates with a switch |
 * | `reasoning_effort` | OpenAI, Ollama, newer vLLM and llama.cpp, Mistral, and every server of gpt-oss; not all take `none` |
 * | `think` | Ollama |
 * | `thinking` | DeepSeek's, Zhipu's and Moonshot's own servers |
 * | `reasoning` | OpenRouter |
 *
 * The model's name and the server's address decide the fields of the first request. If both are unknown, the model is asked not to think
 * only after it was seen to think. A field that the server refuses is left out from then on. Pure.
 */
import type { ReplySettings } from "../../../config/EngineSettings.ts"

/** A field of the request that asks for more or less thinking. */
type ThinkingField = "chat_template_kwargs" | "reasoning_effort" | "think" | "thinking" | "reasoning"

type Effort = "none" | "minimal" | "low" | "medium" | "high"

/** The efforts from least to most. */
const efforts: ReadonlyArray<Effort> = ["none", "minimal", "low", "medium", "high"]

export interface Thinking {
  /** The effort that the request asks for; `unset`: the request has no field for it. */
  readonly effort: Effort | "unset"
  /** The fields that carry the effort, without fields that the server refused. */
  readonly fields: ReadonlyArray<ThinkingField>
  /** The name of the switch in the model's template, inside of `chat_template_kwargs`. */
  readonly templateSwitch: "enable_thinking" | "thinking" | "both"
  /** Thoughts are wanted, or come in spite of `effort`. So the token limit must have room for thoughts and answer. */
  readonly isExpected: boolean
}

/** Models that think unless they are asked not to. */
const switchableModels = /gemma[-_]?4|qwen[-_]?3|deepseek|glm-?(?:4\.[5-9]|[5-9])|granite[-_]?[34]|hunyuan|kimi|nemotron|smollm3|seed[-_]?oss|exaone|minimax|ernie|ling|ring-/i
/** Models that may think less, but always think. */
const alwaysThinkingModels = /gpt-?oss|deepseek[-_]?r1|[-_]r1[-_]|qwq|[-_]thinking|reasoner|magistral|minimax[-_]?m/i
/** OpenAI's own models that think. */
const openAiModels = /^(?:openai\/)?(?:o[1-9](?:$|[-_])|gpt-[5-9])/i

const fieldsByHost: ReadonlyArray<readonly [host: RegExp, fields: ReadonlyArray<ThinkingField>]> = [
  [/(?:^|\.)openrouter\.ai$/, ["reasoning"]],
  [/(?:^|\.)(?:deepseek\.com|z\.ai|bigmodel\.cn|volces\.com|moonshot\.(?:ai|cn))$/, ["thinking"]],
  [/(?:^|\.)(?:openai\.com|azure\.com|mistral\.ai|groq\.com|googleapis\.com)$/, ["reasoning_effort"]]
]

/** Recognizes Ollama by its port, or by the form of its model names: `qwen3:8b`. */
const isOllama = (model: string, url: URL | undefined): boolean => url?.port === "11434" || /^[\w./-]+:[\w.-]+$/.test(model)

const fieldsOf = (model: string, url: URL | undefined): ReadonlyArray<ThinkingField> => {
  const ofHost = fieldsByHost.find(([host]) => host.test(url?.hostname ?? ""))
  if (ofHost !== undefined) return ofHost[1]
  if (openAiModels.test(model) || /gpt-?oss|magistral|mistral/i.test(model)) return ["reasoning_effort"]
  return isOllama(model, url) ? ["reasoning_effort", "think"] : ["chat_template_kwargs", "reasoning_effort"]
}

/** The first guess for a model of this name at this address. `wanted`: the operator's choice. */
export const expectedOf = (model: string | undefined, url: URL | undefined, wanted: ReplySettings["thinking"]): Thinking => {
  const name = model ?? ""
  const isKnown = switchableModels.test(name) || alwaysThinkingModels.test(name) || openAiModels.test(name)
  const lowestEffort: Effort = /gpt-?oss/i.test(name) ? "low" : "none"
  return {
    effort: wanted !== "off" ? wanted : isKnown ? lowestEffort : "unset",
    fields: model === undefined && !isKnown ? ["chat_template_kwargs"] : fieldsOf(name, url),
    templateSwitch: /deepseek/i.test(name) ? "both" : /granite/i.test(name) ? "thinking" : "enable_thinking",
    isExpected: wanted !== "off" || alwaysThinkingModels.test(name) || openAiModels.test(name)
  }
}

/** The fields in the body of a request. */
export const requestFields = ({ effort, fields, templateSwitch }: Thinking): object => {
  if (effort === "unset") return {}
  const isOn = effort !== "none" && effort !== "minimal"
  return Object.assign({}, ...fields.map((field): object => {
    switch (field) {
      case "chat_template_kwargs":
        return {
          chat_template_kwargs: {
            ...templateSwitch === "thinking" ? {} : { enable_thinking: isOn },
            ...templateSwitch === "enable_thinking" ? {} : { thinking: isOn }
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

const without = (thinking: Thinking, field: ThinkingField): Thinking | undefined => {
  if (thinking.effort === "unset" || !thinking.fields.includes(field)) return undefined
  const fields = thinking.fields.filter((other) => other !== field)
  return { ...thinking, fields, effort: fields.length === 0 ? "unset" : thinking.effort }
}

/** The efforts that an error message lists as supported. */
const supportedEfforts = (message: string): ReadonlyArray<Effort> => {
  const [, list = ""] = /(?:supported values|one of|should be|must be|expected|allowed|valid)([^]*)/i.exec(message) ?? []
  return efforts.filter((effort) => new RegExp(`\\b${effort}\\b`).test(list))
}

/** The thinking to ask for after a refusal with this message; undefined if the message names no field of thinking as the cause. */
export const afterRefusal = (thinking: Thinking, message: string): Thinking | undefined => {
  if (thinking.effort === "unset") return undefined
  if (/chat_template_kwargs|enable_thinking/.test(message)) return without(thinking, "chat_template_kwargs")
  if (/reasoning[_ .]effort/i.test(message)) {
    const { effort } = thinking
    const supported = supportedEfforts(message)
    // The lowest supported effort that is not below `effort`. If there is none, the highest supported effort.
    const next = supported.find((other) => efforts.indexOf(other) >= efforts.indexOf(effort)) ?? supported.at(-1)
    return next === undefined || next === effort ? without(thinking, "reasoning_effort") : { ...thinking, effort: next }
  }
  if (/does not support thinking/i.test(message)) return { ...thinking, effort: "unset" }
  if (/\breasoning\b/i.test(message) && thinking.fields.includes("reasoning")) return without(thinking, "reasoning")
  if (/\bthinking\b/i.test(message) && thinking.fields.includes("thinking")) return without(thinking, "thinking")
  return /["'`]think["'`]|\b(?:field|parameter|argument)\W+think\b/i.test(message) ? without(thinking, "think") : undefined
}

/** The thinking to ask for after thoughts have used up all tokens of an answer: the least effort, with tokens for thoughts. */
export const leastOf = (thinking: Thinking): Thinking => {
  const isReducible = thinking.effort !== "none" && thinking.effort !== "minimal" && thinking.fields.length > 0
  // Servers whose only field is `reasoning_effort` all take `low`; not all take `none`.
  const effort = thinking.fields.length === 1 && thinking.fields[0] === "reasoning_effort" ? "low" : "none"
  return { ...thinking, effort: isReducible ? effort : thinking.effort, isExpected: true }
}

/** Whether both ask for the same effort and give thoughts the same tokens. */
export const isSame = (one: Thinking, other: Thinking): boolean => one.effort === other.effort && one.isExpected === other.isExpected

/** The part of `before` that `after` leaves out or writes in another way, as a phrase for the operator's log. */
export const difference = (before: Thinking, after: Thinking): string =>
  before.fields.find((field) => !after.fields.includes(field)) ?? (after.effort === "unset" ? "thinking" : `reasoning_effort ${before.effort}`)

/** The thinking to ask for after the model was seen to think: none. If requests already asked for none, thoughts get tokens. */
export const afterThoughts = (thinking: Thinking): Thinking =>
  thinking.effort === "unset" && thinking.fields.length > 0 && !thinking.isExpected ? { ...thinking, effort: "none" } : { ...thinking, isExpected: true }
