/**
 * How a request to a chat server is written: the place of the system text, the form of actions, the fields that the server accepts. The
 * first guess is made from the model's name. Each refusal corrects the guess. Pure.
 */
import type { ReplySettings } from "../../../config/EngineSettings.ts"
import * as ContextOverflow from "./context/ContextOverflow.ts"
import * as Thinking from "./Thinking.ts"

/** Fields that a request does not need. Some servers refuse them. */
export type OptionalField = "stream_options" | "temperature" | "stop"

export interface Dialect {
  /** `role`: the system text is its own message. `folded`: it is before the text of the first user message, as in Gemma's template. */
  readonly system: "role" | "folded"
  /** `calls`: the server's own tool calls. `text`: action lines, explained in the system text; see `ModelActions`. */
  readonly tools: "calls" | "text"
  readonly thinking: Thinking.Thinking
  /** The field that limits the tokens of the answer. */
  readonly limitField: "max_tokens" | "max_completion_tokens"
  /** Fields that the server refused. */
  readonly omitted: ReadonlyArray<OptionalField>
}

/** How the model asks for actions. `auto`: the model's name decides, until the server refuses tool calls. */
export type ToolsChoice = "auto" | Dialect["tools"]

/** Gemma 1 to 3, however a server spells the name: `google/gemma-3-27b-it`, `gemma3:27b`, `gemma-3n-E4B`. */
const gemmaUpTo3 = /gemma[-_]?(?:[123]|2b|7b)(?![0-9])/i

/** The first guess for a model of this name at this address. Gemma up to 3 was not trained for tool calls. */
export const expectedOf = (
  model: string | undefined,
  tools: ToolsChoice,
  options: { readonly url?: URL; readonly thinking?: ReplySettings["thinking"] } = {}
): Dialect => {
  const isGemmaUpTo3 = model !== undefined && gemmaUpTo3.test(model)
  return {
    system: isGemmaUpTo3 ? "folded" : "role",
    tools: tools === "auto" ? isGemmaUpTo3 ? "text" : "calls" : tools,
    thinking: Thinking.expectedOf(model, options.url, options.thinking ?? "off"),
    limitField: "max_tokens",
    omitted: []
  }
}

/** The part of `before` that `after` leaves out or writes in another way, as a phrase for the operator's log. */
export const difference = (before: Dialect, after: Dialect): string => {
  if (before.tools !== after.tools) return "tool calls"
  if (before.system !== after.system) return "a system message"
  if (before.thinking !== after.thinking) return Thinking.difference(before.thinking, after.thinking)
  return before.limitField === after.limitField ? after.omitted.at(-1) ?? "nothing" : before.limitField
}

/** The dialect to try after a refusal with this message; undefined if the message names no part of the dialect as the cause. */
export const afterRefusal = (dialect: Dialect, message: string): Dialect | undefined => {
  // The refusal of a request that is too long may name fields, too. Such a request has to become shorter, not different.
  if (ContextOverflow.read(message) !== undefined) return undefined
  const without = (field: OptionalField) => dialect.omitted.includes(field) ? undefined : { ...dialect, omitted: [...dialect.omitted, field] }
  if (/max_completion_tokens/.test(message)) {
    return dialect.limitField === "max_tokens" ? { ...dialect, limitField: "max_completion_tokens" } : undefined
  }
  const thinking = Thinking.afterRefusal(dialect.thinking, message)
  if (thinking !== undefined) return { ...dialect, thinking }
  if (/\btools?\b|tool[-_ ]?(?:choice|call)|function call/i.test(message)) {
    return dialect.tools === "calls" ? { ...dialect, tools: "text" } : undefined
  }
  if (/system (?:role|message|prompt)|role[^a-z]{0,3}system|system[^a-z]{1,3}role/i.test(message)) {
    return dialect.system === "role" ? { ...dialect, system: "folded" } : undefined
  }
  if (/stream_options|include_usage/.test(message)) return without("stream_options")
  if (/temperature/.test(message)) return without("temperature")
  if (/(?:parameter|field|argument)\W{1,5}['"`]?stop\b|['"`]stop['"`]/i.test(message)) return without("stop")
  return undefined
}
