/**
 * The echo agent: the caller hears themselves, through the whole way in and out at 16 kHz.
 *
 * It tests a line: since the caller's own sound comes back, the far end can measure delay, loss and quality. After a stall it
 * goes on with the newest sound: an echo that was late once would otherwise be late for the rest of the call.
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
