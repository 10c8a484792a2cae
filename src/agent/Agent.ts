/**
 * What an agent is: from the caller's sound to the reply's sound.
 *
 * The smallest, `echo`, sends the sound back; the large one is the conversation. Both use the same way
 * in and out, and neither knows of Twilio.
 */
import { Data, type Effect, type Scope, type Stream } from "effect"
import type { Pcm, SampleRate } from "../audio/Pcm.ts"
import type { TransferFailed } from "../conversation/Conversation.ts"
import type { ConversationEvent } from "../conversation/ConversationEvent.ts"
import type { AgentName } from "../domain/AgentName.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"

/** What comes beside the sound; never dropped, never behind the sound. */
export type Signal = Data.TaggedEnum<{
  /** A key was pressed: `0`–`9`, `*`, `#`, `A`–`D`. */
  Digit: { readonly digit: string }
  /** All that was said before this mark has been played, or was cleared. */
  MarkReturned: { readonly name: string }
}>
export const Signal = Data.taggedEnum<Signal>()

/** What an agent sends: sound at its own rate, in pieces of any length, and between them marks and notices. */
export type Reply =
  | Pcm
  | { readonly _tag: "Mark"; readonly name: string }
  /** Called when all before it has been handed to the socket; not called for what was cleared. */
  | { readonly _tag: "Sent"; readonly notify: () => void }

/** The caller's end of the line, as the agent has it. */
export interface Line {
  /**
   * The caller's sound at the agent's rate; ends when the stream ends. What was pulled is good until the next pull, when its
   * memory is written to again: what is to last is copied.
   */
  readonly audio: Stream.Stream<Pcm>
  /** Throws away what has been said but not played, here and at Twilio: all three queues. */
  readonly clear: Effect.Effect<void>
  /** For those who watch the call; never waits. */
  readonly tell: (event: ConversationEvent) => Effect.Effect<void>
  /** Whether anybody watches the call now. */
  readonly isWatched: () => boolean
  /** Hands the call on to another telephone; the line is cut when that has been done. Unset: it can't be. */
  readonly transfer?: (to: PhoneNumber) => Effect.Effect<void, TransferFailed>
  /** Names the call in recordings. */
  readonly callId: string
  /** We placed the call. */
  readonly isOutbound?: boolean
}

/** One agent on one call. */
export interface Conversation<E = never> {
  /** Backpressured: it is pulled as fast as the sound is played, less a lead. Its end ends the call. */
  readonly reply: Stream.Stream<Reply, E>
  readonly signal: (signal: Signal) => Effect.Effect<void>
}

/** The agent could not go on; the call is ended. */
export class AgentFailed extends Data.TaggedError("AgentFailed")<{ readonly agent: AgentName; readonly cause: unknown }> {
  override get message() {
    return `The agent "${this.agent}" failed, and the call was ended. The cause is in the log.`
  }
}

export interface Agent {
  readonly name: AgentName
  /** The rate (Hz) at which it listens and speaks. */
  readonly sampleRate: SampleRate
  /**
   * How many frames of 20 ms may wait, on the way in and on the way out, before older ones of the
   * caller's are dropped: for an agent to which old sound is worth nothing. Unset: as many as there is room for.
   */
  readonly maxBacklog?: number
  readonly answer: (line: Line) => Effect.Effect<Conversation<AgentFailed>, AgentFailed, Scope.Scope>
}
