/**
 * The events of a conversation, for its watchers (such as the console) and for its history. All events can be written as JSON.
 *
 * The events contain the words of both sides, which are personal data. Only people who may hear the call get the events. No log message
 * contains these words.
 */
import type { Stage } from "./Engine.ts"

/** The moments of one turn, in ms after the caller's last voiced sample arrived. docs/latency.md defines each moment. */
export interface TurnTimes {
  /** The time at which endpointing planned to end the turn. */
  readonly due: number
  /** The turn machine decided that the turn was over. */
  readonly endpoint: number
  readonly transcript?: number
  readonly firstText?: number
  /** Speech synthesis got the first clause. */
  readonly firstClause?: number
  /** Speech synthesis returned the first sound. */
  readonly firstSound?: number
  /** The first voiced frame of the reply left for Twilio. */
  readonly firstMedia?: number
  /** The mark after the reply's first segment came back. */
  readonly firstMark?: number
  /** The caller began to hear the reply: `firstMark` minus the length of the segment. */
  readonly heard?: number
}

/** Words of the agent that the caller heard, with their times. */
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
  /** The number of the agent's turn. 0 is the greeting. */
  readonly turn: number
} & (
  /** `startedAt`, `endedAt`: the first and the last voiced sample, ms since the conversation began; unset for keys. */
  | { readonly _tag: "CallerSaid"; readonly text: string; readonly startedAt?: number; readonly endedAt?: number }
  /** A partial transcript. The next one may have more words, or different words. */
  | { readonly _tag: "CallerSays"; readonly text: string }
  /** The words that the agent says next. `AgentHeard` reports later how many of them the caller heard. */
  | { readonly _tag: "AgentSays"; readonly text: string }
  /** The answer is late, so the agent says this filler. */
  | { readonly _tag: "AgentFills"; readonly text: string }
  /** The agent presses these keys, as tones. */
  | { readonly _tag: "AgentPresses"; readonly digits: string }
  /** The words of the agent's turn that the caller heard. `isWhole`: the caller heard the turn to its end. `played`: the words with their times, if known. */
  | { readonly _tag: "AgentHeard"; readonly text: string; readonly isWhole: boolean; readonly played?: ReadonlyArray<PlayedText> }
  /** The caller interrupted the agent. `clearAfter`: ms from the caller's first voiced sample to the `clear`; 0 if the caller pressed a key. */
  | { readonly _tag: "BargeIn"; readonly clearAfter: number }
  /** The interruption was false, so the agent says the rest of its reply. */
  | { readonly _tag: "Resumed" }
  | { readonly _tag: "TurnMeasured"; readonly times: TurnTimes }
  /** The call is about to be transferred. `to`: a name in `AgentDefinition.transfers`. `Ended` or `TransferFailed` comes next. */
  | { readonly _tag: "Transferring"; readonly to: string }
  /** The transfer failed, so the conversation continues. */
  | { readonly _tag: "TransferFailed"; readonly to: string; readonly reason: string }
  | { readonly _tag: "EngineTrouble"; readonly stage: Stage; readonly reason: string }
  | { readonly _tag: "Ended"; readonly reason: string }
)
