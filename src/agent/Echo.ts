/**
 * The echo agent: the caller hears themselves, through the whole way in and out at 16 kHz.
 *
 * It is how a line is tested: what comes back is the caller's own sound, so that delay, loss and
 * quality can be measured at the far end. After a stall it goes on with the newest sound: an echo that
 * was late once would otherwise be late for the rest of the call.
 */
import { Effect, Metric, Stream } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import * as Metrics from "../observability/Metrics.ts"
import type { Agent } from "./Agent.ts"

/** Pieces of 20 ms that may wait; what is older is not worth repeating. */
const maxBacklog = 10

export const echo: Agent = {
  name: AgentName.make("echo"),
  sampleRate: 16_000,
  answer: (line) =>
    Effect.succeed({
      reply: Stream.mapArrayEffect(line.audio, (pieces) => {
        if (pieces.length <= maxBacklog) return Effect.succeed(pieces)
        const stale = pieces.length - maxBacklog
        return Effect.as(
          Metric.update(Metrics.framesDropped("stale"), stale),
          pieces.slice(stale) as unknown as typeof pieces
        )
      }),
      signal: () => Effect.void
    })
}
