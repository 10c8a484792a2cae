/**
 * One turn of the agent: an answer of the reply model or a fixed line, from its request to its last mark. Plain data.
 */
import type { Lines } from "../../definition/AgentDefinition.ts"
import type { PlayedText, TurnTimes } from "../ports/ConversationEvent.ts"
import type { DialogueState, ReplyRequest } from "../ports/ReplyModel.ts"
import type * as ClauseChunker from "../speak/ClauseChunker.ts"
import type * as PlaybackLedger from "./PlaybackLedger.ts"

/**
 * The phase of a reply. A preemptive reply plays when the caller's turn is over. The caller's voice holds or interrupts a playing reply.
 * If the caller did not take the turn, the reply plays on. A finished reply leaves the state within the same event.
 */
type ReplyPhase =
  /** It is made while the caller pauses. `isRefused`: an engine refused its request, and would refuse a second one too. */
  | { readonly _tag: "Preemptive"; readonly isRefused: boolean }
  /** Its sound waits while the caller speaks. `isMediaSent`: some sound left before the hold took effect. */
  | { readonly _tag: "Held"; readonly isMediaSent: boolean }
  /** Its sound may leave. `isMediaSent`: some has left, so the caller hears it. */
  | { readonly _tag: "Playing"; readonly isMediaSent: boolean }
  /** The caller interrupted it. `rest`: the words that were not heard, in speakable pieces. */
  | { readonly _tag: "Interrupted"; readonly unheard: ReadonlyArray<string> }
  /** The caller has heard all of it. `rules/AfterReply` decides what comes next. */
  | { readonly _tag: "Finished" }

export const playing: ReplyPhase = { _tag: "Playing", isMediaSent: false }
export const held: ReplyPhase = { _tag: "Held", isMediaSent: false }

export interface ReplyState {
  readonly id: number
  readonly phase: ReplyPhase
  /** Which fixed line the reply is. Unset: the model writes the reply. */
  readonly line?: keyof Lines
  /** The request to the model. Unset for a fixed line. */
  readonly request?: ReplyRequest | undefined
  /** The call ends after the reply, so the caller can't interrupt it. */
  readonly isFinal: boolean
  /** The model's text that is no whole clause yet. */
  readonly chunker: ClauseChunker.ClauseChunker
  /** The text is complete, or more text is not wanted. */
  readonly isTextDone: boolean
  /** The playback ledger: the segments since the last interruption, in order. */
  readonly segments: ReadonlyArray<PlaybackLedger.Segment>
  readonly nextSegmentId: number
  /** The words that the caller heard before the last interruption. They are not in the history yet. */
  readonly heard: string
  /** All words that the caller heard before the last interruption, also those in `remembered`, with the times of playback. */
  readonly played?: ReadonlyArray<PlayedText>
  /** Words of the reply that the caller heard and that are in the history already. */
  readonly remembered?: string
  /** The call ends after the reply, for this reason. */
  readonly hangUp?: string
  /** The call is transferred after the reply, to this name in `AgentDefinition.transfers`. */
  readonly transfer?: string
  /** Keys that are still to be pressed after the words. */
  readonly digits: string
  /** The dialogue's state that the model wants to keep once the reply counts. */
  readonly dialogue?: { readonly state: DialogueState }
  /** The model failed once and was asked again. */
  readonly isModelRetried: boolean
  /** Speech failed once and was asked again. */
  readonly isSpeechRetried: boolean
  /** An engine failed, so the reply ended with an apology. */
  readonly isBroken: boolean
  /** Unset for a fixed line. */
  readonly times?: ReplyTimes | undefined
}

/** The moments of a turn; ms since the conversation began. */
interface ReplyTimes {
  /** When the caller's last voiced sample came. The moments are told relative to it. */
  readonly since: number
  readonly moments: { readonly [Moment in keyof TurnTimes]?: number }
  /** The moments were sent to watchers. */
  readonly arePublished: boolean
}

/** Some of the reply's sound has left and can still be cleared. */
export const isMediaSent = ({ phase }: ReplyState): boolean => (phase._tag === "Playing" || phase._tag === "Held") && phase.isMediaSent

/** The words of an interrupted reply that were not heard. */
export const unheardOf = ({ phase }: ReplyState): ReadonlyArray<string> | undefined => phase._tag === "Interrupted" ? phase.unheard : undefined
