/**
 * The actions of a language model besides speaking: end the call, transfer it, press keys, call a tool. The model asks for an action with
 * a tool call of its server. A model that was not trained for tool calls writes an action line in its text:
 *
 *     <<hang_up>>
 *     <<press:123#>>
 *     <<transfer:billing>>
 *     <<call:order_status {"order":"A-17"}>>
 *
 * Both forms are checked here: only transfers and tools of the agent's file count, and only arguments that fit the schema.
 */
import { JsonSchema, Predicate, Result, Schema, SchemaRepresentation } from "effect"
import { ToolCallRefused } from "../../../conversation/ports/Tools.ts"
import type { AgentDefinition, Tool } from "../../../definition/AgentDefinition.ts"

type Action =
  | { readonly _tag: "HangUp" }
  | { readonly _tag: "Transfer"; readonly to: string }
  | { readonly _tag: "Digits"; readonly digits: string }
  | { readonly _tag: "Call"; readonly tool: Tool; readonly arguments: Schema.Json }

/** A tool in the body of a request to `/chat/completions`. `parameters`: a JSON schema. */
export interface ToolDefinition {
  readonly type: "function"
  readonly function: { readonly name: string; readonly description: string; readonly parameters: object }
}

/** An action that the model asked for, or a refusal that tells the model the reason. */
export type CheckedAction = Result.Result<Action, ToolCallRefused>

/** `answer`: a sentence for the model. */
export const refused = (answer: string): Result.Result<never, ToolCallRefused> => Result.fail(new ToolCallRefused({ answer }))

export interface ModelActions {
  /** Explains the action lines in the system text. All requests of an agent have the same bytes here, so the server's cache can be used. */
  readonly manual: string
  /** The same actions as tools of a request. */
  readonly definitions: ReadonlyArray<ToolDefinition>
  /** The action of an action line. `body`: the text between `<<` and `>>`. */
  readonly fromLine: (body: string) => CheckedAction
  /** The action of a tool call. `json`: the arguments as JSON text; may be empty. */
  readonly fromCall: (name: string, json: string) => CheckedAction
}

/** The `parameters` of a tool in the agent's file cannot be used as a JSON schema. */
class BadParameters extends Schema.TaggedError<BadParameters>()("BadParameters", { tool: Schema.String }) {
  override get message() {
    return `The parameters of the tool ${this.tool} are not a valid JSON schema. Correct them in the agent's file.`
  }
}

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Json))

/** The keys of one action, 32 at most. */
const keySequence = /^[0-9*#A-D]{1,32}$/

const listOf = (names: ReadonlyArray<string>) => names.length === 0 ? "none" : names.join(", ")

/** Decodes the arguments of a call by the tool's schema. */
type ArgumentCheck = (value: Schema.Json) => Result.Result<Schema.Json, ToolCallRefused>

const argumentCheckOf = (tool: Tool): Result.Result<ArgumentCheck, BadParameters> =>
  Result.try({
    try: (): ArgumentCheck => {
      const document = JsonSchema.fromSchemaDraft2020_12({ type: "object", ...tool.parameters })
      // The operator wrote the agent's file, so its regular expressions are trusted.
      const schema = SchemaRepresentation.fromJsonSchemaDocument(document, { patterns: "apply" }) as unknown as Schema.ConstraintDecoder<Schema.Json>
      const decode = Schema.decodeUnknownResult(schema)
      return (value) => Result.mapError(decode(value), (error) =>
        new ToolCallRefused({ answer: `The arguments do not fit: ${error.message.replace(/\s+/g, " ")}.` }))
    },
    catch: () => new BadParameters({ tool: tool.name })
  })

const manualOf = (transfers: ReadonlyArray<string>, tools: ReadonlyArray<Tool>): string =>
  [
    "To act, write one of these lines after the words that you say, on a line of its own and exactly in this form. The line is carried out and never spoken. Write one only when it is needed, and never mention it to the caller.",
    "<<hang_up>> ends the call. Say goodbye first.",
    "<<press:12#>> presses the keys 1, 2 and # on the telephone. Use it when a machine asks for keys.",
    ...transfers.length === 0 ? [] : [`<<transfer:NAME>> transfers the caller to another telephone. NAME is one of: ${transfers.join(", ")}. Tell the caller first.`],
    ...tools.length === 0 ? [] : [
      "<<call:NAME {\"argument\":\"value\"}>> calls one of the tools below. End your message after it: the tool's answer comes as the next message. Never make up an answer.",
      ...tools.map(({ description, name, parameters }) => `${name}: ${description} Arguments: ${JSON.stringify(parameters)}`)
    ]
  ].join("\n")

const definition = (name: string, description: string, parameters: object): ToolDefinition => ({
  type: "function",
  function: { name, description, parameters }
})

const noParameters = { type: "object", properties: {} }

const definitionsOf = (transfers: ReadonlyArray<string>, tools: ReadonlyArray<Tool>): ReadonlyArray<ToolDefinition> => [
  definition("hang_up", "Ends the call. Say goodbye first.", noParameters),
  definition("press_keys", "Presses keys on the telephone. Use it when a machine asks for keys.", {
    type: "object",
    properties: { keys: { type: "string", description: "0 to 9, * and #" } },
    required: ["keys"]
  }),
  ...transfers.length === 0 ? [] : [
    definition("transfer", "Transfers the caller to another telephone. Tell the caller first.", {
      type: "object",
      properties: { to: { type: "string", enum: transfers } },
      required: ["to"]
    })
  ],
  ...tools.map(({ description, name, parameters }) => definition(name, description, parameters))
]

/** The argument of this name, or all of the arguments if the model wrote a plain string. */
const argumentText = (value: unknown, key: string): string =>
  Predicate.hasProperty(value, key) ? String(value[key]) : Predicate.isString(value) ? value : ""

/** The actions of an agent. Fails for a tool whose parameters are not a JSON schema. */
export const make = (agent: Pick<AgentDefinition, "transfers" | "tools">): Result.Result<ModelActions, BadParameters> => {
  const transfers = Object.keys(agent.transfers ?? {})
  const tools = agent.tools ?? []
  const checks = new Map<string, ArgumentCheck>()
  for (const tool of tools) {
    const check = argumentCheckOf(tool)
    if (Result.isFailure(check)) return Result.fail(check.failure)
    checks.set(tool.name, check.success)
  }

  const transfer = (name: string): CheckedAction => {
    const to = transfers.find((known) => known.toLowerCase() === name.trim().replace(/^["']|["']$/g, "").toLowerCase())
    return to === undefined
      ? refused(`There is no transfer of that name. The transfers are: ${listOf(transfers)}.`)
      : Result.succeed({ _tag: "Transfer", to })
  }

  const press = (text: string): CheckedAction => {
    const digits = text.replace(/[\s"',.-]/g, "").toUpperCase()
    return keySequence.test(digits)
      ? Result.succeed({ _tag: "Digits", digits })
      : refused("These are not keys. The keys are 0 to 9, * and #, at most 32 at once.")
  }

  const call = (name: string, json: string): CheckedAction => {
    const tool = tools.find((known) => known.name.toLowerCase() === name.toLowerCase())
    if (tool === undefined) return refused(`There is no tool of that name. The tools are: ${listOf(tools.map(({ name }) => name))}.`)
    const parsed = parseJson(json.trim() === "" ? "{}" : json)
    if (Result.isFailure(parsed)) return refused("The arguments are not JSON. Write them again.")
    const fitting = checks.get(tool.name)?.(parsed.success) ?? Result.succeed(parsed.success)
    return Result.map(fitting, (value): Action => ({ _tag: "Call", tool, arguments: value }))
  }

  return Result.succeed({
    manual: manualOf(transfers, tools),
    definitions: definitionsOf(transfers, tools),
    fromLine: (body) => {
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
          // The line may begin with the tool's name instead of `call:`.
          return tools.some(({ name }) => name === verb) ? call(verb, rest) : refused("That line is not an action.")
      }
    },
    fromCall: (name, json) => {
      const parsed = Result.getOrElse(parseJson(json.trim() === "" ? "{}" : json), () => null)
      switch (name) {
        case "hang_up":
          return Result.succeed({ _tag: "HangUp" })
        case "press_keys":
          return press(argumentText(parsed, "keys"))
        case "transfer":
          return transfer(argumentText(parsed, "to"))
        default:
          return call(name, json)
      }
    }
  })
}
