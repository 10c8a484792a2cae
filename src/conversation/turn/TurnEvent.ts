/**
 * The events that the turn machine processes. Events are plain data, so that a call can be recorded and replayed. Version 1 of the event log
 * has these tags and fields.
 */
import type { Stage } from "../ports/Engine.ts"
import type { DialogueState } from "../ports/ReplyModel.ts"
import type { TurnMemory } from "../ports/ConversationMemory.ts"
import type { Transcript } from "../ports/SpeechToText.ts"
import type { Failure } from "./judgements/RetryWorth.ts"

/**
 * One timer of each name runs at a time.
 *
 * - `speculate`: the pause is long enough to ask for the transcript, and for a preemptive reply;
 * - `endpoint`: the pause is long enough to end the turn;
 * - `bargeIn`: the voice has lasted long enough to stop the agent;
 * - `utterance`: the caller has spoken for too long without a gap;
 * - `idle`, `idleHangUp`: both sides have been silent for too long;
 * - `digits`: the caller has not pressed a further key in time;
 * - `filler`: the transcript, the reply's first sound or the filler's own sound is late;
 * - `hangUp`: both sides are silent after the agent's last words;
 * - `playback`: a mark has not come back in time;
 * - `limit`: the call's maximum duration is nearly over.
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

/**
 * All times are ms since the conversation began. `at`: when the machine got the event. `reply`, `segment`, `utterance`, `attempt` and `id` are
 * the numbers in the command that caused the event. An event about an earlier reply, utterance, attempt or timer changes nothing.
 */
export type TurnEvent = { readonly at: number } & (
  | { readonly _tag: "Began" }
  /**
   * Comes instead of `Began` if a conversation continues that began in an earlier media stream. `memory`: `null` if the memory is lost.
   * `isAfterTransfer`: the call was transferred, and nobody answered at the other telephone.
   */
  | { readonly _tag: "Reconnected"; readonly memory: TurnMemory | null; readonly isAfterTransfer: boolean }
  /** `since`: when the first voiced sample was spoken, without delays on the way. */
  | { readonly _tag: "VoiceStarted"; readonly since: number }
  /** `since`: when the last voiced sample was spoken, without delays on the way. */
  | { readonly _tag: "VoiceStopped"; readonly since: number }
  /** A partial transcript of an utterance that is not over. */
  | { readonly _tag: "Partial"; readonly utterance: number; readonly text: string }
  | { readonly _tag: "Transcribed"; readonly utterance: number; readonly attempt: number; readonly transcript: Transcript }
  | ({ readonly _tag: "TranscriptionFailed"; readonly utterance: number; readonly attempt: number } & Failure)
  /** The model wrote more text. */
  | { readonly _tag: "ReplyText"; readonly reply: number; readonly text: string }
  /** The model stopped within a sentence, and will not finish that sentence. */
  | { readonly _tag: "ReplyCutShort"; readonly reply: number }
  | { readonly _tag: "ReplyState"; readonly reply: number; readonly state: DialogueState }
  /** The model ends the call. */
  | { readonly _tag: "ReplyHangUp"; readonly reply: number }
  /** The model transfers the call. `to`: a name in `AgentDefinition.transfers`, or one that the model invented. */
  | { readonly _tag: "ReplyTransfer"; readonly reply: number; readonly to: string }
  /** The model presses keys. */
  | { readonly _tag: "ReplyDigits"; readonly reply: number; readonly digits: string }
  | { readonly _tag: "ReplyDone"; readonly reply: number }
  | ({ readonly _tag: "ReplyFailed"; readonly reply: number } & Failure)
  /** Speech synthesis made the first sound of a segment. */
  | { readonly _tag: "SpeechBegan"; readonly reply: number; readonly segment: number }
  /** The first sound of `segment` was sent to the line. */
  | { readonly _tag: "MediaSent"; readonly reply: number; readonly segment: number }
  /** All sound of a segment has been made. `duration`: ms. */
  | { readonly _tag: "SpeechEnded"; readonly reply: number; readonly segment: number; readonly duration: number }
  /** `hadSound`: some of the segment's sound was made, and the caller may have heard it. */
  | ({ readonly _tag: "SpeechFailed"; readonly reply: number; readonly segment: number; readonly hadSound: boolean } & Failure)
  /** The caller has heard the segment. */
  | { readonly _tag: "MarkReturned"; readonly reply: number; readonly segment: number }
  /** All sound of a filler was passed to the line, which may still be playing it. */
  | { readonly _tag: "FillerLeft"; readonly reply: number }
  /** The call was transferred, and continues at another telephone. */
  | { readonly _tag: "Transferred" }
  | { readonly _tag: "TransferFailed"; readonly reason: string }
  | { readonly _tag: "TimerFired"; readonly timer: Timer; readonly id: number }
  /** The caller pressed a key: `0`–`9`, `*`, `#`, `A`–`D`. */
  | { readonly _tag: "Digit"; readonly digit: string }
  /** An engine failed, and the machine does not wait for that engine. The failure is only published. */
  | { readonly _tag: "Trouble"; readonly stage: Stage; readonly reason: string }
  /** The media stream has ended. */
  | {
    readonly _tag: "HungUp"
    /** Why the stream ended, for watchers. Unset: the caller hung up. `null`: the stream was lost, and the call may continue. */
    readonly reason?: string | null
  }
)

type WithoutTime<Event> = Event extends TurnEvent ? Omit<Event, "at"> : never

/** An event without its time, which `TurnLoop` adds. */
export type UntimedTurnEvent = WithoutTime<TurnEvent>

/** Adds an event to the turn machine's queue. Events are reported in the order in which they happen. Never waits. */
export type ReportTurnEvent = (event: UntimedTurnEvent) => void
