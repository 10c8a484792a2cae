/**
 * What a language model may do beside speaking: end the call, hand it on, press keys, ask a tool. It says so either by
 * the server's own tool calls, or, with models that were not trained for those, by a line within its text:
 *
 *     <<hang_up>>
 *     <<press:123#>>
 *     <<transfer:billing>>
 *     <<call:order_status {"order":"A-17"}>>
 *
 * Both ways end here: only the names of the agent's file are taken, and only arguments that fit their schema.
 */
import { JsonSchema, Predicate, Result, Schema, SchemaRepresentation } from "effect"
import type { AgentDefinition, Tool } from "../../../definition/AgentDefinition.ts"

export type Action =
  | { readonly _tag: "HangUp" }
  | { readonly _tag: "Transfer"; readonly to: string }
  | { readonly _tag: "Digits"; readonly digits: string }
  | { readonly _tag: "Call"; readonly tool: Tool; readonly arguments: Schema.Json }

/** A tool as `/chat/completions` takes it. */
export interface ToolDefinition {
  readonly type: "function"
  readonly function: { readonly name: string; readonly description: string; readonly parameters: object }
}

export interface ModelActions {
  /** For the system text, where there are no tool calls. Never changes for an agent: servers keep what they have read. */
  readonly manual: string
  readonly definitions: ReadonlyArray<ToolDefinition>
  /** Reads a line's body; a failure is a sentence for the model. */
  readonly ofMarker: (body: string) => Result.Result<Action, string>
  /** Reads a tool call; the arguments are JSON text, and may be empty. */
  readonly ofCall: (name: string, json: string) => Result.Result<Action, string>
}

/** A tool's schema of arguments is none. */
export class BadParameters extends Schema.TaggedError<BadParameters>()("BadParameters", { tool: Schema.String }) {
  override get message() {
    return `The parameters of the tool ${this.tool} are no JSON schema. Correct them in the agent's file.`
  }
}

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Json))

/** Keys at once; a longer number is no number. */
const keys = /^[0-9*#A-D]{1,32}$/

const namesOf = (names: ReadonlyArray<string>) => names.length === 0 ? "nothing" : names.join(", ")

type Check = (value: Schema.Json) => Result.Result<Schema.Json, string>

const checkOf = (tool: Tool): Result.Result<Check, BadParameters> =>
  Result.try({
    try: (): Check => {
      const document = JsonSchema.fromSchemaDraft2020_12({ type: "object", ...tool.parameters })
      // The agent's file is the operator's own, so its patterns are trusted.
      const schema = SchemaRepresentation.fromJsonSchemaDocument(document, { patterns: "apply" }) as unknown as Schema.ConstraintDecoder<Schema.Json>
      const decode = Schema.decodeUnknownResult(schema)
      return (value) => Result.mapError(decode(value), (error) => error.message.replace(/\s+/g, " "))
    },
    catch: () => new BadParameters({ tool: tool.name })
  })

const manualOf = (transfers: ReadonlyArray<string>, tools: ReadonlyArray<Tool>): string =>
  [
    "You can act by writing one of these lines, exactly in this form and on its own, behind what you say. It is carried out and never spoken. Write one only when it is needed, and never speak of it.",
    "<<hang_up>> ends the call. Say goodbye first.",
    "<<press:12#>> presses these keys on the telephone, where a machine asks for them.",
    ...transfers.length === 0 ? [] : [`<<transfer:NAME>> hands the caller on to another telephone. NAME is one of: ${transfers.join(", ")}. Say so first.`],
    ...tools.length === 0 ? [] : [
      "<<call:NAME {\"argument\":\"value\"}>> asks one of these. End your message behind it: the answer comes as the next message. Never make up an answer.",
      ...tools.map(({ description, name, parameters }) => `${name}: ${description} Arguments: ${JSON.stringify(parameters)}`)
    ]
  ].join("\n")

const definition = (name: string, description: string, parameters: object): ToolDefinition => ({
  type: "function",
  function: { name, description, parameters }
})

const nothing = { type: "object", properties: {} }

const definitionsOf = (transfers: ReadonlyArray<string>, tools: ReadonlyArray<Tool>): ReadonlyArray<ToolDefinition> => [
  definition("hang_up", "Ends the call. Say goodbye first.", nothing),
  definition("press_keys", "Presses these keys on the telephone, where a machine asks for them.", {
    type: "object",
    properties: { keys: { type: "string", description: "0 to 9, * and #" } },
    required: ["keys"]
  }),
  ...transfers.length === 0 ? [] : [
    definition("transfer", "Hands the caller on to another telephone. Say so first.", {
      type: "object",
      properties: { to: { type: "string", enum: transfers } },
      required: ["to"]
    })
  ],
  ...tools.map(({ description, name, parameters }) => definition(name, description, parameters))
]

const textOf = (value: unknown, key: string): string =>
  Predicate.hasProperty(value, key) ? String(value[key]) : Predicate.isString(value) ? value : ""

/** Fails for a tool whose parameters are no JSON schema. */
export const make = (persona: Pick<AgentDefinition, "transfers" | "tools">): Result.Result<ModelActions, BadParameters> => {
  const transfers = Object.keys(persona.transfers ?? {})
  const tools = persona.tools ?? []
  const checks = new Map<string, Check>()
  for (const tool of tools) {
    const check = checkOf(tool)
    if (Result.isFailure(check)) return Result.fail(check.failure)
    checks.set(tool.name, check.success)
  }

  const transfer = (name: string): Result.Result<Action, string> => {
    const to = transfers.find((known) => known.toLowerCase() === name.trim().replace(/^["']|["']$/g, "").toLowerCase())
    return to === undefined
      ? Result.fail(`There is no transfer of that name. There is: ${namesOf(transfers)}.`)
      : Result.succeed({ _tag: "Transfer", to })
  }

  const press = (text: string): Result.Result<Action, string> => {
    const digits = text.replace(/[\s"',.-]/g, "").toUpperCase()
    return keys.test(digits)
      ? Result.succeed({ _tag: "Digits", digits })
      : Result.fail("These are no keys. There are 0 to 9, * and #, at most 32 at once.")
  }

  const call = (name: string, json: string): Result.Result<Action, string> => {
    const tool = tools.find((known) => known.name.toLowerCase() === name.toLowerCase())
    if (tool === undefined) return Result.fail(`There is no tool of that name. There is: ${namesOf(tools.map(({ name }) => name))}.`)
    const parsed = parseJson(json.trim() === "" ? "{}" : json)
    if (Result.isFailure(parsed)) return Result.fail("The arguments are no JSON. Write them again.")
    return Result.mapBoth(checks.get(tool.name)?.(parsed.success) ?? Result.succeed(parsed.success), {
      onFailure: (problem) => `The arguments do not fit: ${problem}.`,
      onSuccess: (value): Action => ({ _tag: "Call", tool, arguments: value })
    })
  }

  return Result.succeed({
    manual: manualOf(transfers, tools),
    definitions: definitionsOf(transfers, tools),
    ofMarker: (body) => {
      const line = body.trim()
      const [, verb = "", rest = ""] = /^([\p{L}\p{N}_.-]+(?:\s+up)?)\s*[:=]?\s*([\s\S]*)$/u.exec(line) ?? []
      switch (verb.toLowerCase().replace(/[\s-]/g, "_")) {
        case "hang_up":
        case "hangup":
        case "end_call":
          return Result.succeed({ _tag: "HangUp" })
        case "transfer":
          return transfer(rest)
        case "press":
          return press(rest)
        case "call":
        case "tool": {
          const [, name = "", json = ""] = /^["']?([\w.-]+)["']?\s*[:,]?\s*([\s\S]*)$/.exec(rest) ?? []
          return call(name, json)
        }
        default:
          // A tool's own name is clear enough.
          return tools.some(({ name }) => name === verb) ? call(verb, rest) : Result.fail("That line is not one that can be carried out.")
      }
    },
    ofCall: (name, json) => {
      const parsed = Result.getOrElse(parseJson(json.trim() === "" ? "{}" : json), () => null)
      switch (name) {
        case "hang_up":
          return Result.succeed({ _tag: "HangUp" })
        case "press_keys":
          return press(textOf(parsed, "keys"))
        case "transfer":
          return transfer(textOf(parsed, "to"))
        default:
          return call(name, json)
      }
    }
  })
}
