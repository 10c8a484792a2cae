/**
 * The port between a call and its agent: sound, signals and marks, in both directions.
 *
 * The call gives an agent its `CallSide`, and the agent answers with its `AgentSide`. Neither side knows the other: an agent knows
 * nothing of Twilio, and a call nothing of turns.
 *
 * ```text
 *            CallSide.audio      AgentSide.signal (keys, returned marks)
 *   caller ───────────────────────────────────────▶ agent
 *          ◀───────────────────────────────────────
 *            AgentSide.reply (OutboundItem: sound, marks, sent)      CallSide.clear
 * ```
 */
import { Data, type Effect, type Fiber, type Stream } from "effect"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import type { ActionKeeper } from "./Actions.ts"
import type { ConversationEvent } from "./ConversationEvent.ts"
import type { ConversationMemory } from "./ConversationMemory.ts"

/** What the call tells the agent besides the sound. Signals are never dropped and never wait behind sound. */
export type Signal = Data.TaggedEnum<{
  /** The caller pressed a key: `0`–`9`, `*`, `#`, `A`–`D`. */
  Digit: { readonly digit: string }
  /** All sound sent before the mark of this name has been played, or was cleared. */
  MarkReturned: { readonly name: string }
}>
export const Signal = Data.taggedEnum<Signal>()

/** What an agent sends, in order: sound in pieces of any length, and marks and notices between pieces. */
export type OutboundItem<Rate extends SampleRate = SampleRate> =
  | Pcm<Rate>
  | OutboundMark
  | SentNotice

/** Comes back as `MarkReturned` when all sound in front of it has been played or cleared. */
export interface OutboundMark {
  readonly _tag: "Mark"
  readonly name: string
}

/** The call runs `notify` when all sound in front of the notice has been written to the socket. An earlier `clear` drops the notice. */
export interface SentNotice {
  readonly _tag: "Sent"
  readonly notify: () => void
}

/** The transfer failed, so the call goes on with the agent. */
export class TransferFailed extends Data.TaggedError("TransferFailed")<{
  /** A word for watchers and metrics. It holds no telephone number. */
  readonly reason: string
  /** Twilio's answer is missing, so the call may have been transferred all the same. Unset: it surely was not. */
  readonly mayBeDone?: boolean
}> {
  override get message() {
    return `The call was not transferred (${this.reason}). Look at the log of the telephone side, and at "transfers" in the agent's file.`
  }
}

/** What a call gives its agent. `Rate` is the agent's sample rate. */
export interface CallSide<Rate extends SampleRate = SampleRate> {
  /** Names the call in recordings: its call SID. */
  readonly callId: string
  /** We placed the call. */
  readonly isOutbound: boolean
  /** The call is recorded, and the agent tells the caller so. */
  readonly isRecorded?: boolean
  /**
   * The caller's sound; ends with the media stream. Pieces have any length and may be kept. Media time passes with the samples: silence
   * replaces lost sound, and the times at which the caller is known to send nothing.
   *
   * Run either `audio` or `borrowedAudio`, once.
   */
  readonly audio: Stream.Stream<Pcm<Rate>>
  /**
   * The same sound for agents that use each piece at once: the next pull overwrites it. If an agent's `reply` is this very stream, the
   * agent is an echo, and its sound takes a shorter way (docs/adr/0002).
   */
  readonly borrowedAudio: Stream.Stream<Pcm<Rate>>
  /** Throws away all sound that was not played yet, in this process and at Twilio. */
  readonly clear: Effect.Effect<void>
  /** Tells the call's watchers; never waits. */
  readonly tell: (event: ConversationEvent) => Effect.Effect<void>
  /** Whether anybody watches the call now. */
  readonly isWatched: () => boolean
  /**
   * Begins to transfer the call to another telephone. The media stream ends soon after, perhaps before Twilio's answer. So the fiber that
   * waits for the answer outlives the stream. Unset: this call can't be transferred.
   */
  readonly transfer?: (to: PhoneNumber) => Effect.Effect<Fiber.Fiber<void, TransferFailed>, TransferFailed>
  /** Set if the conversation began in an earlier media stream of the call. */
  readonly resumption?: Resumption
  /** Stores the newest memory of the conversation. Never waits. Unset: it is not stored. */
  readonly remember?: (memory: ConversationMemory) => void
  /** Unset: actions are not stored. */
  readonly actions?: ActionKeeper
  /**
   * Tells, when the agent's scope closes, why the sound has ended. Returns `undefined` if the line was lost and the call may go on.
   * Unset: the caller hung up.
   */
  readonly whyEnded?: () => string | undefined
}

/** What a conversation needs to go on in another media stream. */
export interface Resumption {
  /** `"lost"`: what was said before is unknown. */
  readonly memory: ConversationMemory | "lost"
  /** The call was transferred, nobody answered there, and the caller is back. */
  readonly isAfterTransfer: boolean
}

/** What an agent gives the call that it answers. */
export interface AgentSide<E = never, Rate extends SampleRate = SampleRate> {
  /** The call pulls the items at the speed of playback, 200 ms ahead. When the stream ends, the call ends after its last sound was played. */
  readonly reply: Stream.Stream<OutboundItem<Rate>, E>
  readonly signal: (signal: Signal) => Effect.Effect<void>
}
