/**
 * An agent: it answers a call, hears the caller's sound, and replies with sound.
 *
 * `echo`, the smallest agent, sends the sound back. `ConversationAgent` makes agents that converse. Every agent is connected to its call
 * through the same port, `conversation/ports/AudioPort`.
 */
import { Data, type Effect, type Scope } from "effect"
import type { SampleRate } from "../audio/Pcm.ts"
import type { AgentSide, CallSide } from "../conversation/ports/AudioPort.ts"
import type { AgentName } from "../domain/AgentName.ts"

/** The agent has failed during a call. The call is ended. */
export class AgentFailed extends Data.TaggedError("AgentFailed")<{ readonly agent: AgentName; readonly cause: unknown }> {
  override get message() {
    return `The agent "${this.agent}" failed, and the call was ended. The cause is in the log.`
  }
}

export interface Agent {
  readonly name: AgentName
  /** The sample rate at which the agent listens and speaks, in Hz. */
  readonly sampleRate: SampleRate
  /**
   * How many frames of 20 ms may wait, inbound and outbound together. When more wait, the oldest frames from the caller are dropped. An
   * agent sets this if it has no use for old sound. Unset: as many as fit into `MEDIA_BACKLOG`.
   */
  readonly maxBacklogFrames?: number
  /** `false`: the store keeps figures of the agent's calls, but no words and no sound. */
  readonly keepsWords?: boolean
  /** The address for webhooks about the agent's calls. Unset: the service's address. */
  readonly webhookUrl?: string
  /** Whether the agent's calls are recorded. */
  readonly isRecorded?: boolean
  /** Starts the agent on one call. Its fibers and engines live as long as the scope. */
  readonly answer: (call: CallSide) => Effect.Effect<AgentSide<AgentFailed>, AgentFailed, Scope.Scope>
}
