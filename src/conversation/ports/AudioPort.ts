/**
 * The port between a call and its agent: sound, signals and marks, in both directions.
 *
 * The call passes its `CallSide` to an agent, and the agent returns its `AgentSide`. An agent does not depend on Twilio, and a call does
 * not depend on turns.
 *
 * ```text
 *            CallSide.audio      AgentSide.signal (keys, returned marks)
 *   caller ───────────────────────────────────────▶ agent
 *          ◀───────────────────────────────────────
 *            AgentSide.outboundItems (sound, marks, notices)         CallSide.clear
 * ```
 */
import { Data, type Effect, type Fiber, type Stream } from "effect"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import type { ActionKeeper } from "./Actions.ts"
import type { ConversationEvent } from "./ConversationEvent.ts"
import type { ConversationMemory } from "./ConversationMemory.ts"

/** A message from the call to the agent, besides the sound. Signals are never dropped and never wait behind sound. */
export type Signal = Data.TaggedEnum<{
  /** The caller pressed a key: `0`–`9`, `*`, `#`, `A`–`D`. */
  Digit: { readonly digit: string }
  /** The mark with this name came back: all sound before it has been played or cleared. */
  MarkReturned: { readonly name: string }
}>
export const Signal = Data.taggedEnum<Signal>()

/** An item that an agent sends to the line: a piece of sound of any length, a mark or a notice. Items are processed in order. */
export type OutboundItem<Rate extends SampleRate = SampleRate> =
  | Pcm<Rate>
  | OutboundMark
  | SentNotice

/** The signal `MarkReturned` comes when all sound before the mark has been played or cleared. */
export interface OutboundMark {
  readonly _tag: "Mark"
  readonly name: string
}

/** The call runs `notify` when all sound before the notice has been written to the socket. If `clear` comes first, the notice is dropped. */
export interface SentNotice {
  readonly _tag: "Sent"
  readonly notify: () => void
}

/** The transfer failed, so the call continues with the agent. */
export class TransferFailed extends Data.TaggedError("TransferFailed")<{
  /** One word for watchers and metrics. It never contains a telephone number. */
  readonly reason: string
  /** Twilio's answer is missing, so the call may have been transferred. Unset: the call was certainly not transferred. */
  readonly mayBeDone?: boolean
}> {
  override get message() {
    return `The call was not transferred (${this.reason}). Look at the log of the telephone side, and at "transfers" in the agent's file.`
  }
}

/** What a call passes to its agent. `Rate` is the agent's sample rate. */
export interface CallSide<Rate extends SampleRate = SampleRate> {
  /** The call SID. The event log is named after it. */
  readonly callId: string
  /** We placed the call. */
  readonly isOutbound: boolean
  /** The call is recorded, and the agent announces this to the caller. */
  readonly isRecorded?: boolean
  /**
   * The caller's sound until the end of the media stream. Pieces have any length, and the agent may keep them. The samples count media time,
   * so silence fills each gap: where sound was lost, and where Twilio sent nothing.
   *
   * Run only one of `audio` and `borrowedAudio`, and run it once.
   */
  readonly audio: Stream.Stream<Pcm<Rate>>
  /**
   * The same sound, for agents that do not keep the pieces: the next pull overwrites a piece. If an agent returns this stream object as its
   * `outboundItems`, the agent is an echo, and its sound takes a shorter path (docs/adr/0002).
   */
  readonly borrowedAudio: Stream.Stream<Pcm<Rate>>
  /** Discards all sound that was not played yet, in this process and at Twilio. */
  readonly clear: Effect.Effect<void>
  /** Passes an event to the call's watchers and to its history. Never waits. */
  readonly publish: (event: ConversationEvent) => Effect.Effect<void>
  /** Whether anybody watches the call now. */
  readonly isWatched: () => boolean
  /**
   * Starts to transfer the call to another telephone. The media stream ends soon after, perhaps before Twilio's answer. So the returned
   * fiber, which waits for the answer, outlives the stream. Unset: this call can't be transferred.
   */
  readonly transfer?: (to: PhoneNumber) => Effect.Effect<Fiber.Fiber<void, TransferFailed>, TransferFailed>
  /** Set if the conversation began in an earlier media stream of the call. */
  readonly resumption?: Resumption
  /** Stores the newest memory of the conversation. Never waits. Unset: memories are not stored. */
  readonly remember?: (memory: ConversationMemory) => void
  /** Stores the agent's actions. Unset: actions are not stored. */
  readonly actions?: ActionKeeper
  /**
   * Returns why the media stream ended. It is called when the agent's scope closes. `undefined`: the stream was lost, and the call may
   * continue. Unset: the caller hung up.
   */
  readonly whyEnded?: () => string | undefined
}

/** What a conversation needs to continue in another media stream. */
export interface Resumption {
  /** `"lost"`: the memory can't be read, so the earlier words are unknown. */
  readonly memory: ConversationMemory | "lost"
  /** When the new media stream began, ms since the conversation began. Unset: another process wrote the memory, so only the time of day shows it. */
  readonly resumedAt?: number
  /** The call was transferred, nobody answered at the other telephone, and the call came back. */
  readonly isAfterTransfer: boolean
}

/** What an agent returns to its call. */
export interface AgentSide<E = never, Rate extends SampleRate = SampleRate> {
  /** The call pulls the items at the speed of playback, 200 ms ahead. When the stream ends, the call ends after the last sound was played. */
  readonly outboundItems: Stream.Stream<OutboundItem<Rate>, E>
  readonly signal: (signal: Signal) => Effect.Effect<void>
}
