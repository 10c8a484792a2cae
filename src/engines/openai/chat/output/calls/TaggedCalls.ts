/**
 * Tool calls whose arguments are XML:
 *
 *     <function=transfer><parameter=to>billing</parameter></function>
 *
 * Qwen 3 Coder and Seed write this form. Claude, MiniMax and DeepSeek 3.2 write `<invoke name="…"><parameter name="…">`. GLM writes
 * `transfer<arg_key>to</arg_key><arg_value>billing</arg_value>`. Some models write `<tool_name>` and `<parameters>` side by side.
 * Pure.
 */
import type { Schema } from "effect"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import { typedValue, type WrittenCall } from "./WrittenCall.ts"

/** The prefix of a tag's name: `antml:`, `minimax:`, `｜DSML｜`. */
const prefix = "(?:[A-Za-z]+:|[|｜]DSML[|｜])?"

const tag = (pattern: string) => new RegExp(pattern, "gi")

const functionTags = tag(`<${prefix}function\\s*=\\s*["']?([\\w.:-]+)["']?\\s*>([^]*?)</${prefix}function>`)
const invokeTags = tag(`<${prefix}invoke\\s+name\\s*=\\s*["']?([\\w.:-]+)["']?[^>]*>([^]*?)</${prefix}invoke>`)
const parameterTags = tag(`<${prefix}parameter(?:\\s*=\\s*|\\s+name\\s*=\\s*)["']?([\\w.-]+)["']?([^>]*)>([^]*?)</${prefix}parameter>`)
const argumentPairs = /<arg_key>\s*([\w.-]+)\s*<\/arg_key>\s*<arg_value>([^]*?)<\/arg_value>/gi
const nameTag = /<(tool_?name|name|function_?name)>\s*([\w.:-]+)\s*<\/\1>([^]*)/i
const argumentsTag = /<(parameters|arguments|args|input|tool_input)>([^]*?)<\/\1>/i

/** Whether a body has tags of calls. */
export const hasTags = (body: string): boolean =>
  /<(?:[A-Za-z]+:|[|｜]DSML[|｜])?(?:function\s*=|invoke\s|parameter[\s=]|arg_key>|arg_value>|tool_?name>|name>|function_?name>)/i.test(body)

/** The value without the line end after the opening tag and the line end before the closing tag. */
const trimLineEnds = (text: string): string => text.replace(/^[^\S\n]*\n/, "").replace(/\n[^\S\n]*$/, "")

const objectIn = (text: string): Schema.Json | undefined => {
  if (text.trim() === "") return {}
  const parsed = LiteralReader.parse(text)
  return parsed._tag === "Value" && text.slice(parsed.end).trim() === "" ? parsed.value : undefined
}

const argumentsIn = (name: string, body: string, tools: KnownTools): Schema.Json | undefined => {
  const types = tools.find(name)?.parameters
  const found = [...body.matchAll(parameterTags)].map(([, key, attributes, value]) =>
    // DeepSeek marks a value that is text with `string="true"`.
    [key, /string\s*=\s*"true"/i.test(attributes) ? value : typedValue(trimLineEnds(value), types?.get(key))] as const
  )
  const textOutside = body.replace(parameterTags, "").trim()
  if (found.length === 0) return objectIn(textOutside)
  return textOutside === "" ? Object.fromEntries(found) : undefined
}

/** The body. If the model left out the end tag of the last function, the tag is added. */
const withEndTag = (body: string): string => {
  const last = [...body.matchAll(new RegExp(`<(/?)(${prefix}(?:function(?=\\s*=|>)|invoke\\b))`, "gi"))].at(-1)
  return last === undefined || last[1] === "/" ? body : `${body}</${last[2]}>`
}

/**
 * The calls of a body; undefined if it is unreadable. `isClosed`: the end delimiter follows the body. Without the end delimiter an argument
 * may be missing, so only functions with an end tag count.
 */
export const find = (text: string, tools: KnownTools, isClosed: boolean): ReadonlyArray<WrittenCall> | undefined => {
  const body = isClosed ? withEndTag(text) : text
  const calls = [functionTags, invokeTags].flatMap((pattern) =>
    [...body.matchAll(pattern)].map(([, name, content]) => ({ name, arguments: argumentsIn(name, content, tools) }))
  )
  if (calls.length > 0) return calls
  const [, , name, textAfter] = nameTag.exec(body) ?? []
  if (name !== undefined) return [{ name, arguments: objectIn(argumentsTag.exec(textAfter)?.[2] ?? textAfter) }]
  const keyed = [...body.matchAll(argumentPairs)]
  const [, plainName] = /^\s*([\w.:-]+)\s*(?=<arg_key>)/i.exec(body) ?? []
  if (!isClosed || plainName === undefined || body.slice(body.indexOf("<")).replace(argumentPairs, "").trim() !== "") return undefined
  const types = tools.find(plainName)?.parameters
  return [{ name: plainName, arguments: Object.fromEntries(keyed.map(([, key, value]) => [key, typedValue(trimLineEnds(value), types?.get(key))])) }]
}
