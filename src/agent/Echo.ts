/**
 * The echo agent sends the caller's sound back. It works at 16 kHz, so that the sound is resampled in both directions.
 *
 * The agent is for tests of a telephone line: the far end can measure the delay, loss and quality of the sound that comes back. After a
 * stall, the agent continues with the newest sound. Otherwise the echo would stay late until the end of the call.
 */
import { Effect } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import type { Agent } from "./Agent.ts"

export const echo: Agent = {
  name: AgentName.make("echo"),
  sampleRate: 16_000,
  maxBacklogFrames: 10,
  answer: (call) => Effect.succeed({ outboundItems: call.borrowedAudio, signal: () => Effect.void })
}
