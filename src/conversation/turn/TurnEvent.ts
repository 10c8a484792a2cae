/**
 * What the turn machine is told, and what it orders. Both are plain data, so that a call can be recorded
 * and played again.
 */
import type { ConversationEvent } from "../ports/ConversationEvent.ts"
import type { Stage } from "../ports/Engine.ts"
import type { Failure } from "./judgements/RetryWorth.ts"
import type { DialogueState, ReplyRequest } from "../ports/ReplyModel.ts"
import type { Transcript } from "../ports/SpeechToText.ts"

/**
 * - `speculate`, `endpoint`: how long the pause lasts;
 * - `bargeIn`: how long the voice lasts while the agent speaks;
 * - `utterance`: somebody speaks without a gap;
 * - `idle`, `idleHangUp`: nobody speaks;
 * - `digits`: no further key comes;
 * - `filler`: the transcript or the reply's first sound is late, or the filler's own;
 * - `hangUp`: both are silent behind the agent's last words;
 * - `playback`: a mark that does not come back;
 * - `limit`: the longest duration of the call.
 */
export type Timer =
  | "speculate"
  | "endpoint"
  | "bargeIn"
  | "utterance"
  | "idle"
  | "idleHangUp"
  | "digits"
  | "filler"
  | "playback"
  | "hangUp"
  | "limit"

/** All times are ms since the conversation began; `at` is when the machine was told. */
export type TurnEvent = { readonly at: number } & (
  | { readonly _tag: "Began" }
  /** `since`: when the first voiced sample came, had nothing held it up. */
  | { readonly _tag: "VoiceStarted"; readonly since: number }
  /** `since`: when the last voiced sample came, had nothing held it up. */
  | { readonly _tag: "VoiceStopped"; readonly since: number }
  /** What was understood so far of an utterance that goes on. */
  | { readonly _tag: "Partial"; readonly utterance: number; readonly text: string }
  | { readonly _tag: "Transcribed"; readonly utterance: number; readonly attempt: number; readonly transcript: Transcript }
  | ({ readonly _tag: "TranscriptionFailed"; readonly utterance: number; readonly attempt: number } & Failure)
  | { readonly _tag: "ReplyText"; readonly reply: number; readonly text: string }
  /** The sentence that the text so far ends within will not be finished. */
  | { readonly _tag: "ReplyCutShort"; readonly reply: number }
  | { readonly _tag: "ReplyState"; readonly reply: number; readonly state: DialogueState }
  | { readonly _tag: "ReplyHangUp"; readonly reply: number }
  /** By its name in `AgentDefinition.transfers`, or by one that is not there. */
  | { readonly _tag: "ReplyTransfer"; readonly reply: number; readonly to: string }
  | { readonly _tag: "ReplyDigits"; readonly reply: number; readonly digits: string }
  | { readonly _tag: "ReplyDone"; readonly reply: number }
  | ({ readonly _tag: "ReplyFailed"; readonly reply: number } & Failure)
  /** The first sound of a segment came from speech. */
  | { readonly _tag: "SpeechBegan"; readonly reply: number; readonly segment: number }
  /** The first sound of a reply, or of what a resumed one still had to say, left for the caller; it is this segment's. */
  | { readonly _tag: "MediaSent"; readonly reply: number; readonly segment: number }
  /** All sound of a segment has been made: `duration` ms of it. */
  | { readonly _tag: "SpeechEnded"; readonly reply: number; readonly segment: number; readonly duration: number }
  /** `hadSound`: some of the segment was made, and may have been heard. */
  | ({ readonly _tag: "SpeechFailed"; readonly reply: number; readonly segment: number; readonly hadSound: boolean } & Failure)
  | { readonly _tag: "MarkReturned"; readonly reply: number; readonly segment: number }
  /** All sound of a filler has been handed to the line, though not all was played. */
  | { readonly _tag: "FillerLeft"; readonly reply: number }
  /** The call goes on elsewhere. */
  | { readonly _tag: "Transferred" }
  | { readonly _tag: "TransferFailed"; readonly reason: string }
  | { readonly _tag: "TimerFired"; readonly timer: Timer; readonly id: number }
  | { readonly _tag: "Digit"; readonly digit: string }
  /** An engine that the machine does not wait for failed; it is told on. */
  | { readonly _tag: "Trouble"; readonly stage: Stage; readonly reason: string }
  | { readonly _tag: "HungUp" }
)

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
