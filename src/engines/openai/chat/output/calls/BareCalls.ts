/**
 * Tool calls without delimiters. Ordinary text also has brackets and braces, so the rules are strict:
 *
 * - `{"name": "transfer", …}`: JSON with calls whose first key is a usual key of calls or the name of a tool;
 * - `[transfer(to="billing")]`: a Python list of calls, if a call is of a known tool or has named arguments;
 * - `transfer(to="billing")`: a call of a known tool that ends its line and begins a line or sentence.
 */
import * as CallBody from "./CallBody.ts"
import * as JsonCalls from "./JsonCalls.ts"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import * as PythonCalls from "./PythonCalls.ts"
import { type RuleResult, isSentenceStart, noMatch, type Place, type OutputRule, match, toPieces, needsMore } from "../OutputRule.ts"

const droppedJson = { _tag: "DroppedCall", format: "json" } as const

const firstKey = /^(?:\[\s*)?\{\s*(?:["']([^"'\n]{0,64})(["']?))?/
const isOpening = /^(?:\[\s*)?(?:\{\s*)?$/

/** Whether a text begins like the JSON of a call. `maybe`: more text is needed to decide. */
const beginsLikeCall = (rest: string, tools: KnownTools): "yes" | "no" | "maybe" => {
  if (isOpening.test(rest)) return "maybe"
  const [whole, key, quote] = firstKey.exec(rest) ?? []
  if (whole === undefined || key === undefined) return "no"
  if (quote !== "") return JsonCalls.firstKeys.includes(key) || tools.find(key) !== undefined ? "yes" : "no"
  if (whole.length < rest.length) return "no"
  const start = key.toLowerCase()
  return JsonCalls.firstKeys.some((known) => known.startsWith(key)) || tools.names.some((name) => name.startsWith(start)) ? "maybe" : "no"
}

/** Whether unreadable JSON was meant as a call: it has a key of arguments, or the name of a known tool as a value. */
const looksLikeCall = (text: string, tools: KnownTools): boolean =>
  /["'](?:arguments|parameters|args|action_input|tool_input)["']\s*:/.test(text)
  || [...text.matchAll(/:\s*["']([\w.-]{1,64})["']/g)].some(([, name]) => tools.find(name) !== undefined)

export const json: OutputRule = (place) => {
  const { isComplete, rest, tools } = place
  if (!/^[[{]/.test(rest)) return noMatch
  const start = beginsLikeCall(rest, tools)
  if (start === "no") return noMatch
  if (start === "maybe") return !isComplete ? needsMore : /["']/.test(rest) ? match(rest.length, { pieces: [droppedJson] }) : noMatch
  const parsed = LiteralReader.parse(rest)
  if (parsed._tag === "Value") {
    const calls = JsonCalls.find(parsed.value, tools)
    return calls === undefined ? noMatch : match(parsed.end, { pieces: toPieces(calls, tools, "json") })
  }
  if (parsed._tag === "Invalid") {
    return looksLikeCall(rest.slice(0, parsed.at), tools) ? match(Math.max(1, parsed.at), { pieces: [droppedJson] }) : noMatch
  }
  if (!isComplete) return { _tag: "NeedsMore", ifTooLong: match(rest.length, { pieces: [droppedJson], skip: { end: /\n\n/, maxEndLength: 2 } }) }
  const mended = CallBody.readLast(rest, tools)
  if (mended._tag === "Calls") return match(rest.length, { pieces: toPieces(mended.calls, tools, "json") })
  // An incomplete JSON value must not be spoken.
  return match(rest.length, { pieces: [droppedJson] })
}

export const pythonList: OutputRule = (place) => {
  const { isComplete, rest, tools } = place
  if (!rest.startsWith("[")) return noMatch
  let hasKnownTool = false
  let hasNamedArguments = false
  const calls = []
  for (let from = 1;;) {
    const parsed = PythonCalls.parse(rest, from, tools)
    if (parsed._tag === "Invalid") return noMatch
    if (parsed._tag === "Incomplete") {
      if (!isComplete) return needsMore
      // A list of calls that was cut off is left out. A word in brackets is ordinary text.
      return calls.length > 0 || /^\[\s*[\w.-]+\(\s*\w+\s*=/.test(rest) || beginsKnownCall(rest, tools) ? match(rest.length, { pieces: [{ _tag: "DroppedCall", format: "python" }] }) : noMatch
    }
    calls.push(parsed.call)
    hasKnownTool ||= tools.find(parsed.call.name) !== undefined
    hasNamedArguments ||= parsed.hasNamedArguments
    const [gap, sign] = /^\s*([,\]])?/.exec(rest.slice(parsed.end)) ?? ["", undefined]
    from = parsed.end + gap.length
    if (sign === "]") return hasKnownTool || hasNamedArguments ? match(from, { pieces: toPieces(calls, tools, "python") }) : noMatch
    if (sign === undefined) {
      if (from < rest.length) return noMatch
      if (!isComplete) return needsMore
      return hasKnownTool || hasNamedArguments ? match(rest.length, { pieces: toPieces(calls, tools, "python") }) : noMatch
    }
  }
}

/** Whether a text begins with the name of a known tool and its bracket. */
const beginsKnownCall = (text: string, tools: KnownTools): boolean => {
  const [, name] = /^[[`\s]*(?:print\(\s*)?([A-Za-z_][\w.-]*)\(/.exec(text) ?? []
  return name !== undefined && tools.find(name) !== undefined
}

const callNameAtStart = /^`?(?:print\(\s*)?([A-Za-z_][\w.-]*)(\(?)/

/** Whether more text may make this the call of a known tool. */
const mayBecomeCall = (rest: string, tools: KnownTools): boolean => {
  const [whole, name = "", bracket = ""] = callNameAtStart.exec(rest) ?? []
  if (whole === undefined) return rest === "`"
  if (bracket !== "") return tools.find(name) !== undefined || name === "print"
  if (whole.length < rest.length) return false
  const start = name.toLowerCase().replace(/^(?:functions?|default_api|tools?)\./, "")
  return ["print", "functions", "default_api", "tools", ...tools.names].some((known) => known.startsWith(start))
}

const cannotBeCall = (rest: string, tools: KnownTools): boolean => !mayBecomeCall(rest, tools) && !beginsKnownCall(rest, tools)

export const python: OutputRule = (place: Place): RuleResult => {
  const { isComplete, rest, tools } = place
  if (!/^[`A-Za-z_]/.test(rest) || rest.startsWith("``") || !isSentenceStart(place) || cannotBeCall(rest, tools)) return noMatch
  const from = rest.startsWith("`") ? 1 : 0
  const parsed = PythonCalls.parse(rest, from, tools)
  if (parsed._tag === "Invalid") return noMatch
  if (parsed._tag === "Incomplete") {
    if (!isComplete) return needsMore
    return beginsKnownCall(rest, tools) ? match(rest.length, { pieces: [{ _tag: "DroppedCall", format: "python" }] }) : noMatch
  }
  if (tools.find(parsed.call.name) === undefined) return noMatch
  // If words follow on the same line, the call is ordinary text: "hang_up() ends the call".
  const textAfter = rest.slice(parsed.end)
  const [signs] = /^(?:[;`.]|[^\S\n])*/.exec(textAfter) ?? [""]
  if (signs.length === textAfter.length && !isComplete) return needsMore
  if (textAfter[signs.length] !== undefined && !/[\n<[]/.test(textAfter[signs.length])) return noMatch
  return match(parsed.end + signs.length, { pieces: toPieces([parsed.call], tools, "python") })
}
