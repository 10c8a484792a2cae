/**
 * Events of a conversation for those who watch it: the demo, the console, a log. All of them can be written as JSON.
 *
 * They hold what people said, which is personal data. Only those who may hear the call get these events, and no log message holds them.
 */
import type { Stage } from "./Engine.ts"

/** The moments of one turn, in ms after the caller's last voiced sample arrived. docs/latency.md names both ends of each. */
export interface TurnTimes {
  /** When endpointing planned to end the turn. */
  readonly due: number
  /** The decision that the turn was over. */
  readonly endpoint: number
  readonly transcript?: number
  readonly firstText?: number
  /** Speech synthesis got the first clause. */
  readonly firstClause?: number
  /** Speech synthesis gave the first sound. */
  readonly firstSound?: number
  /** The first voiced frame of the reply left for Twilio. */
  readonly firstMedia?: number
  /** The mark behind the reply's first segment came back. */
  readonly firstMark?: number
  /** The caller began to hear the reply: `firstMark` less the length of the segment. */
  readonly heard?: number
}

/** Words of the agent that the caller heard, and when. */
export interface PlayedText {
  readonly text: string
  /** When the first sample was played, ms since the conversation began. */
  readonly at: number
  /** ms of sound. */
  readonly millis: number
}

export type ConversationEvent = {
  /** ms since the conversation began. */
  readonly at: number
  /** The agent's turn: 0 is the greeting. */
  readonly turn: number
} & (
  /** `startedAt`, `endedAt`: the first and the last voiced sample, ms since the conversation began; unset for keys. */
  | { readonly _tag: "CallerSaid"; readonly text: string; readonly startedAt?: number; readonly endedAt?: number }
  /** A partial transcript. The next one may have more words, or other ones. */
  | { readonly _tag: "CallerSays"; readonly text: string }
  /** The agent is about to say this. `AgentHeard` tells how much of it the caller heard. */
  | { readonly _tag: "AgentSays"; readonly text: string }
  /** The answer is late, so the agent says this to fill the wait. */
  | { readonly _tag: "AgentFills"; readonly text: string }
  /** The agent presses these keys, as tones. */
  | { readonly _tag: "AgentPresses"; readonly digits: string }
  /** All that the caller heard of the agent's turn. `isWhole`: the turn was heard to its end. `played`: the words with their times, if known. */
  | { readonly _tag: "AgentHeard"; readonly text: string; readonly isWhole: boolean; readonly played?: ReadonlyArray<PlayedText> }
  /** The caller interrupted the agent. `clearAfter`: ms from the first voiced sample to the `clear`. */
  | { readonly _tag: "BargeIn"; readonly clearAfter: number }
  /** A false interruption: the agent says the rest. */
  | { readonly _tag: "Resumed" }
  | { readonly _tag: "TurnMeasured"; readonly times: TurnTimes }
  /** The call is about to be transferred. `to`: a name in `AgentDefinition.transfers`. `Ended` or `TransferFailed` comes next. */
  | { readonly _tag: "Transferring"; readonly to: string }
  /** The conversation goes on. */
  | { readonly _tag: "TransferFailed"; readonly to: string; readonly reason: string }
  | { readonly _tag: "EngineTrouble"; readonly stage: Stage; readonly reason: string }
  | { readonly _tag: "Ended"; readonly reason: string }
)
