/**
 * The tools and actions that a request offers, as a call in the text may name them: in any case, with a hyphen for an
 * underscore, with a namespace in front (`functions.`, `default_api.`) or a number behind (`functions.transfer:0`).
 */
import { Predicate } from "effect"
import type { ToolDefinition } from "../../ModelActions.ts"

export interface KnownTool {
  /** As the agent's file has it. */
  readonly name: string
  /** The names of its parameters in their order, each with its JSON type where the schema tells one. */
  readonly parameters: ReadonlyMap<string, string | undefined>
}

export interface KnownTools {
  readonly find: (written: string) => KnownTool | undefined
  /** In lower case, for text that may begin with one. */
  readonly names: ReadonlyArray<string>
}

const namespace = /^(?:functions?|tools?|default_api|api)[.:]+/

/** One spelling of a name, however it was written. */
const plain = (written: string): string =>
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
    return [plain(name), { name, parameters: parametersOf(definition) }] as const
  }))
  return { find: (written) => tools.get(plain(written)), names: [...tools.values()].map(({ name }) => name.toLowerCase()) }
}

/** For text that is read where nothing can be called. */
export const none: KnownTools = make([])
