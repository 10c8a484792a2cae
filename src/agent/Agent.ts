/**
 * An agent: it answers a call, hears the caller's sound, and replies with sound.
 *
 * `echo`, the smallest, sends the sound back; `ConversationAgent` makes agents that converse. Every agent is connected to its call
 * through the same port, `conversation/ports/AudioPort`.
 */
import { Data, type Effect, type Scope } from "effect"
import type { SampleRate } from "../audio/Pcm.ts"
import type { AgentSide, CallSide } from "../conversation/ports/AudioPort.ts"
import type { AgentName } from "../domain/AgentName.ts"

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
   * How many frames of 20 ms may wait, inbound and outbound together, before the caller's oldest are dropped. Set by an agent that
   * has no use for old sound. Unset: as many as fit into `MEDIA_BACKLOG`.
   */
  readonly maxBacklogFrames?: number
  /** `false`: the store keeps figures of its calls, but no words and no sound. */
  readonly keepsWords?: boolean
  /** The address for webhooks about its calls. Unset: the service's address. */
  readonly webhookUrl?: string
  /** Whether the agent's calls are recorded. */
  readonly isRecorded?: boolean
  /** Starts the agent on one call. Its fibers and engines live as long as the scope. */
  readonly answer: (call: CallSide) => Effect.Effect<AgentSide<AgentFailed>, AgentFailed, Scope.Scope>
}
