/**
 * Tool calls between special tokens or tags. They are in the text if the server does not know the model's format:
 *
 *     [TOOL_CALLS][{"name": "transfer", "arguments": {"to": "billing"}}]
 *     <tool_call>{"name": "transfer", "arguments": {"to": "billing"}}</tool_call>
 *
 * Each format is an entry of a table. `CallBody` reads the text between the delimiters. Answers of tools, which models invent in the
 * same form, are left out.
 */
import { RegExp as Patterns } from "effect"
import * as CallBody from "./CallBody.ts"
import { turnEndLookahead, type RuleResult, noMatch, type OutputPiece, type Place, type OutputRule, skipTo, match, toPieces, needsMore, awaitAny } from "../OutputRule.ts"
import * as Tags from "../Tags.ts"

interface Format {
  /** The label of the metric. */
  readonly name: string
  readonly begin: string
  /** Each of these ends the calls. Empty: the calls end with their last bracket. */
  readonly ends: ReadonlyArray<string>
}

const format = (name: string, begin: string, ...ends: ReadonlyArray<string>): Format => ({ name, begin, ends })

/** The formats, with delimiters in lower case. If one `begin` is the beginning of another, the longer comes first. */
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

/** Delimiters of a tool's answer. A model that writes a tool's answer has invented it. */
const answerDelimiters: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["[tool_results]", ["[/tool_results]"]],
  ["<|tool_response>", ["<tool_response|>"]],
  ["<start_function_response>", ["<end_function_response>"]],
  ["<｜tool▁outputs▁begin｜>", ["<｜tool▁outputs▁end｜>"]],
  ["<｜tool▁output▁begin｜>", ["<｜tool▁output▁end｜>"]],
  ["<|start_tool_result|>", ["<|end_tool_result|>"]]
]

const beginnings = [...formats.map(({ begin }) => begin), ...answerDelimiters.map(([begin]) => begin)]

/** Tags around calls: Hermes, Qwen, Granite, GLM, Hunyuan, Jamba, Nemotron, Olmo, Claude and MiniMax. */
const callTags = Tags.make([
  "tool_call", "tool_calls", "toolcall", "tools", "tool", "tool_use", "tool_code", "function_call", "function_calls", "functioncall", "function", "invoke"
])

const answerTags = Tags.make(["tool_response", "tool_responses", "tool_result", "tool_results", "function_response", "function_result", "function_results", "observation"])

/** Calls whose end delimiter has arrived. `length`: characters of the match. */
const closedCalls = (body: string, length: number, { tools }: Place, name: string): RuleResult => {
  const read = CallBody.read(body, tools, { isClosed: true })
  const found = read._tag === "Incomplete" ? CallBody.readLast(body, tools) : read
  const pieces = toPieces(found.calls, tools, name)
  return match(length, { pieces: found._tag === "Calls" && pieces.length > 0 ? pieces : [...pieces, { _tag: "DroppedCall", format: name }] })
}

/** Calls at the end of the text whose end delimiter is missing. Words after a whole call are ordinary text. */
const unclosedCalls = (place: Place, from: number, name: string): RuleResult => {
  const { rest, tools } = place
  const body = rest.slice(from)
  const found = CallBody.readLast(body, tools)
  const pieces = toPieces(found.calls, tools, name)
  if (found._tag === "Calls") return match(from + found.end, { pieces })
  return match(rest.length, { pieces: [...pieces, { _tag: "DroppedCall", format: name }] })
}

/** A format with an end delimiter. `from`: where the body begins; `beginLength`: characters of the beginning delimiter. */
const callsUpTo = (place: Place, from: number, beginLength: number, ends: RegExp, name: string): RuleResult => {
  const { isComplete, rest } = place
  const end = ends.exec(rest.slice(from))
  if (end !== null) return closedCalls(rest.slice(from, from + end.index), from + end.index + end[0].length, place, name)
  if (isComplete) return unclosedCalls(place, from, name)
  return { _tag: "NeedsMore", ifTooLong: match(beginLength, { pieces: [{ _tag: "DroppedCall", format: name }], skip: { end: ends, maxEndLength: 48 } }) }
}

/** A format without an end delimiter. */
const callsWithoutEnd = (place: Place, from: number, name: string): RuleResult => {
  const { isComplete, rest, tools } = place
  const body = rest.slice(from)
  const dropped: ReadonlyArray<OutputPiece> = [{ _tag: "DroppedCall", format: name }]
  const found = CallBody.read(body, tools, { once: true })
  if (found._tag === "Calls") return match(from + found.end, { pieces: toPieces(found.calls, tools, name) })
  if (isComplete) return unclosedCalls(place, from, name)
  // Other text counts as code up to the end of the answer. All of it is skipped, because nothing matches `(?!)`.
  const ifTooLong = match(from, { pieces: dropped, skip: { end: /(?!)/, maxEndLength: 1 } })
  return found._tag === "Unreadable" ? ifTooLong : { _tag: "NeedsMore", ifTooLong }
}

const anyOrTurnEnd = (texts: ReadonlyArray<string>): RegExp => new RegExp([...texts.map(Patterns.escape), turnEndLookahead].join("|"), "i")

const endPatterns = new Map(formats.map(({ begin, ends }) => [begin, anyOrTurnEnd(ends)]))

/**
 * An answer of a tool in the text. At the start of a reply the model repeats an answer from the request. After a call the model has
 * invented the answer and all text that follows it.
 */
const writtenAnswer = ({ isReplyEmpty, rest }: Place, length: number, ends: ReadonlyArray<string>): RuleResult =>
  isReplyEmpty ? match(length, { skip: skipTo(...ends) }) : match(rest.length, { endsTurn: true })

export const rule: OutputRule = (place) => {
  const { isComplete, rest } = place
  const start = rest.slice(0, 40).toLowerCase()
  const found = formats.find(({ begin }) => start.startsWith(begin))
  if (found !== undefined) {
    // The bracket of `functools[` also begins the list.
    const from = found.begin.endsWith("s[") ? found.begin.length - 1 : found.begin.length
    return found.ends.length === 0 ? callsWithoutEnd(place, from, found.name) : callsUpTo(place, from, from, endPatterns.get(found.begin) ?? /(?!)/, found.name)
  }
  const answer = answerDelimiters.find(([begin]) => start.startsWith(begin))
  if (answer !== undefined) return writtenAnswer(place, answer[0].length, answer[1])
  if (rest.startsWith("<")) {
    const tag = callTags.read(rest)
    if (tag?.kind === "begin") {
      // These tags hold the name of the function, so the body begins with the tag.
      const isPartOfBody = tag.name === "invoke" || tag.attributes.startsWith("=") || /\bname\s*=/.test(tag.attributes)
      // Some models end `<tool_call>` with `<|tool_call|>` or `<tool_call|>`.
      const closing = new RegExp(`</${Patterns.escape(tag.fullName)}>${tag.name.startsWith("tool") ? `|<\\|?${Patterns.escape(tag.fullName)}\\|>` : ""}|${turnEndLookahead}`, "i")
      if (!isPartOfBody) return callsUpTo(place, tag.length, tag.length, closing, "tags")
      const end = closing.exec(rest)
      if (end !== null) return closedCalls(rest.slice(0, end.index + end[0].length), end.index + end[0].length, place, "tags")
      return callsUpTo(place, 0, tag.length, closing, "tags")
    }
    if (tag !== undefined) return match(tag.length)
    const answerTag = answerTags.read(rest)
    if (answerTag?.kind === "begin") return writtenAnswer(place, answerTag.length, [`</${answerTag.fullName}>`])
    if (answerTag !== undefined) return match(answerTag.length)
    if (callTags.isPart(rest) || answerTags.isPart(rest)) return isComplete ? match(rest.length, { pieces: rest.length > 5 ? [{ _tag: "DroppedCall", format: "tags" }] : [] }) : needsMore
  }
  if (rest.startsWith("f")) return !isComplete && "functools[".startsWith(rest) ? needsMore : noMatch
  return /^[<[]/.test(rest) ? awaitAny(place, beginnings) : noMatch
}
