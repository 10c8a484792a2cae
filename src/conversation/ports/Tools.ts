/**
 * The port of the tools: HTTP requests that a language model may make, such as a booking.
 *
 * A request may have side effects, so it is sent once and never stopped. It continues when the caller speaks, when the reply is dropped, and
 * when the caller hangs up.
 */
import { Context, Data, type Effect, type Fiber, type Result, type Schema } from "effect"
import type { Tool } from "../../definition/AgentDefinition.ts"

/** How a request ended. */
export type ToolOutcome =
  /** The server answered, with success or with an error. The model gets `text`. */
  | { readonly _tag: "Answered"; readonly text: string }
  /** The request certainly did not reach the server, so it was not carried out. */
  | { readonly _tag: "NotSent" }
  /** The request was sent and no answer came. So it is not known whether the server carried it out. */
  | { readonly _tag: "Unknown" }

/** JSON with sorted keys. Equal arguments give equal text, even if a model writes their keys in another order. */
export const canonicalJson = (value: Schema.Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member as Schema.Json)}`).join(",")}}`
}

/** No request is sent for the call: its tool is unknown, its arguments are not valid, or there are too many calls at once. */
export class ToolCallRefused extends Data.TaggedError("ToolCallRefused")<{
  /** The reason, in a sentence for the model. The model gets it as the answer to the call. */
  readonly answer: string
}> {
  override get message() {
    return this.answer
  }
}

/** A tool with its arguments, checked against the tool's JSON schema. */
interface ToolRequest {
  readonly tool: Tool
  readonly value: Schema.Json
}

/** A tool call that a model made within a reply. */
export interface ToolCall {
  /** The id that the model gave the call. A call that the model wrote as text gets an id from the engine. */
  readonly id: string
  /** Empty for a refused call that the model wrote into its text. */
  readonly name: string
  /** JSON. For a refused call in the text: the call as the model wrote it. The next request to the model repeats this value. */
  readonly arguments: string
  readonly request: Result.Result<ToolRequest, ToolCallRefused>
}

/** Tool calls that a model made between two of its texts, with the answers so far. */
export interface ToolExchange {
  /** How many messages of the history come before the exchange. */
  readonly at: number
  /** The text that the model wrote right before the calls, in the same request. */
  readonly said: string
  readonly calls: readonly [AnsweredCall, ...ReadonlyArray<AnsweredCall>]
}

interface AnsweredCall extends Pick<ToolCall, "id" | "name" | "arguments"> {
  /** The text that the model gets. */
  readonly answer: string
}

export class Tools extends Context.Service<Tools, {
  /** Sends a request. The request continues after the end of the telephone call, until it is answered or `tool.timeout` has passed. */
  readonly send: (tool: Tool, value: Schema.Json) => Effect.Effect<Fiber.Fiber<ToolOutcome>>
}>()("client-caller/conversation/ports/Tools") {}
