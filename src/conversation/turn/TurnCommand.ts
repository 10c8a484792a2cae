/**
 * What the turn machine orders; `Conversation` carries it out. Plain data: the same events give the same commands.
 */
import type { ConversationEvent } from "../ports/ConversationEvent.ts"
import type { ReplyRequest } from "../ports/ReplyModel.ts"
import type { Timer } from "./TurnEvent.ts"

export type Command =
  /**
   * Hear an utterance: with a little of the sound before it, and all that comes from now on. `after`: it goes on with this one,
   * whose transcript may still be made, and has none of the sound before it but that from `since` on.
   */
  | { readonly _tag: "BeginUtterance"; readonly utterance: number; readonly after?: number; readonly since?: number }
  | { readonly _tag: "Transcribe"; readonly utterance: number; readonly attempt: number }
  | { readonly _tag: "CancelTranscription"; readonly utterance: number; readonly attempt: number }
  | { readonly _tag: "EndUtterance"; readonly utterance: number }
  | { readonly _tag: "StartReply"; readonly reply: number; readonly request: ReplyRequest }
  /** Stops the model, the speech and the playing of a reply; nothing of it is to be heard of again. */
  | { readonly _tag: "CancelReply"; readonly reply: number }
  /** Make this speech behind the reply's earlier segments, with its mark behind it. */
  | { readonly _tag: "Speak"; readonly reply: number; readonly segment: number; readonly text: string; readonly kind: SpeechKind }
  /** The same with the tones of keys. */
  | { readonly _tag: "Press"; readonly reply: number; readonly segment: number; readonly digits: string }
  /** The reply's sound may leave. */
  | { readonly _tag: "Release"; readonly reply: number }
  /** The reply's sound must wait again. */
  | { readonly _tag: "Hold"; readonly reply: number }
  /** Forget the reply's segments from this one on, made or not; its model goes on. */
  | { readonly _tag: "StopSpeech"; readonly reply: number; readonly from: number }
  /** Throw away what was sent but not played. */
  | { readonly _tag: "Clear" }
  /** Replaces a timer of the same name. */
  | { readonly _tag: "StartTimer"; readonly timer: Timer; readonly id: number; readonly due: number }
  | { readonly _tag: "CancelTimer"; readonly timer: Timer }
  /** The utterance's words are wanted before it has ended, or no longer. */
  | { readonly _tag: "WantWords"; readonly isWanted: boolean }
  /** The caller's turn is over, so this reply counts: it may ask tools that change the world. */
  | { readonly _tag: "SettleReply"; readonly reply: number }
  /** The caller said this. `isRequest`: it may ask for something; a request to wait does not. */
  | { readonly _tag: "RememberCallerWords"; readonly text: string; readonly isRequest: boolean }
  /** The reply is over, and the caller heard this of it. */
  | { readonly _tag: "RememberAgentWords"; readonly reply: number; readonly text: string }
  /** No command names this reply again, and what was not heard of it is forgotten. */
  | { readonly _tag: "ForgetReply"; readonly reply: number }
  | { readonly _tag: "Tell"; readonly event: ConversationEvent }
  /** All has been heard: end the call. */
  | { readonly _tag: "HangUp"; readonly reason: string }
  /** All has been heard: hand the call on, to this name in `AgentDefinition.transfers`. */
  | { readonly _tag: "Transfer"; readonly to: string }

/** What is spoken: a model's words, a fixed line, or one that fills the wait for a reply. The last two were made ready. */
export type SpeechKind = "reply" | "line" | "filler"

/** The name of the mark behind a segment. */
export const markName = (reply: number, segment: number): string => `turn-${reply}/seg-${segment}`

/** What a mark's name says; `undefined` for a mark of somebody else's. */
export const parseMark = (name: string): { readonly reply: number; readonly segment: number } | undefined => {
  const match = /^turn-(\d+)\/seg-(\d+)$/.exec(name)
  return match === null ? undefined : { reply: Number(match[1]), segment: Number(match[2]) }
}
