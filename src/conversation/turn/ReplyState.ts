/**
 * The state of one turn of the agent, from the request to the last mark. The turn is an answer of the reply model or a fixed line. Plain data.
 */
import type { Lines } from "../../definition/AgentDefinition.ts"
import type { PlayedText, TurnTimes } from "../ports/ConversationEvent.ts"
import type { DialogueState, ReplyRequest } from "../ports/ReplyModel.ts"
import type * as ClauseChunker from "../speak/ClauseChunker.ts"
import type * as PlaybackLedger from "./PlaybackLedger.ts"

/**
 * The phase of a reply. A preemptive reply plays when the caller's turn is over. The caller's voice holds or interrupts a playing reply.
 * If the caller did not take the turn, the reply continues to play. A finished reply is removed from the state within the same event.
 */
type ReplyPhase =
  /** The reply is made while the caller pauses. `hasFailed`: a request failed, and a second one is not worthwhile (`RetryWorth`). */
  | { readonly _tag: "Preemptive"; readonly hasFailed: boolean }
  /** The reply's sound waits while the caller speaks. `isMediaSent`: some sound was sent before the hold took effect. */
  | { readonly _tag: "Held"; readonly isMediaSent: boolean }
  /** The reply's sound may leave. `isMediaSent`: some sound was sent, so the caller hears the reply. */
  | { readonly _tag: "Playing"; readonly isMediaSent: boolean }
  /** The caller interrupted the reply. `unheard`: the words that the caller did not hear, in speakable pieces. */
  | { readonly _tag: "Interrupted"; readonly unheard: ReadonlyArray<string> }
  /** The caller has heard the whole reply. `rules/AfterReply` decides what comes next. */
  | { readonly _tag: "Finished" }

export const playing: ReplyPhase = { _tag: "Playing", isMediaSent: false }
export const held: ReplyPhase = { _tag: "Held", isMediaSent: false }

export interface ReplyState {
  readonly id: number
  readonly phase: ReplyPhase
  /** The key of the fixed line that the reply says. Unset: the model writes the reply. */
  readonly line?: keyof Lines
  /** The request to the model. Unset for a fixed line. */
  readonly request?: ReplyRequest | undefined
  /** The call ends after the reply, so the caller can't interrupt it. */
  readonly isFinal: boolean
  /** The model's text that is not a whole clause yet. */
  readonly chunker: ClauseChunker.ClauseChunker
  /** The text is complete, or further text is ignored. */
  readonly isTextDone: boolean
  /** The playback ledger: the segments since the last interruption, in order. */
  readonly segments: ReadonlyArray<PlaybackLedger.Segment>
  readonly nextSegmentId: number
  /** The words that the caller heard before the last interruption and that are not in the history yet. */
  readonly heard: string
  /** All words that the caller heard before the last interruption, with the times of playback. They include the words in `remembered`. */
  readonly played?: ReadonlyArray<PlayedText>
  /** The words that the caller heard and that are in the history already. */
  readonly remembered?: string
  /** The call ends after the reply, for this reason. */
  readonly hangUp?: string
  /** The call is transferred after the reply, to this name in `AgentDefinition.transfers`. */
  readonly transfer?: string
  /** Keys that must still be pressed after the words. */
  readonly digits: string
  /** The new dialogue state from the model. It takes effect when the reply becomes the answer to the caller's turn. */
  readonly dialogue?: { readonly state: DialogueState }
  /** The model failed once, and the request was repeated. */
  readonly isModelRetried: boolean
  /** Speech synthesis failed once, and the request was repeated. */
  readonly isSpeechRetried: boolean
  /** An engine failed, so the reply ended with an apology. */
  readonly isBroken: boolean
  /** Unset for a fixed line. */
  readonly times?: ReplyTimes | undefined
}

/** The moments of a turn; ms since the conversation began. */
interface ReplyTimes {
  /** When the caller's last voiced sample came. The published moments are relative to this time. */
  readonly since: number
  readonly moments: { readonly [Moment in keyof TurnTimes]?: number }
  /** The moments were published. */
  readonly arePublished: boolean
}

/** Whether some of the reply's sound was sent, so that it can be cleared. */
export const isMediaSent = ({ phase }: ReplyState): boolean => (phase._tag === "Playing" || phase._tag === "Held") && phase.isMediaSent

/** The words of an interrupted reply that the caller did not hear. `undefined`: the reply is not interrupted. */
export const unheardOf = ({ phase }: ReplyState): ReadonlyArray<string> | undefined => phase._tag === "Interrupted" ? phase.unheard : undefined
