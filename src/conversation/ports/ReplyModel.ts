/**
 * The port of the reply model: takes the history and streams the agent's next words.
 */
import { Context, type Effect, type Schema, type Scope, type Stream } from "effect"
import type { EngineFailed, EngineStates } from "./Engine.ts"
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import type { ToolCall, ToolExchange } from "./Tools.ts"

/** Words of one side, as far as the other side heard them. */
export interface Message {
  readonly role: "caller" | "agent"
  readonly text: string
  /**
   * In a caller's message: the part of the agent's greeting that the caller had not heard before saying these words. The model did not write the
   * greeting, so it needs this part to understand the words.
   */
  readonly unheard?: string
}

/** The state that an engine keeps from turn to turn. The conversation stores the state, so that a dropped reply does not change it. */
export type DialogueState = Schema.Json

export interface ReplyRequest {
  /** Oldest first. The last message is the caller's, unless `isResumed` is set. */
  readonly history: ReadonlyArray<Message>
  /** The state after the last reply that was not dropped. `null` at first. */
  readonly state: DialogueState
  /** The tool calls of this telephone call, oldest first. Unset: none. */
  readonly exchanges?: ReadonlyArray<ToolExchange>
  /** The reply already has words, from before its tool calls or before the stream was lost. So the model may add none. Unset: a reply without words fails. */
  readonly isContinued?: boolean
  /**
   * The caller had heard the beginning of this reply when the stream was lost. The history ends with that beginning, and the model writes
   * the rest of its answer, which may be empty.
   */
  readonly isResumed?: boolean
  /** No further tool calls of this reply will be run. */
  readonly isLastRound?: boolean
}

/** One part of a reply. */
export type ReplyPart =
  /** A piece of the text, of any length, with its own blanks. The text may contain markup, which is not spoken. */
  | { readonly _tag: "Text"; readonly text: string }
  /** The model is writing text that is not spoken, such as its reasoning. A reply may have many of these parts. */
  | { readonly _tag: "Thinking" }
  /** The model's text was cut off. The unfinished last sentence is left out (`UnfinishedSentence`). */
  | { readonly _tag: "CutShort" }
  /** The new dialogue state. It replaces the old state when the reply becomes the answer to the caller's turn. */
  | { readonly _tag: "State"; readonly state: DialogueState }
  /** Ends the call when the caller has heard all of the text. */
  | { readonly _tag: "HangUp" }
  /** Transfers the call when the caller has heard all of the text. `to`: a name in `AgentDefinition.transfers`. */
  | { readonly _tag: "Transfer"; readonly to: string }
  /** Presses keys after the text, as tones in the sound: `0`–`9`, `*`, `#`, `A`–`D`. */
  | { readonly _tag: "Digits"; readonly digits: string }
  /**
   * The last part of a stream. The conversation runs these tool calls, and then asks the model again with their answers. The engine runs no
   * tool itself, since the reply may be dropped and a tool may have side effects. `said`: the text of this stream.
   */
  | { readonly _tag: "ToolCalls"; readonly said: string; readonly calls: ReadonlyArray<ToolCall> }

/** A reply model that is prepared for one agent, and shared by the agent's calls. */
export interface Replier {
  /** Interruption stops the model. If the stream ends without text, the agent says nothing. */
  readonly reply: (request: ReplyRequest) => Stream.Stream<ReplyPart, EngineFailed>
  /** The model can answer speech in which no word was understood. The caller's message then has an empty text. Unset: the model can't. */
  readonly answersUnintelligible?: boolean
}

export class ReplyModel extends Context.Service<ReplyModel, EngineStates & {
  readonly prepare: (definition: AgentDefinition) => Effect.Effect<Replier, EngineFailed, Scope.Scope>
}>()("client-caller/conversation/ports/ReplyModel") {}
