/**
 * Tool calls inside of a code fence, as Gemma, Gemini and small models write them:
 *
 *     ```tool_code
 *     print(transfer(to="billing"))
 *     ```
 *
 * A fence that says it is a call is never spoken. One of Python, JSON or nothing is held back only while what is in it
 * looks like a call; it is text where it is none.
 */
import * as CallBody from "./calls/CallBody.ts"
import { type Found, isLineStart, nothing, type Place, type OutputRule, taken, toPieces, wait } from "./OutputRule.ts"

const sayCall = /^```[^\S\n]*(?:tool_?codes?|tool_?calls?|tool_?use|tools?|tool_?request|function_?calls?|functions?|actions?)\b/i
const answers = /^```[^\S\n]*(?:tool_?outputs?|tool_?responses?|tool_?results?|outputs?)\b/i
const mayHoldCall = /^```[^\S\n]*(?:python3?|py|json5?|jsonc|xml|javascript|js|text|plaintext|bash|sh|code)?[^\S\n]*\n/i

const names = [
  "tool_code", "tool_codes", "tool_call", "tool_calls", "tool_use", "tool_output", "tool_outputs", "tool_request", "tool_response", "tool_result", "tools",
  "toolcode", "toolcall", "tool", "function_call", "function_calls", "functioncall", "function", "functions", "action", "actions", "python", "python3",
  "py", "json", "json5", "jsonc", "xml", "javascript", "js", "text", "plaintext", "bash", "sh", "code", "output"
]

/** The beginning of a fence whose language is not known yet. */
const isPart = (rest: string): boolean => {
  const [, name] = /^`{1,2}$|^```[^\S\n]*(\w*)[^\S\n]*$/.exec(rest) ?? []
  if (name === undefined) return /^`{1,2}$/.test(rest)
  return name === "" || names.some((known) => known.startsWith(name.toLowerCase()))
}

/** What a call begins with: brackets, or a name and its bracket. */
const callBegins = /^\s*(?:#[^\n]*\n\s*)*(?:[[{<]|(?:[A-Za-z_]\w*\s*=\s*)?(?:await\s+)?[A-Za-z_][\w.-]*\s*\()/
const mayBegin = /^\s*(?:#[^\n]*\n\s*)*(?:#[^\n]*|(?:[A-Za-z_]\w*\s*=?\s*)?(?:await\s*)?(?:[A-Za-z_][\w.-]*\s*)?)$/

const close = /```/

const endOf = (rest: string, from: number): { readonly body: string; readonly length: number } | undefined => {
  const end = close.exec(rest.slice(from))
  return end === null ? undefined : { body: rest.slice(from, from + end.index), length: from + end.index + 3 }
}

const certain = (place: Place, from: number): Found => {
  const { isLast, rest, tools } = place
  const dropped = { _tag: "Dropped", format: "fence" } as const
  const found = endOf(rest, from)
  if (found === undefined && !isLast) return { _tag: "Wait", otherwise: taken(from, { pieces: [dropped], skip: { end: close, longest: 3 } }) }
  const body = found === undefined ? CallBody.readLast(rest.slice(from), tools) : CallBody.read(found.body, tools, { isClosed: true })
  const pieces = toPieces(body.calls, tools, "fence")
  return taken(found?.length ?? rest.length, { pieces: body._tag === "Calls" ? pieces : [...pieces, dropped] })
}

const possible = (place: Place, from: number): Found => {
  const { isLast, rest, tools } = place
  const inside = rest.slice(from)
  if (!callBegins.test(inside)) return !isLast && mayBegin.test(inside) ? wait : nothing
  const found = endOf(rest, from)
  if (found === undefined && !isLast) return wait
  const body = found === undefined ? CallBody.readLast(inside, tools) : CallBody.read(found.body, tools)
  const pieces = toPieces(body.calls, tools, "fence")
  // Code that calls something else is code.
  if (body._tag !== "Calls" || !pieces.some(({ _tag }) => _tag === "Call")) return nothing
  return taken(found?.length ?? rest.length, { pieces })
}

export const rule: OutputRule = {
  name: "fence",
  look: (place) => {
    const { isLast, rest } = place
    if (!rest.startsWith("`")) return nothing
    if (isPart(rest) && !isLast) return wait
    const begun = sayCall.exec(rest)
    if (begun !== null) return certain(place, begun[0].length)
    const answer = answers.exec(rest)
    // An answer that the model has made up: what follows rests on it, if there was a call before.
    if (answer !== null) return place.isUnsaid ? taken(answer[0].length, { skip: { end: close, longest: 3 } }) : taken(rest.length, { isEnd: true })
    const opened = mayHoldCall.exec(rest)
    return opened === null ? nothing : possible(place, opened[0].length)
  }
}

/** The language of a fence alone on its line, where the model left out the fence itself. */
export const language: OutputRule = {
  name: "fence-language",
  look: (place) => {
    const { isLast, rest } = place
    if (!isLineStart(place)) return nothing
    const word = "tool_code"
    if (word.startsWith(rest)) return isLast ? nothing : wait
    if (!rest.startsWith(word)) return nothing
    const [line] = /^tool_code[^\S\n]*\n/.exec(rest) ?? []
    if (line !== undefined) return taken(line.length)
    return /^tool_code[^\S\n]*$/.test(rest) ? isLast ? taken(rest.length) : wait : nothing
  }
}
