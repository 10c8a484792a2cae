/**
 * What watchers of a conversation are told: the demo, the console, a log. All of it can be written as JSON.
 *
 * It holds what people said, which is personal data: for those who may hear the call, never for a log's message.
 */
import type { Stage } from "./Engine.ts"

/** When things of one turn happened, in ms after the caller's last voiced sample arrived; docs/latency.md names both ends. */
export interface TurnTimes {
  /** How long endpointing meant to wait. */
  readonly due: number
  /** The decision that the turn was over. */
  readonly endpoint: number
  readonly transcript?: number
  readonly firstText?: number
  /** The first clause was handed to speech. */
  readonly firstClause?: number
  /** The first sound came from speech. */
  readonly firstSound?: number
  /** The first voiced frame of the reply left for Twilio. */
  readonly firstMedia?: number
  /** The mark behind the reply's first segment came back. */
  readonly firstMark?: number
  /** The reply began to be heard, as that mark tells: its return less the length of what lies before it. */
  readonly heard?: number
}

export type ConversationEvent = {
  /** ms since the conversation began. */
  readonly at: number
  /** The agent's turn: 0 is the greeting. */
  readonly turn: number
} & (
  | { readonly _tag: "CallerSaid"; readonly text: string }
  /** What was understood so far; more may come, and it may be understood otherwise. */
  | { readonly _tag: "CallerSays"; readonly text: string }
  /** The agent begins to say this; what was heard of it comes in `AgentHeard`. */
  | { readonly _tag: "AgentSays"; readonly text: string }
  /** The turn's answer is late: this is said to fill the wait. */
  | { readonly _tag: "AgentFills"; readonly text: string }
  /** These keys are pressed, as tones. */
  | { readonly _tag: "AgentPresses"; readonly digits: string }
  /** All that the caller heard of the agent's turn. */
  | { readonly _tag: "AgentHeard"; readonly text: string; readonly isWhole: boolean }
  /** The agent was interrupted; `clearAfter`: ms from the first voiced sample to the `clear`. */
  | { readonly _tag: "BargeIn"; readonly clearAfter: number }
  /** It was no interruption after all; the agent goes on. */
  | { readonly _tag: "Resumed" }
  | { readonly _tag: "TurnMeasured"; readonly times: TurnTimes }
  /** The call is to be handed on, to this name; `Ended` follows, or `TransferFailed` and the conversation goes on. */
  | { readonly _tag: "Transferring"; readonly to: string }
  | { readonly _tag: "TransferFailed"; readonly to: string; readonly reason: string }
  | { readonly _tag: "EngineTrouble"; readonly stage: Stage; readonly reason: string }
  | { readonly _tag: "Ended"; readonly reason: string }
)
