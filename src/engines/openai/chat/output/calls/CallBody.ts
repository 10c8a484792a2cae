/**
 * Reads the tool calls between the delimiters of any format. Models mix formats: JSON in place of Python, a name before JSON, a code fence
 * inside of a tag. So the delimiters only show that the text has calls. The form of each call decides how the call is read. Pure.
 */
import * as JsonCalls from "./JsonCalls.ts"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import * as PythonCalls from "./PythonCalls.ts"
import * as TaggedCalls from "./TaggedCalls.ts"
import type { WrittenCall } from "./WrittenCall.ts"

type CallBody =
  /** `end`: the place after the last call. */
  | { readonly _tag: "Calls"; readonly calls: ReadonlyArray<WrittenCall>; readonly end: number }
  /** The text ends within the last call, which begins at `from`. The calls before it are whole. */
  | { readonly _tag: "Incomplete"; readonly calls: ReadonlyArray<WrittenCall>; readonly from: number }
  /** The text is not a call. `calls`: readable calls before it. */
  | { readonly _tag: "Unreadable"; readonly calls: ReadonlyArray<WrittenCall> }

/** Special tokens between parts of a call, as Mistral, DeepSeek and Kimi write them. The quotes of Gemma 4 do not match. */
const specialToken = /<[|｜][^|｜<>"\n]{1,40}[|｜]>|\[(?:ARGS|TOOL_CALLS|CALL_ID)\]/g

/** Text between two calls: blanks, commas, comments, tags, code fences. */
const separator = /(?:[\s,;]|#[^\n]*\n|<\/?[A-Za-z_:]{1,40}>|```\w*)+/y
const functionWord = /(?:function\s+|call:\s*)/y
const callName = /[A-Za-z_][\w.-]*(?::\d+)?/y
/** Text between a name and its JSON: a colon, an equals sign, a code fence, Mistral's id of nine characters. */
const argumentSeparator = /[\s:=]*(?:```\w*)?[\s:=]*(?:[A-Za-z0-9]{9}\s+(?=\{))?/y

const matchAt = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ""
}

/** The body with blanks in place of special tokens. The length does not change, so places in the body stay the same. */
const withoutTokens = (body: string): string => body.replace(specialToken, (token) => " ".repeat(token.length))

/** The result of reading one call, or one list of calls. */
type OneCall =
  | { readonly _tag: "Calls"; readonly calls: ReadonlyArray<WrittenCall>; readonly end: number }
  | { readonly _tag: "Incomplete" }
  | { readonly _tag: "Unreadable" }

const unreadable: OneCall = { _tag: "Unreadable" }
const incomplete: OneCall = { _tag: "Incomplete" }

const readValue = (text: string, at: number, tools: KnownTools): OneCall => {
  const parsed = LiteralReader.parse(text, at)
  if (parsed._tag === "Incomplete") return incomplete
  if (parsed._tag === "Value") {
    const calls = JsonCalls.find(parsed.value, tools)
    if (calls !== undefined) return { _tag: "Calls", calls, end: parsed.end }
  }
  if (text[at] !== "[") return unreadable
  // A list in Python: `[transfer(to="billing"), hang_up()]`.
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

/** Text after a name that may still become the separator before its arguments. */
const partOfArgumentSeparator = /^[\s:=]*(?:`{1,3}\w*)?[\s:=]*(?:(?<=\s)[A-Za-z0-9]{1,9}\s*)?(?:\[[A-Z_]*|<[^>]{0,40})?$/
/** The beginning of a special token at the end of the text. */
const partOfToken = /(?:<(?:[|｜][^|｜<>"\n]{0,40}[|｜]?)?|\[[A-Z_]{0,12})$/
/** The beginning of a separator before a call. */
const partOfSeparator = /^(?:#[^\n]*|<[^>]{0,40}|`{1,3}\w*)$/

/** Reads a call that begins with its name. `isClosed`: see `ReadOptions`. */
const readNamed = (text: string, at: number, tools: KnownTools, isClosed: boolean): OneCall => {
  const python = PythonCalls.parse(text, at, tools)
  if (python._tag === "Call") return { _tag: "Calls", calls: [python.call], end: python.end }
  const from = at + matchAt(functionWord, text, at).length
  const found = matchAt(callName, text, from)
  if (found === "") return from >= text.length ? incomplete : unreadable
  const nameEnd = from + found.length
  const next = nameEnd + matchAt(argumentSeparator, text, nameEnd).length
  if (text[next] === "{") {
    const value = LiteralReader.parse(text, next, { takesBareWords: true })
    if (value._tag === "Value") return { _tag: "Calls", calls: [{ name: found, arguments: value.value }], end: value.end }
    return value._tag === "Incomplete" ? incomplete : unreadable
  }
  if (!isClosed) return python._tag === "Incomplete" || next >= text.length || partOfArgumentSeparator.test(text.slice(nameEnd)) ? incomplete : unreadable
  // A name alone is a call without arguments.
  if (text.slice(nameEnd).replace(/[\s;`]|<\/?[A-Za-z_:]{1,40}>/g, "") !== "") return python._tag === "Incomplete" ? incomplete : unreadable
  return { _tag: "Calls", calls: [{ name: found, arguments: {} }], end: text.length }
}

interface ReadOptions {
  /** Reads only one call or one list, because a format without an end delimiter ends there. */
  readonly once?: boolean
  /** The end delimiter follows the body, so no call goes on after the body. */
  readonly isClosed?: boolean
}

/** Reads all calls of a body. More text may follow the body. */
export const read = (body: string, tools: KnownTools, options: ReadOptions = {}): CallBody => {
  if (options.once !== true && TaggedCalls.hasTags(body)) {
    const calls = TaggedCalls.find(body, tools, options.isClosed === true)
    return calls === undefined ? { _tag: "Unreadable", calls: [] } : { _tag: "Calls", calls, end: body.length }
  }
  const text = withoutTokens(body)
  const calls: Array<WrittenCall> = []
  let end = 0
  for (;;) {
    const at = end + matchAt(separator, text, end).length
    if (at >= text.length) return calls.length > 0 ? { _tag: "Calls", calls, end } : { _tag: "Incomplete", calls, from: end }
    if (options.isClosed !== true && partOfSeparator.test(text.slice(at))) return { _tag: "Incomplete", calls, from: end }
    const one = /[[{]/.test(text[at]) ? readValue(text, at, tools) : readNamed(text, at, tools, options.isClosed === true)
    if (one._tag === "Incomplete") return { _tag: "Incomplete", calls, from: end }
    if (one._tag === "Unreadable" && options.isClosed !== true && partOfToken.test(text)) return { _tag: "Incomplete", calls, from: end }
    // Ordinary text follows the calls.
    if (one._tag !== "Calls") return calls.length > 0 ? { _tag: "Calls", calls, end } : { _tag: "Unreadable", calls }
    calls.push(...one.calls)
    end = one.end
    if (options.once === true) return { _tag: "Calls", calls, end }
  }
}

/** Closing brackets that a model may forget at the end. */
const closingBrackets = ["}", "]", "}]", "}}"]

/** Reads all calls of a body that ends with the answer. Closing brackets that are missing at the end are added. */
export const readLast = (body: string, tools: KnownTools): CallBody => {
  const found = read(body, tools)
  if (found._tag !== "Incomplete") return found
  // Words after a call are ordinary text.
  if (found.calls.length > 0 && /^[^[({<]*$/.test(body.slice(found.from))) return { _tag: "Calls", calls: found.calls, end: found.from }
  const trimmed = body.trimEnd()
  if (!/[}\]]$/.test(trimmed)) return found
  for (const brackets of closingBrackets) {
    const mended = read(trimmed + brackets, tools)
    if (mended._tag === "Calls") return { ...mended, end: body.length }
  }
  return found
}
