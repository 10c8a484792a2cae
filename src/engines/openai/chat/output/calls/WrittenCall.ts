/**
 * A call as a model wrote it into its text, in whatever format: a name, and the arguments as far as they could be read.
 */
import { Predicate, type Schema } from "effect"
import type { KnownTool } from "./KnownTools.ts"

export interface WrittenCall {
  readonly name: string
  /** Unset: they can't be read. */
  readonly arguments: Schema.Json | undefined
}

const truths: Readonly<Record<string, boolean>> = { true: true, false: false }

const parseJson = (text: string): Schema.Json | undefined => {
  try {
    return JSON.parse(text) as Schema.Json
  } catch {
    return undefined
  }
}

/** A parameter's text as the value that its schema wants: formats of tags write all values as text. */
export const typed = (text: string, type: string | undefined): Schema.Json => {
  switch (type) {
    case "string":
      return text
    case "number":
    case "integer": {
      const value = Number(text)
      return text.trim() !== "" && Number.isFinite(value) ? value : text
    }
    case "boolean":
      return truths[text.trim().toLowerCase()] ?? text
    default: {
      // Only what can't have been meant as text: a postcode is none of these.
      const value = /^\s*[[{]/.test(text) || type !== undefined ? parseJson(text) : undefined
      return value ?? text
    }
  }
}

/** Values without names, by the order of the tool's parameters; unset where there are too many. */
export const byPosition = (values: ReadonlyArray<Schema.Json>, tool: KnownTool | undefined): Schema.Json | undefined => {
  if (values.length === 0) return {}
  const [first] = values
  if (values.length === 1 && Predicate.isObject(first) && !Array.isArray(first)) return first
  const names = [...tool?.parameters.keys() ?? []]
  return values.length > names.length ? undefined : Object.fromEntries(values.map((value, at) => [names[at], value]))
}
