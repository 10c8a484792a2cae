/**
 * Tool calls inside of a code fence, as Gemma, Gemini and small models write them:
 *
 *     ```tool_code
 *     print(transfer(to="billing"))
 *     ```
 *
 * A fence with a name like `tool_code` is never spoken. A fence of Python, of JSON or without a name is held back while its content looks
 * like a call. It is spoken if the content is not a call.
 */
import * as CallBody from "./CallBody.ts"
import { type RuleResult, isLineStart, noMatch, type Place, type OutputRule, match, toPieces, needsMore } from "../OutputRule.ts"

const callFence = /^```[^\S\n]*(?:tool_?codes?|tool_?calls?|tool_?use|tools?|tool_?request|function_?calls?|functions?|actions?)\b/i
const answerFence = /^```[^\S\n]*(?:tool_?outputs?|tool_?responses?|tool_?results?|outputs?)\b/i
const codeFence = /^```[^\S\n]*(?:python3?|py|json5?|jsonc|xml|javascript|js|text|plaintext|bash|sh|code)?[^\S\n]*\n/i

const fenceNames = [
  "tool_code", "tool_codes", "tool_call", "tool_calls", "tool_use", "tool_output", "tool_outputs", "tool_request", "tool_response", "tool_result", "tools",
  "toolcode", "toolcall", "tool", "function_call", "function_calls", "functioncall", "function", "functions", "action", "actions", "python", "python3",
  "py", "json", "json5", "jsonc", "xml", "javascript", "js", "text", "plaintext", "bash", "sh", "code", "output"
]

/** Whether more text may complete the name of a fence. */
const isPartOfFence = (rest: string): boolean => {
  const [, name] = /^`{1,2}$|^```[^\S\n]*(\w*)[^\S\n]*$/.exec(rest) ?? []
  if (name === undefined) return /^`{1,2}$/.test(rest)
  return name === "" || fenceNames.some((known) => known.startsWith(name.toLowerCase()))
}

/** The beginning of a call, after comments: a bracket, or a name with its bracket. */
const callStart = /^\s*(?:#[^\n]*\n\s*)*(?:[[{<]|(?:[A-Za-z_]\w*\s*=\s*)?(?:await\s+)?[A-Za-z_][\w.-]*\s*\()/
/** Text that may still become the beginning of a call. */
const partOfCallStart = /^\s*(?:#[^\n]*\n\s*)*(?:#[^\n]*|(?:[A-Za-z_]\w*\s*=?\s*)?(?:await\s*)?(?:[A-Za-z_][\w.-]*\s*)?)$/

const fenceEnd = /```/

/** The content of a fence that is closed. `length`: the number of characters with both fences. */
const closedFence = (rest: string, from: number): { readonly body: string; readonly length: number } | undefined => {
  const end = fenceEnd.exec(rest.slice(from))
  return end === null ? undefined : { body: rest.slice(from, from + end.index), length: from + end.index + 3 }
}

/** A fence whose name shows that it holds calls. `from`: where its content begins. */
const callsIn = (place: Place, from: number): RuleResult => {
  const { isComplete, rest, tools } = place
  const dropped = { _tag: "DroppedCall", format: "fence" } as const
  const found = closedFence(rest, from)
  if (found === undefined && !isComplete) return { _tag: "NeedsMore", ifTooLong: match(from, { pieces: [dropped], skip: { end: fenceEnd, maxEndLength: 3 } }) }
  const body = found === undefined ? CallBody.readLast(rest.slice(from), tools) : CallBody.read(found.body, tools, { isClosed: true })
  const pieces = toPieces(body.calls, tools, "fence")
  return match(found?.length ?? rest.length, { pieces: body._tag === "Calls" ? pieces : [...pieces, dropped] })
}

/** A fence that may hold calls. */
const possibleCallsIn = (place: Place, from: number): RuleResult => {
  const { isComplete, rest, tools } = place
  const inside = rest.slice(from)
  if (!callStart.test(inside)) return !isComplete && partOfCallStart.test(inside) ? needsMore : noMatch
  const found = closedFence(rest, from)
  if (found === undefined && !isComplete) return needsMore
  const body = found === undefined ? CallBody.readLast(inside, tools) : CallBody.read(found.body, tools)
  const pieces = toPieces(body.calls, tools, "fence")
  // Code that calls no known tool is spoken.
  if (body._tag !== "Calls" || !pieces.some(({ _tag }) => _tag === "Call")) return noMatch
  return match(found?.length ?? rest.length, { pieces })
}

export const rule: OutputRule = (place) => {
  const { isComplete, rest } = place
  if (!rest.startsWith("`")) return noMatch
  if (isPartOfFence(rest) && !isComplete) return needsMore
  const begun = callFence.exec(rest)
  if (begun !== null) return callsIn(place, begun[0].length)
  const answer = answerFence.exec(rest)
  // After a call the model has invented this answer and all text that follows it.
  if (answer !== null) return place.isReplyEmpty ? match(answer[0].length, { skip: { end: fenceEnd, maxEndLength: 3 } }) : match(rest.length, { endsTurn: true })
  const opened = codeFence.exec(rest)
  return opened === null ? noMatch : possibleCallsIn(place, opened[0].length)
}

/** The rule for `tool_code` alone on its line. The model has left out the fence before it. */
export const languageLine: OutputRule = (place) => {
  const { isComplete, rest } = place
  if (!isLineStart(place)) return noMatch
  const word = "tool_code"
  if (word.startsWith(rest)) return isComplete ? noMatch : needsMore
  if (!rest.startsWith(word)) return noMatch
  const [line] = /^tool_code[^\S\n]*\n/.exec(rest) ?? []
  if (line !== undefined) return match(line.length)
  return /^tool_code[^\S\n]*$/.test(rest) ? isComplete ? match(rest.length) : needsMore : noMatch
}
