/**
 * Calls whose arguments are tags: Qwen 3 Coder and Seed (`<function=…><parameter=…>`), Claude's, MiniMax' and DeepSeek
 * 3.2's (`<invoke name="…"><parameter name="…">`), GLM's (`name<arg_key>…</arg_key><arg_value>…</arg_value>`), and
 * `<tool_name>` beside `<parameters>`.
 */
import type { Schema } from "effect"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import { typed, type WrittenCall } from "./WrittenCall.ts"

/** What stands in front of a tag's name: `antml:`, `minimax:`, `｜DSML｜`. */
const prefix = "(?:[A-Za-z]+:|[|｜]DSML[|｜])?"

const tag = (pattern: string) => new RegExp(pattern, "gi")

const functions = tag(`<${prefix}function\\s*=\\s*["']?([\\w.:-]+)["']?\\s*>([^]*?)</${prefix}function>`)
const invokes = tag(`<${prefix}invoke\\s+name\\s*=\\s*["']?([\\w.:-]+)["']?[^>]*>([^]*?)</${prefix}invoke>`)
const parameters = tag(`<${prefix}parameter(?:\\s*=\\s*|\\s+name\\s*=\\s*)["']?([\\w.-]+)["']?([^>]*)>([^]*?)</${prefix}parameter>`)
const pairs = /<arg_key>\s*([\w.-]+)\s*<\/arg_key>\s*<arg_value>([^]*?)<\/arg_value>/gi
const named = /<(tool_?name|name|function_?name)>\s*([\w.:-]+)\s*<\/\1>([^]*)/i
const valued = /<(parameters|arguments|args|input|tool_input)>([^]*?)<\/\1>/i

/** Whether a body is written in tags at all, and so is read here. */
export const isWrittenSo = (body: string): boolean =>
  /<(?:[A-Za-z]+:|[|｜]DSML[|｜])?(?:function\s*=|invoke\s|parameter[\s=]|arg_key>|arg_value>|tool_?name>|name>|function_?name>)/i.test(body)

/** One line end on each side belongs to the tag. */
const inner = (text: string): string => text.replace(/^[^\S\n]*\n/, "").replace(/\n[^\S\n]*$/, "")

const objectIn = (text: string): Schema.Json | undefined => {
  if (text.trim() === "") return {}
  const parsed = LiteralReader.parse(text)
  return parsed._tag === "Value" && text.slice(parsed.end).trim() === "" ? parsed.value : undefined
}

const argumentsIn = (name: string, body: string, tools: KnownTools): Schema.Json | undefined => {
  const types = tools.find(name)?.parameters
  const found = [...body.matchAll(parameters)].map(([, key, attributes, value]) =>
    // DeepSeek says so where a value is text.
    [key, /string\s*=\s*"true"/i.test(attributes) ? value : typed(inner(value), types?.get(key))] as const
  )
  const rest = body.replace(parameters, "").trim()
  if (found.length === 0) return objectIn(rest)
  return rest === "" ? Object.fromEntries(found) : undefined
}

/** The body with the end of its last function, where the model left it out. */
const close = (body: string): string => {
  const last = [...body.matchAll(new RegExp(`<(/?)(${prefix}(?:function(?=\\s*=|>)|invoke\\b))`, "gi"))].at(-1)
  return last === undefined || last[1] === "/" ? body : `${body}</${last[2]}>`
}

/**
 * The calls of a body; nothing, where it can't be read. `isClosed`: the sign of the end stands behind it. Where it does
 * not, an argument may be missing, so only what has an end of its own is taken.
 */
export const find = (text: string, tools: KnownTools, isClosed: boolean): ReadonlyArray<WrittenCall> | undefined => {
  const body = isClosed ? close(text) : text
  const calls = [functions, invokes].flatMap((pattern) =>
    [...body.matchAll(pattern)].map(([, name, content]) => ({ name, arguments: argumentsIn(name, content, tools) }))
  )
  if (calls.length > 0) return calls
  const [, , name, behind] = named.exec(body) ?? []
  if (name !== undefined) return [{ name, arguments: objectIn(valued.exec(behind)?.[2] ?? behind) }]
  const keyed = [...body.matchAll(pairs)]
  const [, plainName] = /^\s*([\w.:-]+)\s*(?=<arg_key>)/i.exec(body) ?? []
  if (!isClosed || plainName === undefined || body.slice(body.indexOf("<")).replace(pairs, "").trim() !== "") return undefined
  const types = tools.find(plainName)?.parameters
  return [{ name: plainName, arguments: Object.fromEntries(keyed.map(([, key, value]) => [key, typed(inner(value), types?.get(key))])) }]
}
