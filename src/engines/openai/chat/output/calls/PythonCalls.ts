/**
 * A tool call as a line of Python, as Llama 3.2 and 4, Gemma, LFM2 and Olmo write it:
 *
 *     transfer(to="billing")
 *
 * The call may be inside of `print(…)`, awaited, assigned to a variable, or begin with the name of a module. Arguments are literals.
 * Expressions are not computed. Pure.
 */
import { Predicate, type Schema } from "effect"
import type { KnownTools } from "./KnownTools.ts"
import * as LiteralReader from "./LiteralReader.ts"
import { nameByPosition, type WrittenCall } from "./WrittenCall.ts"

type ParsedCall =
  /** `end`: the place after the call. */
  | { readonly _tag: "Call"; readonly call: WrittenCall; readonly end: number; readonly hasNamedArguments: boolean }
  | { readonly _tag: "Incomplete" }
  | { readonly _tag: "Invalid" }

const incomplete: ParsedCall = { _tag: "Incomplete" }
const invalid: ParsedCall = { _tag: "Invalid" }

const beginning = /\s*(?:[A-Za-z_]\w*\s*=\s*)?(?:await\s+)?(print\s*\(\s*)?(?:await\s+)?([A-Za-z_][\w.-]*)\s*\(/y
/** Text that may still become the beginning of a call. */
const partOfBeginning = /\s*(?:[A-Za-z_]\w*\s*=\s*)?(?:await\s+)?(?:print\s*\(\s*)?(?:await\s+)?(?:[A-Za-z_][\w.-]*\s*)?$/y
const keyword = /\s*([A-Za-z_]\w*)\s*=(?!=)/y
const blanks = /\s*/y

const skip = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at
  return at + (pattern.exec(text)?.[0].length ?? 0)
}

/** Reads the call that begins at `from`. */
export const parse = (text: string, from: number, tools: KnownTools): ParsedCall => {
  beginning.lastIndex = from
  const begun = beginning.exec(text)
  if (begun === null) {
    partOfBeginning.lastIndex = from
    return partOfBeginning.test(text) ? incomplete : invalid
  }
  const [whole, print, name] = begun
  let at = from + whole.length
  const positional: Array<Schema.Json> = []
  const named: Record<string, Schema.Json> = {}
  for (;;) {
    at = skip(blanks, text, at)
    if (at >= text.length) return incomplete
    if (text[at] === ")") {
      at++
      break
    }
    keyword.lastIndex = at
    const key = keyword.exec(text)
    const isSpread = text.startsWith("**", at)
    const value = LiteralReader.parse(text, key === null ? at + (isSpread ? 2 : 0) : at + key[0].length)
    if (value._tag !== "Value") {
      // The name of an argument may end here, before its equals sign.
      const isOpen = value._tag === "Incomplete" || key === null && /^(?:\*|[\w.-]*\s*=?)$/.test(text.slice(at))
      return isOpen ? incomplete : invalid
    }
    if (key !== null) named[key[1]] = value.value
    else if (isSpread) {
      if (!Predicate.isObject(value.value) || Array.isArray(value.value)) return invalid
      Object.assign(named, value.value)
    } else positional.push(value.value)
    at = skip(blanks, text, value.end)
    if (text[at] === ",") at++
    else if (text[at] !== ")") return at >= text.length ? incomplete : invalid
  }
  if (print !== undefined) {
    at = skip(blanks, text, at)
    if (at >= text.length) return incomplete
    if (text[at] !== ")") return invalid
    at++
  }
  const hasNamedArguments = Object.keys(named).length > 0
  const placed = nameByPosition(positional, tools.find(name))
  const isReadable = Predicate.isObject(placed) && !Array.isArray(placed)
  return {
    _tag: "Call",
    call: { name, arguments: isReadable ? { ...placed as { readonly [key: string]: Schema.Json }, ...named } : undefined },
    end: at,
    hasNamedArguments
  }
}
