/**
 * Tool calls without any sign around them. Ordinary text has brackets and braces too, so these rules are tight:
 *
 * - JSON whose first key is one of a call's (`name`, `arguments` …) or a tool's name, and that turns out to be a call;
 * - a list in Python whose items are calls: of known tools, or with arguments by name;
 * - a line, or the last sentence of one, that is nothing but the call of a known tool: `transfer(to="billing")`.
 */
import * as CallBody from "./CallBody.ts"
import * as JsonCalls from "./JsonCalls.ts"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import * as PythonCalls from "./PythonCalls.ts"
import { type Found, isBeginning, nothing, type Place, type OutputRule, taken, toPieces, wait } from "../OutputRule.ts"

const dropped = { _tag: "Dropped", format: "json" } as const

const firstKey = /^(?:\[\s*)?\{\s*(?:["']([^"'\n]{0,64})(["']?))?/
const isOpening = /^(?:\[\s*)?(?:\{\s*)?$/

/** Whether this begins as the JSON of a call does; `maybe`: so far. */
const begins = (rest: string, tools: KnownTools): "yes" | "no" | "maybe" => {
  if (isOpening.test(rest)) return "maybe"
  const [whole, key, quote] = firstKey.exec(rest) ?? []
  if (whole === undefined || key === undefined) return "no"
  if (quote !== "") return JsonCalls.firstKeys.includes(key) || tools.find(key) !== undefined ? "yes" : "no"
  if (whole.length < rest.length) return "no"
  const start = key.toLowerCase()
  return JsonCalls.firstKeys.some((known) => known.startsWith(key)) || tools.names.some((name) => name.startsWith(start)) ? "maybe" : "no"
}

/** A call by its look, though it can't be read: it has arguments, or the name of a known tool. */
const looksLikeCall = (text: string, tools: KnownTools): boolean =>
  /["'](?:arguments|parameters|args|action_input|tool_input)["']\s*:/.test(text)
  || [...text.matchAll(/:\s*["']([\w.-]{1,64})["']/g)].some(([, name]) => tools.find(name) !== undefined)

export const json: OutputRule = {
  name: "json",
  look: (place) => {
    const { isLast, rest, tools } = place
    if (!/^[[{]/.test(rest)) return nothing
    const start = begins(rest, tools)
    if (start === "no") return nothing
    if (start === "maybe") return !isLast ? wait : /["']/.test(rest) ? taken(rest.length, { pieces: [dropped] }) : nothing
    const parsed = LiteralReader.parse(rest)
    if (parsed._tag === "Value") {
      const calls = JsonCalls.find(parsed.value, tools)
      return calls === undefined ? nothing : taken(parsed.end, { pieces: toPieces(calls, tools, "json") })
    }
    if (parsed._tag === "Invalid") {
      return looksLikeCall(rest.slice(0, parsed.at), tools) ? taken(Math.max(1, parsed.at), { pieces: [dropped] }) : nothing
    }
    if (!isLast) return { _tag: "Wait", otherwise: taken(rest.length, { pieces: [dropped], skip: { end: /\n\n/, longest: 2 } }) }
    const mended = CallBody.readLast(rest, tools)
    if (mended._tag === "Calls") return taken(rest.length, { pieces: toPieces(mended.calls, tools, "json") })
    // Half of it is nothing that could be spoken.
    return taken(rest.length, { pieces: [dropped] })
  }
}

export const pythonList: OutputRule = {
  name: "python-list",
  look: (place) => {
    const { isLast, rest, tools } = place
    if (!rest.startsWith("[")) return nothing
    let hasKnown = false
    let hasNamed = false
    const calls = []
    for (let from = 1;;) {
      const parsed = PythonCalls.parse(rest, from, tools)
      if (parsed._tag === "Invalid") return nothing
      if (parsed._tag === "Incomplete") {
        if (!isLast) return wait
        // Cut off: dropped, if there was more than a word in brackets.
        return calls.length > 0 || /^\[\s*[\w.-]+\(\s*\w+\s*=/.test(rest) || isKnownBegun(rest, tools) ? taken(rest.length, { pieces: [{ _tag: "Dropped", format: "python" }] }) : nothing
      }
      calls.push(parsed.call)
      hasKnown ||= tools.find(parsed.call.name) !== undefined
      hasNamed ||= parsed.hasNamedArguments
      const [gap, sign] = /^\s*([,\]])?/.exec(rest.slice(parsed.end)) ?? ["", undefined]
      from = parsed.end + gap.length
      if (sign === "]") return hasKnown || hasNamed ? taken(from, { pieces: toPieces(calls, tools, "python") }) : nothing
      if (sign === undefined) {
        if (from < rest.length) return nothing
        if (!isLast) return wait
        return hasKnown || hasNamed ? taken(rest.length, { pieces: toPieces(calls, tools, "python") }) : nothing
      }
    }
  }
}

/** A name and its bracket, the name a known one. */
const isKnownBegun = (text: string, tools: KnownTools): boolean => {
  const [, name] = /^[[`\s]*(?:print\(\s*)?([A-Za-z_][\w.-]*)\(/.exec(text) ?? []
  return name !== undefined && tools.find(name) !== undefined
}

const nameOnly = /^`?(?:print\(\s*)?([A-Za-z_][\w.-]*)(\(?)/

/** The words that a line of code may begin with; a name may follow in the next piece. */
const mayBeCall = (rest: string, tools: KnownTools): boolean => {
  const [whole, name = "", bracket = ""] = nameOnly.exec(rest) ?? []
  if (whole === undefined) return rest === "`"
  if (bracket !== "") return tools.find(name) !== undefined || name === "print"
  if (whole.length < rest.length) return false
  const start = name.toLowerCase().replace(/^(?:functions?|default_api|tools?)\./, "")
  return ["print", "functions", "default_api", "tools", ...tools.names].some((known) => known.startsWith(start))
}

const isNoCall = (rest: string, tools: KnownTools): boolean => !mayBeCall(rest, tools) && !isKnownBegun(rest, tools)

export const python: OutputRule = {
  name: "python",
  look: (place: Place): Found => {
    const { isLast, rest, tools } = place
    if (!/^[`A-Za-z_]/.test(rest) || rest.startsWith("``") || !isBeginning(place) || isNoCall(rest, tools)) return nothing
    const from = rest.startsWith("`") ? 1 : 0
    const parsed = PythonCalls.parse(rest, from, tools)
    if (parsed._tag === "Invalid") return nothing
    if (parsed._tag === "Incomplete") {
      if (!isLast) return wait
      return isKnownBegun(rest, tools) ? taken(rest.length, { pieces: [{ _tag: "Dropped", format: "python" }] }) : nothing
    }
    if (tools.find(parsed.call.name) === undefined) return nothing
    // "hang_up() ends the call" is prose.
    const behind = rest.slice(parsed.end)
    const [rests] = /^(?:[;`.]|[^\S\n])*/.exec(behind) ?? [""]
    if (rests.length === behind.length && !isLast) return wait
    if (behind[rests.length] !== undefined && !/[\n<[]/.test(behind[rests.length])) return nothing
    return taken(parsed.end + rests.length, { pieces: toPieces([parsed.call], tools, "python") })
  }
}
