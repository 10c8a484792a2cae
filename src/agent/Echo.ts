/**
 * The echo agent sends the caller's sound back, at 16 kHz and through the whole way in and out.
 *
 * It tests a line: the far end can measure delay, loss and quality of the sound that comes back. After a stall it continues
 * with the newest sound. Otherwise the echo would stay late for the rest of the call.
 */
import { Effect } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import type { Agent } from "./Agent.ts"

export const echo: Agent = {
  name: AgentName.make("echo"),
  sampleRate: 16_000,
  maxBacklogFrames: 10,
  answer: (call) => Effect.succeed({ reply: call.borrowedAudio, signal: () => Effect.void })
}
