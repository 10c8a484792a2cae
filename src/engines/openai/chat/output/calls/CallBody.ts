/**
 * The calls between the signs of any format. Models mix them: JSON where Python belongs, a name in front of JSON, a code
 * fence inside of a tag. So the signs only say that this is a call; what it says is read by its own look.
 */
import * as JsonCalls from "./JsonCalls.ts"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import * as PythonCalls from "./PythonCalls.ts"
import * as TaggedCalls from "./TaggedCalls.ts"
import type { WrittenCall } from "./WrittenCall.ts"

export type Body =
  | { readonly _tag: "Calls"; readonly calls: ReadonlyArray<WrittenCall>; readonly end: number }
  /** The last call is not whole; those before it are. */
  | { readonly _tag: "Incomplete"; readonly calls: ReadonlyArray<WrittenCall>; readonly from: number }
  | { readonly _tag: "Unreadable"; readonly calls: ReadonlyArray<WrittenCall> }

/** Signs between parts of a call: Mistral's, DeepSeek's, Kimi's; but not the quotes of Gemma 4. */
const specialToken = /<[|｜][^|｜<>"\n]{1,40}[|｜]>|\[(?:ARGS|TOOL_CALLS|CALL_ID)\]/g

/** What may stand between two calls: blanks, commas, comments, tags, code fences. */
const between = /(?:[\s,;]|#[^\n]*\n|<\/?[A-Za-z_:]{1,40}>|```\w*)+/y
const functionWord = /(?:function\s+|call:\s*)/y
const name = /[A-Za-z_][\w.-]*(?::\d+)?/y
/** Between a name and its JSON: `name: {`, `name =`, a fence, Mistral's id of nine letters. */
const beforeArguments = /[\s:=]*(?:```\w*)?[\s:=]*(?:[A-Za-z0-9]{9}\s+(?=\{))?/y

const matchAt = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ""
}

/** The same length, so that places stay what they are. */
const blanked = (body: string): string => body.replace(specialToken, (token) => " ".repeat(token.length))

type One =
  | { readonly _tag: "Calls"; readonly calls: ReadonlyArray<WrittenCall>; readonly end: number }
  | { readonly _tag: "Incomplete" }
  | { readonly _tag: "Unreadable" }

const unreadable: One = { _tag: "Unreadable" }
const incomplete: One = { _tag: "Incomplete" }

const readValue = (text: string, at: number, tools: KnownTools): One => {
  const parsed = LiteralReader.parse(text, at)
  if (parsed._tag === "Incomplete") return incomplete
  if (parsed._tag === "Value") {
    const calls = JsonCalls.find(parsed.value, tools)
    if (calls !== undefined) return { _tag: "Calls", calls, end: parsed.end }
  }
  if (text[at] !== "[") return unreadable
  // A list of Python's.
  const calls: Array<WrittenCall> = []
  for (let from = at + 1;;) {
    const call = PythonCalls.parse(text, from, tools)
    if (call._tag !== "Call") return call._tag === "Incomplete" ? incomplete : unreadable
    calls.push(call.call)
    const [whole, sign] = /^\s*([,\]])?/.exec(text.slice(call.end)) ?? ["", undefined]
    from = call.end + whole.length
    if (sign === "]") return { _tag: "Calls", calls, end: from }
    if (sign === undefined) return from >= text.length ? incomplete : unreadable
  }
}

/** Text behind a name that more text can make the sign before its arguments. */
const partOfSign = /^[\s:=]*(?:`{1,3}\w*)?[\s:=]*(?:(?<=\s)[A-Za-z0-9]{1,9}\s*)?(?:\[[A-Z_]*|<[^>]{0,40})?$/
/** A sign between parts of a call that is not whole yet. */
const partOfToken = /(?:<(?:[|｜][^|｜<>"\n]{0,40}[|｜]?)?|\[[A-Z_]{0,12})$/
/** The same before a call. */
const partOfBetween = /^(?:#[^\n]*|<[^>]{0,40}|`{1,3}\w*)$/

const readNamed = (text: string, at: number, tools: KnownTools, isWhole: boolean): One => {
  const python = PythonCalls.parse(text, at, tools)
  if (python._tag === "Call") return { _tag: "Calls", calls: [python.call], end: python.end }
  const from = at + matchAt(functionWord, text, at).length
  const found = matchAt(name, text, from)
  if (found === "") return from >= text.length ? incomplete : unreadable
  const behind = from + found.length
  const next = behind + matchAt(beforeArguments, text, behind).length
  if (text[next] === "{") {
    const value = LiteralReader.parse(text, next, { takesBareWords: true })
    if (value._tag === "Value") return { _tag: "Calls", calls: [{ name: found, arguments: value.value }], end: value.end }
    return value._tag === "Incomplete" ? incomplete : unreadable
  }
  if (!isWhole) return python._tag === "Incomplete" || next >= text.length || partOfSign.test(text.slice(behind)) ? incomplete : unreadable
  // A name alone is a call without arguments, if nothing else stands there.
  if (text.slice(behind).replace(/[\s;`]|<\/?[A-Za-z_:]{1,40}>/g, "") !== "") return python._tag === "Incomplete" ? incomplete : unreadable
  return { _tag: "Calls", calls: [{ name: found, arguments: {} }], end: text.length }
}

export interface Options {
  /** No more than one value, which is where a format without a sign for its end is over. */
  readonly once?: boolean
  /** The sign of the end stands behind the body, so that tags that are still open end there as well. */
  readonly isClosed?: boolean
}

/** Reads one call after the other. */
export const read = (body: string, tools: KnownTools, options: Options = {}): Body => {
  if (options.once !== true && TaggedCalls.isWrittenSo(body)) {
    const calls = TaggedCalls.find(body, tools, options.isClosed === true)
    return calls === undefined ? { _tag: "Unreadable", calls: [] } : { _tag: "Calls", calls, end: body.length }
  }
  const text = blanked(body)
  const calls: Array<WrittenCall> = []
  let end = 0
  for (;;) {
    const at = end + matchAt(between, text, end).length
    if (at >= text.length) return calls.length > 0 ? { _tag: "Calls", calls, end } : { _tag: "Incomplete", calls, from: end }
    if (options.isClosed !== true && partOfBetween.test(text.slice(at))) return { _tag: "Incomplete", calls, from: end }
    const one = /[[{]/.test(text[at]) ? readValue(text, at, tools) : readNamed(text, at, tools, options.isClosed === true)
    if (one._tag === "Incomplete") return { _tag: "Incomplete", calls, from: end }
    if (one._tag === "Unreadable" && options.isClosed !== true && partOfToken.test(text)) return { _tag: "Incomplete", calls, from: end }
    // The calls end here: the text behind them is ordinary text.
    if (one._tag !== "Calls") return calls.length > 0 ? { _tag: "Calls", calls, end } : { _tag: "Unreadable", calls }
    calls.push(...one.calls)
    end = one.end
    if (options.once === true) return { _tag: "Calls", calls, end }
  }
}

/** Closing brackets that a model left out behind its last value. */
const forgotten = ["}", "]", "}]", "}}"]

/** The same where nothing more comes: brackets that are missing behind a value that is whole are added. */
export const readLast = (body: string, tools: KnownTools): Body => {
  const found = read(body, tools)
  if (found._tag !== "Incomplete") return found
  // Words behind a call are text again.
  if (found.calls.length > 0 && /^[^[({<]*$/.test(body.slice(found.from))) return { _tag: "Calls", calls: found.calls, end: found.from }
  const trimmed = body.trimEnd()
  if (!/[}\]]$/.test(trimmed)) return found
  for (const brackets of forgotten) {
    const mended = read(trimmed + brackets, tools)
    if (mended._tag === "Calls") return { ...mended, end: body.length }
  }
  return found
}
