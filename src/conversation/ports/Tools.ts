/**
 * The port of the tools: what a language model may ask for over HTTP, such as a booking.
 *
 * A request may change the world, so it is sent once and never stopped: not when the caller speaks, not when the reply is thrown
 * away, and not when they hang up.
 */
import { Context, type Effect, type Fiber, type Result, type Schema } from "effect"
import type { Tool } from "../../definition/AgentDefinition.ts"

/** What became of a request. */
export type ToolOutcome =
  /** The server answered, well or not; `text` is for the model. */
  | { readonly _tag: "Answered"; readonly text: string }
  /** The request surely did not reach the server: nothing was done. */
  | { readonly _tag: "NotSent" }
  /** It was sent, and no answer came: nobody knows whether it was done. */
  | { readonly _tag: "Unknown" }

/** JSON with the keys of objects in one order: arguments are the same whatever order a model writes them in. */
export const canonical = (value: Schema.Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member as Schema.Json)}`).join(",")}}`
}

/** Something that a model wants within a reply. */
export interface ToolCall {
  /** The id that the model gave the call. A call that was written as text gets one here. */
  readonly id: string
  /** Empty for a line of the text that is no tool of the agent. */
  readonly name: string
  /** JSON, or the line as it was written; for the model's next request. */
  readonly arguments: string
  /** What is to be asked, or a sentence for the model that says why it can't be. */
  readonly ask: Result.Result<{ readonly tool: Tool; readonly value: Schema.Json }, string>
}

/** What the model asked in a reply before it spoke on, with what it is told about it now. */
export interface ToolExchange {
  /** Stands behind so many messages of the history. */
  readonly at: number
  /** What the model had said before. */
  readonly said: string
  readonly calls: readonly [AnsweredCall, ...ReadonlyArray<AnsweredCall>]
}

export interface AnsweredCall extends Pick<ToolCall, "id" | "name" | "arguments"> {
  readonly answer: string
}

export class Tools extends Context.Service<Tools, {
  /** Sends a request, which goes on whatever becomes of the call, until it is answered or `tool.timeout` is over. */
  readonly send: (tool: Tool, value: Schema.Json) => Effect.Effect<Fiber.Fiber<ToolOutcome>>
}>()("client-caller/conversation/ports/Tools") {}
