/**
 * Tool calls between signs of their own, which models write as text where the server does not know their format: an
 * entry of the table for each format. What stands between the signs is read by `CallBody`.
 */
import { RegExp as Patterns } from "effect"
import * as CallBody from "./CallBody.ts"
import { beforeTurnEnd, type Found, nothing, type Piece, type Place, type OutputRule, skipTo, taken, toPieces, wait, waitFor } from "../OutputRule.ts"
import * as Tags from "../Tags.ts"

interface Format {
  readonly name: string
  readonly begin: string
  /** Any of them; none: the call is over with its last bracket. */
  readonly ends: ReadonlyArray<string>
}

const format = (name: string, begin: string, ...ends: ReadonlyArray<string>): Format => ({ name, begin, ends })

/** In lower case; a sign that begins as another one stands behind the longer. */
const formats: ReadonlyArray<Format> = [
  format("mistral", "[tool_calls]"),
  format("lm-studio", "[tool_request]", "[end_tool_request]", "[tool_request_end]", "[/tool_request]"),
  format("brackets", "[tool_call]", "[/tool_call]"),
  format("llama", "<|python_tag|>"),
  format("llama", "<|python_start|>", "<|python_end|>"),
  format("phi", "<|tool_call|>", "<|/tool_call|>", "<|end_tool_call|>"),
  format("gemma", "<|tool_call>", "<tool_call|>"),
  format("gemma", "<start_function_call>", "<end_function_call>"),
  format("liquid", "<|tool_call_start|>", "<|tool_call_end|>"),
  format("kimi", "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
  format("kimi", "<|tool_call_begin|>", "<|tool_call_end|>"),
  format("deepseek", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
  format("deepseek", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"),
  format("deepseek", "<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"),
  format("internlm", "<|action_start|>", "<|action_end|>"),
  format("cohere", "<|start_action|>", "<|end_action|>"),
  format("apertus", "<|tools_prefix|>", "<|tools_suffix|>"),
  format("granite", "<|tool_calls|>", "<|/tool_calls|>"),
  format("functionary", "<|function_call|>", "<|/function_call|>"),
  format("phi", "functools[")
]

/** What servers and templates put around a tool's answer; a model that writes it itself has made the answer up. */
const answers: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["[tool_results]", ["[/tool_results]"]],
  ["<|tool_response>", ["<tool_response|>"]],
  ["<start_function_response>", ["<end_function_response>"]],
  ["<｜tool▁outputs▁begin｜>", ["<｜tool▁outputs▁end｜>"]],
  ["<｜tool▁output▁begin｜>", ["<｜tool▁output▁end｜>"]],
  ["<|start_tool_result|>", ["<|end_tool_result|>"]]
]

const signs = [...formats.map(({ begin }) => begin), ...answers.map(([begin]) => begin)]

/** Hermes, Qwen, Granite, GLM, Hunyuan, Jamba, Nemotron, Olmo, Claude and MiniMax: XML by these names. */
const tags = Tags.make([
  "tool_call", "tool_calls", "toolcall", "tools", "tool", "tool_use", "tool_code", "function_call", "function_calls", "functioncall", "function", "invoke"
])

const answerTags = Tags.make(["tool_response", "tool_responses", "tool_result", "tool_results", "function_response", "function_result", "function_results", "observation"])

/** A body whose end is known. */
const closed = (body: string, length: number, { tools }: Place, name: string): Found => {
  const read = CallBody.read(body, tools, { isClosed: true })
  const found = read._tag === "Incomplete" ? CallBody.readLast(body, tools) : read
  const pieces = toPieces(found.calls, tools, name)
  return taken(length, { pieces: found._tag === "Calls" && pieces.length > 0 ? pieces : [...pieces, { _tag: "Dropped", format: name }] })
}

/** A body behind which nothing comes; text behind a call that is whole is text. */
const unclosed = (place: Place, from: number, name: string): Found => {
  const { rest, tools } = place
  const body = rest.slice(from)
  const found = CallBody.readLast(body, tools)
  const pieces = toPieces(found.calls, tools, name)
  if (found._tag === "Calls") return taken(from + found.end, { pieces })
  return taken(rest.length, { pieces: [...pieces, { _tag: "Dropped", format: name }] })
}

/** `from` is where the body begins, `behind` where the sign of the beginning ends. */
const between = (place: Place, from: number, behind: number, ends: RegExp, name: string): Found => {
  const { isLast, rest } = place
  const end = ends.exec(rest.slice(from))
  if (end !== null) return closed(rest.slice(from, from + end.index), from + end.index + end[0].length, place, name)
  if (isLast) return unclosed(place, from, name)
  return { _tag: "Wait", otherwise: taken(behind, { pieces: [{ _tag: "Dropped", format: name }], skip: { end: ends, longest: 48 } }) }
}

/** A format that has no sign for its end. */
const open = (place: Place, from: number, name: string): Found => {
  const { isLast, rest, tools } = place
  const body = rest.slice(from)
  const dropped: ReadonlyArray<Piece> = [{ _tag: "Dropped", format: name }]
  const found = CallBody.read(body, tools, { once: true })
  if (found._tag === "Calls") return taken(from + found.end, { pieces: toPieces(found.calls, tools, name) })
  if (isLast) return unclosed(place, from, name)
  // Code of another kind goes on to the end of the turn.
  const otherwise = taken(from, { pieces: dropped, skip: { end: /(?!)/, longest: 1 } })
  return found._tag === "Unreadable" ? otherwise : { _tag: "Wait", otherwise }
}

const anyOf = (texts: ReadonlyArray<string>): RegExp => new RegExp([...texts.map(Patterns.escape), beforeTurnEnd].join("|"), "i")

const ends = new Map(formats.map(({ begin, ends }) => [begin, anyOf(ends)]))

/** At the beginning it repeats the answer that was given; behind a call all that follows rests on what is made up. */
const madeUp = ({ isUnsaid, rest }: Place, length: number, ends: ReadonlyArray<string>): Found =>
  isUnsaid ? taken(length, { skip: skipTo(...ends) }) : taken(rest.length, { isEnd: true })

const look = (place: Place): Found => {
  const { isLast, rest } = place
  const start = rest.slice(0, 40).toLowerCase()
  const found = formats.find(({ begin }) => start.startsWith(begin))
  if (found !== undefined) {
    // The bracket of this one is the list's own.
    const from = found.begin.endsWith("s[") ? found.begin.length - 1 : found.begin.length
    return found.ends.length === 0 ? open(place, from, found.name) : between(place, from, from, ends.get(found.begin) ?? /(?!)/, found.name)
  }
  const answer = answers.find(([begin]) => start.startsWith(begin))
  if (answer !== undefined) return madeUp(place, answer[0].length, answer[1])
  if (rest.startsWith("<")) {
    const tag = tags.read(rest)
    if (tag?.kind === "begin") {
      // The name of a function stands in its tag.
      const isPartOfBody = tag.name === "invoke" || tag.attributes.startsWith("=") || /\bname\s*=/.test(tag.attributes)
      const closing = new RegExp(`</${Patterns.escape(tag.fullName)}>${tag.name.startsWith("tool") ? `|<\\|?${Patterns.escape(tag.fullName)}\\|>` : ""}|${beforeTurnEnd}`, "i")
      if (!isPartOfBody) return between(place, tag.length, tag.length, closing, "tags")
      const end = closing.exec(rest)
      if (end !== null) return closed(rest.slice(0, end.index + end[0].length), end.index + end[0].length, place, "tags")
      return between(place, 0, tag.length, closing, "tags")
    }
    if (tag !== undefined) return taken(tag.length)
    const answerTag = answerTags.read(rest)
    if (answerTag?.kind === "begin") return madeUp(place, answerTag.length, [`</${answerTag.fullName}>`])
    if (answerTag !== undefined) return taken(answerTag.length)
    if (tags.isPart(rest) || answerTags.isPart(rest)) return isLast ? taken(rest.length, { pieces: rest.length > 5 ? [{ _tag: "Dropped", format: "tags" }] : [] }) : wait
  }
  if (rest.startsWith("f")) return !isLast && "functools[".startsWith(rest) ? wait : nothing
  return /^[<[]/.test(rest) ? waitFor(place, signs) : nothing
}

export const rule: OutputRule = { name: "call-signs", look }
