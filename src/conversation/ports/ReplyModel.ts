/**
 * The port of the reply: what was said so far in, the agent's next words out, as they come.
 */
import { Context, type Effect, type Schema, type Scope, type Stream } from "effect"
import type { EngineFailed, Observed } from "./Engine.ts"
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import type { ToolCall, ToolExchange } from "./Tools.ts"

/** What was said, as far as it was heard. */
export interface Message {
  readonly role: "caller" | "agent"
  readonly text: string
  /** What of the agent's greeting the caller had not heard when they said this. The model has not written it, so it is told. */
  readonly unheard?: string
}

/** What an engine may keep from turn to turn; it is the conversation's to hold, so that a reply that is thrown away leaves no trace. */
export type DialogueState = Schema.Json

export interface ReplyRequest {
  /** Oldest first; the last one is the caller's. */
  readonly history: ReadonlyArray<Message>
  /** As the last reply that counted left it; `null` at first. */
  readonly state: DialogueState
  /** What was asked of tools on this call, oldest first. Unset: nothing. */
  readonly exchanges?: ReadonlyArray<ToolExchange>
  /** The reply has said words already, before it asked tools: no further word is an end, and no failure. */
  readonly isContinued?: boolean
  /** No more tools are asked for this reply. */
  readonly isLastRound?: boolean
}

/** What a reply consists of. */
export type ReplyPart =
  /** A piece of the text, of any length, with its own spaces. May hold markup, which is not spoken. */
  | { readonly _tag: "Text"; readonly text: string }
  /** A sign of life: the model writes what is not spoken, as a thought is. There may be many. */
  | { readonly _tag: "Thinking" }
  /** The text was cut off: the sentence that it ends within is not finished, and is left out (`UnfinishedSentence`). */
  | { readonly _tag: "CutShort" }
  /** Replaces the state once the reply counts. */
  | { readonly _tag: "State"; readonly state: DialogueState }
  /** To be done when all of the text has been heard. */
  | { readonly _tag: "HangUp" }
  /** The same: the call goes on to another telephone, by its name in `AgentDefinition.transfers`. */
  | { readonly _tag: "Transfer"; readonly to: string }
  /** The same: these keys are pressed, as tones in the sound: `0`–`9`, `*`, `#`, `A`–`D`. */
  | { readonly _tag: "Digits"; readonly digits: string }
  /**
   * The last part: these tools are to be asked, and the model is to be asked again with their answers. An engine asks none itself:
   * a reply may be thrown away, and what changes the world may not. `said`: the text of this stream.
   */
  | { readonly _tag: "ToolCalls"; readonly said: string; readonly calls: ReadonlyArray<ToolCall> }

/** An engine that has been told who it is; one an agent, shared by its calls. */
export interface Replier {
  /** Stopped by interruption. A stream that ends without any text is a reply of silence. */
  readonly reply: (request: ReplyRequest) => Stream.Stream<ReplyPart, EngineFailed>
  /** It has answers of its own for speech of which no word was understood (an empty text of the caller's). Unset: it has none. */
  readonly answersUnheard?: boolean
}

export class ReplyModel extends Context.Service<ReplyModel, Observed & {
  readonly prepare: (persona: AgentDefinition) => Effect.Effect<Replier, EngineFailed, Scope.Scope>
}>()("client-caller/conversation/ports/ReplyModel") {}
