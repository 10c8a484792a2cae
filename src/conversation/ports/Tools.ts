/**
 * The port of the tools: what a language model may request over HTTP, such as a booking.
 *
 * A request may change the world, so it is sent once and never stopped. It goes on when the caller speaks, when the reply is thrown
 * away, and when the caller hangs up.
 */
import { Context, Data, type Effect, type Fiber, type Result, type Schema } from "effect"
import type { Tool } from "../../definition/AgentDefinition.ts"

/** How a request ended. */
export type ToolOutcome =
  /** The server answered, with success or an error. `text` is for the model. */
  | { readonly _tag: "Answered"; readonly text: string }
  /** The request surely did not reach the server, so nothing was done. */
  | { readonly _tag: "NotSent" }
  /** The request was sent and no answer came, so nobody knows whether it was done. */
  | { readonly _tag: "Unknown" }

/** JSON with sorted keys. Equal arguments give equal text, in whatever order a model writes them. */
export const canonical = (value: Schema.Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member as Schema.Json)}`).join(",")}}`
}

/** The call can't become a request: an unknown tool, impossible arguments, or too many calls at once. */
export class ToolCallRefused extends Data.TaggedError("ToolCallRefused")<{
  /** A sentence that tells the model why. It is the answer to the call. */
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
  /** The id that the model gave the call. A call that was written as text gets one here. */
  readonly id: string
  /** Empty for a refused call that the model wrote into its text. */
  readonly name: string
  /** JSON, or for a refused call in the text: the call as the model wrote it. The model's next request repeats this. */
  readonly arguments: string
  readonly request: Result.Result<ToolRequest, ToolCallRefused>
}

/** Tool calls that a model made between two of its texts, with the answers so far. */
export interface ToolExchange {
  /** How many messages of the history came before it. */
  readonly at: number
  /** What the model had said before, in the same reply. */
  readonly said: string
  readonly calls: readonly [AnsweredCall, ...ReadonlyArray<AnsweredCall>]
}

interface AnsweredCall extends Pick<ToolCall, "id" | "name" | "arguments"> {
  /** The text that the model gets. */
  readonly answer: string
}

export class Tools extends Context.Service<Tools, {
  /** Sends a request. It goes on after the call's end, until it is answered or `tool.timeout` has passed. */
  readonly send: (tool: Tool, value: Schema.Json) => Effect.Effect<Fiber.Fiber<ToolOutcome>>
}>()("client-caller/conversation/ports/Tools") {}
