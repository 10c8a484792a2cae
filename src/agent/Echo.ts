/**
 * The echo agent: the caller hears themselves, through the whole way in and out at 16 kHz.
 *
 * It is how a line is tested: what comes back is the caller's own sound, so that delay, loss and
 * quality can be measured at the far end. After a stall it goes on with the newest sound: an echo that
 * was late once would otherwise be late for the rest of the call.
 */
import { Effect } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import type { Agent } from "./Agent.ts"

export const echo: Agent = {
  name: AgentName.make("echo"),
  sampleRate: 16_000,
  maxBacklog: 10,
  answer: (line) => Effect.succeed({ reply: line.audio, signal: () => Effect.void })
}
