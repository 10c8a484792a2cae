/**
 * Tool calls as JSON, in the shapes that models were trained on:
 *
 *     {"name": "transfer", "arguments": {"to": "billing"}}
 *
 * This is the shape of Hermes, Qwen and Mistral. Other shapes are `{"name","parameters"}` (Llama 3),
 * `{"type":"function","function":{…}}` (OpenAI), `{"tool","args"}`, `{"tool_name","parameters"}` (Command R),
 * `{"action","action_input"}` (LangChain), `{"transfer":{…}}`, and arrays of all of these. Pure.
 */
import { Predicate, type Schema } from "effect"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import type { WrittenCall } from "./WrittenCall.ts"

/** Keys of the tool's name, the most likely first. */
const nameKeys = ["name", "tool_name", "toolName", "function_name", "tool", "function", "action", "recipient_name", "api_name"]

/** Keys of the arguments. */
const argumentKeys = [
  "arguments", "parameters", "args", "params", "input", "kwargs", "action_input", "tool_input", "tool_args", "tool_arguments", "tool_parameters"
]

/** Keys of an inner object or array that holds the calls. */
const wrapperKeys = ["tool_calls", "toolCalls", "function_calls", "tool_uses", "calls", "tool_call", "toolCall", "function_call", "functionCall", "function"]

/** Keys that hold neither arguments nor a name. */
const otherKeys = new Set(["type", "id", "tool_call_id", "index", "thought", "reasoning"])

/** An object that holds a call has one of these keys, or the name of a tool, as its first key. */
export const firstKeys: ReadonlyArray<string> = [...new Set([...nameKeys, ...argumentKeys, ...wrapperKeys, ...otherKeys])]

type Fields = Readonly<Record<string, Schema.Json>>

const isFields = (value: Schema.Json): value is Fields => Predicate.isObject(value) && !Array.isArray(value)

const argumentsOf = (value: Schema.Json): Schema.Json | undefined => {
  if (value === null || value === "") return {}
  if (!Predicate.isString(value)) return value
  const parsed = LiteralReader.parse(value)
  return parsed._tag === "Value" && value.slice(parsed.end).trim() === "" ? parsed.value : undefined
}

const callIn = (fields: Fields, tools: KnownTools): WrittenCall | undefined => {
  const nameKey = nameKeys.find((key) => Predicate.isString(fields[key]))
  if (nameKey === undefined) return undefined
  const name = fields[nameKey] as string
  const argumentKey = argumentKeys.find((key) => key in fields)
  if (argumentKey !== undefined) return { name, arguments: argumentsOf(fields[argumentKey]) }
  if (tools.find(name) === undefined) return fields.type === "function" ? { name, arguments: {} } : undefined
  // The arguments stand beside the name: `{"tool": "transfer", "to": "billing"}`.
  return { name, arguments: Object.fromEntries(Object.entries(fields).filter(([key]) => key !== nameKey && !otherKeys.has(key))) }
}

/** The calls in a value; undefined if the value holds something other than calls. */
export const find = (value: Schema.Json, tools: KnownTools): ReadonlyArray<WrittenCall> | undefined => {
  if (Array.isArray(value)) {
    const found = value.map((item: Schema.Json) => find(item, tools))
    return value.length > 0 && found.every((calls) => calls !== undefined) ? found.flat() : undefined
  }
  if (!isFields(value)) return undefined
  const wrapperKey = wrapperKeys.find((key) => Predicate.isObject(value[key]) || Array.isArray(value[key]))
  if (wrapperKey !== undefined) {
    const found = find(value[wrapperKey], tools)
    if (found !== undefined) return found
  }
  const call = callIn(value, tools)
  if (call !== undefined) return [call]
  const entries = Object.entries(value)
  return entries.length > 0 && entries.every(([key, inner]) => tools.find(key) !== undefined && isFields(inner))
    ? entries.map(([name, inner]) => ({ name, arguments: inner }))
    : undefined
}
