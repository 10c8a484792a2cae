/**
 * The port of the reply model: takes what was said so far and streams the agent's next words.
 */
import { Context, type Effect, type Schema, type Scope, type Stream } from "effect"
import type { EngineFailed, Observed } from "./Engine.ts"
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import type { ToolCall, ToolExchange } from "./Tools.ts"

/** Words of one side, as far as the other side heard them. */
export interface Message {
  readonly role: "caller" | "agent"
  readonly text: string
  /** The part of the agent's greeting that the caller had not heard before saying this. The model has to be told, because it did not write the greeting. */
  readonly unheard?: string
}

/** What an engine keeps from turn to turn. The conversation holds this state, so that a dropped reply leaves no trace. */
export type DialogueState = Schema.Json

export interface ReplyRequest {
  /** Oldest first; the last one is the caller's, unless the reply `isResumed`. */
  readonly history: ReadonlyArray<Message>
  /** The state after the last reply that counted. `null` at first. */
  readonly state: DialogueState
  /** The tool calls of this telephone call, oldest first. Unset: none. */
  readonly exchanges?: ReadonlyArray<ToolExchange>
  /** The reply has words from before its tool calls or before the line was lost, so it may end without more. Unset: a reply without words fails. */
  readonly isContinued?: boolean
  /**
   * The caller had heard the beginning of this reply when the line was lost. The history ends with that beginning, and the model writes
   * the rest of its answer, which may be empty.
   */
  readonly isResumed?: boolean
  /** No more tool calls of this reply will be run. */
  readonly isLastRound?: boolean
}

/** What a reply consists of. */
export type ReplyPart =
  /** A piece of the text, of any length, with its own blanks. It may hold markup, which is not spoken. */
  | { readonly _tag: "Text"; readonly text: string }
  /** A sign of life: the model writes something that is not spoken, such as a thought. There may be many. */
  | { readonly _tag: "Thinking" }
  /** The text was cut off. Its last sentence is not finished, and is left out (`UnfinishedSentence`). */
  | { readonly _tag: "CutShort" }
  /** Replaces the state once the reply counts. */
  | { readonly _tag: "State"; readonly state: DialogueState }
  /** Ends the call when the caller has heard all of the text. */
  | { readonly _tag: "HangUp" }
  /** Transfers the call when the caller has heard all of the text. `to`: a name in `AgentDefinition.transfers`. */
  | { readonly _tag: "Transfer"; readonly to: string }
  /** Presses keys after the text, as tones in the sound: `0`–`9`, `*`, `#`, `A`–`D`. */
  | { readonly _tag: "Digits"; readonly digits: string }
  /**
   * The last part: run these tool calls, then ask the model again with their answers. The engine itself runs none, since a reply may be
   * dropped and a tool may change the world. `said`: the text of this stream.
   */
  | { readonly _tag: "ToolCalls"; readonly said: string; readonly calls: ReadonlyArray<ToolCall> }

/** A reply model that is prepared for one agent, and shared by the agent's calls. */
export interface Replier {
  /** Interruption stops it. A stream that ends without text is a reply of silence. */
  readonly reply: (request: ReplyRequest) => Stream.Stream<ReplyPart, EngineFailed>
  /** The model can answer speech of which no word was understood: a caller's message with an empty text. Unset: it can't. */
  readonly answersUnheard?: boolean
}

export class ReplyModel extends Context.Service<ReplyModel, Observed & {
  readonly prepare: (definition: AgentDefinition) => Effect.Effect<Replier, EngineFailed, Scope.Scope>
}>()("client-caller/conversation/ports/ReplyModel") {}
