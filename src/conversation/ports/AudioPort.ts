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

/** What the call tells the agent beside the sound. Signals are never dropped and never wait behind sound. */
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

/** The call runs `notify` when all sound in front of it has been written to the socket; never after a `clear` in between. */
export interface SentNotice {
  readonly _tag: "Sent"
  readonly notify: () => void
}

/** The call was not handed on; it is as it was. */
export class TransferFailed extends Data.TaggedError("TransferFailed")<{
  /** A word for watchers and metrics; no number. */
  readonly reason: string
  /** No answer came, so it may have been done all the same. Unset: it was not done. */
  readonly mayBeDone?: boolean
}> {
  override get message() {
    return `The call was not handed on (${this.reason}). Look at the log of the telephone side, and at "transfers" in the agent's file.`
  }
}

/** What a call gives its agent. `Rate` is the agent's sample rate. */
export interface CallSide<Rate extends SampleRate = SampleRate> {
  /** Names the call in recordings: its call SID. */
  readonly callId: string
  /** We placed the call. */
  readonly isOutbound: boolean
  /** The call is recorded, and the caller is to be told. */
  readonly isRecorded?: boolean
  /**
   * The caller's sound; ends with the media stream. Pieces have any length and may be kept. Media time passes with the samples: silence
   * stands where sound was lost, and where the caller is known to send nothing.
   *
   * Run either `audio` or `borrowedAudio`, once.
   */
  readonly audio: Stream.Stream<Pcm<Rate>>
  /**
   * The same sound for agents that are part of this service and use a piece at once: the next pull overwrites it. An agent whose reply
   * is this very stream is an echo, and its sound takes a shorter way (docs/adr/0002).
   */
  readonly borrowedAudio: Stream.Stream<Pcm<Rate>>
  /** Throws away all sound that was sent and not played, in this process and at Twilio. */
  readonly clear: Effect.Effect<void>
  /** Tells the call's watchers; never waits. */
  readonly tell: (event: ConversationEvent) => Effect.Effect<void>
  /** Whether anybody watches the call now. */
  readonly isWatched: () => boolean
  /**
   * Begins to hand the call on to another telephone. The media stream ends soon after that, and perhaps before the answer comes: so the fiber,
   * which has the answer, is not the stream's. Unset: this call can't be handed on.
   */
  readonly transfer?: (to: PhoneNumber) => Effect.Effect<Fiber.Fiber<void, TransferFailed>, TransferFailed>
  /** An earlier media stream of the call had a conversation, which goes on. Unset: it begins. */
  readonly resumption?: Resumption
  /** Keeps the newest memory of the conversation. Never waits. Unset: nobody keeps it. */
  readonly remember?: (memory: ConversationMemory) => void
  /** Unset: actions are not written down. */
  readonly actions?: ActionKeeper
  /**
   * Why the sound has ended, asked when the agent's scope closes. `undefined`: the line was lost, and the call may go on. Unset: the caller
   * hung up.
   */
  readonly whyEnded?: () => string | undefined
}

/** How a conversation goes on that an earlier media stream had. */
export interface Resumption {
  /** `"lost"`: nobody knows what was said before. */
  readonly memory: ConversationMemory | "lost"
  /** The call was handed on, nobody took it there, and the caller is back. */
  readonly isAfterTransfer: boolean
}

/** What an agent gives the call that it answers. */
export interface AgentSide<E = never, Rate extends SampleRate = SampleRate> {
  /** The call pulls it as fast as the sound is played, less a lead of 200 ms. Its end ends the call, after the last sound was played. */
  readonly reply: Stream.Stream<OutboundItem<Rate>, E>
  readonly signal: (signal: Signal) => Effect.Effect<void>
}
