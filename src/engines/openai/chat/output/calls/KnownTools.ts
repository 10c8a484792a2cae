/**
 * Finds the tools and actions of a request by the names that models write: in upper or lower case, with a hyphen for an underscore, with
 * a namespace (`functions.transfer`, `default_api.transfer`) or a number (`functions.transfer:0`). Pure.
 */
import { Predicate } from "effect"
import type { ToolDefinition } from "../../ModelActions.ts"

export interface KnownTool {
  /** The name in the agent's file. */
  readonly name: string
  /** The JSON type of each parameter by its name, in the order of the schema; undefined if the schema has none. */
  readonly parameters: ReadonlyMap<string, string | undefined>
}

export interface KnownTools {
  readonly find: (written: string) => KnownTool | undefined
  /** The names in lower case, to recognize text that may become a name. */
  readonly names: ReadonlyArray<string>
}

const namespace = /^(?:functions?|tools?|default_api|api)[.:]+/

/** A key that is the same for all spellings of a name. */
const nameKey = (written: string): string =>
  written.trim().replace(/^["'`]+|["'`]+$/g, "").toLowerCase().replace(namespace, "").replace(/:\d+$/, "").replace(/\.call$/, "")
    .replace(/[-\s]/g, "_")

const parametersOf = ({ function: { parameters } }: ToolDefinition): ReadonlyMap<string, string | undefined> => {
  const properties = Predicate.hasProperty(parameters, "properties") && Predicate.isObject(parameters.properties) ? parameters.properties : {}
  return new Map(Object.entries(properties).map(([name, schema]) =>
    [name, Predicate.hasProperty(schema, "type") && Predicate.isString(schema.type) ? schema.type : undefined] as const
  ))
}

export const make = (definitions: ReadonlyArray<ToolDefinition>): KnownTools => {
  const tools = new Map(definitions.map((definition) => {
    const { name } = definition.function
    return [nameKey(name), { name, parameters: parametersOf(definition) }] as const
  }))
  return { find: (written) => tools.get(nameKey(written)), names: [...tools.values()].map(({ name }) => name.toLowerCase()) }
}
