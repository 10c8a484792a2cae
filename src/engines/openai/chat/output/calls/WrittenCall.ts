/** A tool call that a model wrote into its text, read from any format. Pure. */
import { Predicate, type Schema } from "effect"
import type { KnownTool } from "./KnownTools.ts"

export interface WrittenCall {
  /** The name as the model wrote it; see `KnownTools.find`. */
  readonly name: string
  /** Undefined if the arguments are unreadable. */
  readonly arguments: Schema.Json | undefined
}

const booleans: Readonly<Record<string, boolean>> = { true: true, false: false }

const parseJson = (text: string): Schema.Json | undefined => {
  try {
    return JSON.parse(text) as Schema.Json
  } catch {
    return undefined
  }
}

/** The value of an argument that is written as text, as in XML. `type`: the JSON type in the tool's schema, if it has one. */
export const typedValue = (text: string, type: string | undefined): Schema.Json => {
  switch (type) {
    case "string":
      return text
    case "number":
    case "integer": {
      const value = Number(text)
      return text.trim() !== "" && Number.isFinite(value) ? value : text
    }
    case "boolean":
      return booleans[text.trim().toLowerCase()] ?? text
    default: {
      // Without a type, only text with a bracket at its start is read as JSON: "01234" may be a postcode.
      const value = /^\s*[[{]/.test(text) || type !== undefined ? parseJson(text) : undefined
      return value ?? text
    }
  }
}

/** Names arguments by the order of the tool's parameters; undefined if there are too many. */
export const nameByPosition = (values: ReadonlyArray<Schema.Json>, tool: KnownTool | undefined): Schema.Json | undefined => {
  if (values.length === 0) return {}
  const [first] = values
  if (values.length === 1 && Predicate.isObject(first) && !Array.isArray(first)) return first
  const names = [...tool?.parameters.keys() ?? []]
  return values.length > names.length ? undefined : Object.fromEntries(values.map((value, at) => [names[at], value]))
}
