/**
 * Adds silence to the caller's sound while no messages come.
 *
 * At first a time without messages counts as a stall of the network. Then the service sends a WebSocket ping. The pong comes after all
 * messages that the peer sent before it. So if the pong is the first thing to come, the peer has sent nothing, and silence is added. Without a
 * pong, silence is added after `backlog` ms without a message.
 */
import { Effect } from "effect"
import type { MediaStream } from "../../twilio/media/MediaStream.ts"
import * as ProcessHalt from "../../twilio/media/ProcessHalt.ts"
import type { GaplessSound } from "./InboundSound.ts"
import { frameMillis } from "./LineCodec.ts"

/** Without a message for this long (ms), the peer is pinged. */
const pingAfterMillis = 1000

/** Silence is added in steps of this length (ms), as real time passes. */
const stepMillis = 5 * frameMillis

/** Runs until it is interrupted. */
export const run = (options: {
  readonly stream: MediaStream
  readonly sound: Pick<GaplessSound, "arePongsReliable">
  /** The longest stall of the network, ms. */
  readonly backlog: number
  /** Monotonic ms. */
  readonly now: () => number
}): Effect.Effect<never> => {
  const { backlog, now, sound, stream } = options
  const { tally } = stream
  const sinceLastMessage = () => now() - tally.lastAt

  /**
   * Adds silence until the next message comes. The newest message came at `last`. The sound so far ends at `filledTo`. Both are monotonic ms.
   */
  const fill = (last: number, filledTo: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (tally.lastAt !== last) return Effect.void
      const millis = Math.floor(now() - filledTo)
      if (millis > 0) stream.addSilence(millis)
      return Effect.andThen(ProcessHalt.waitAndCatchUp(stepMillis, Effect.sleep(stepMillis)), fill(last, filledTo + millis))
    })

  return Effect.forever(
    Effect.suspend(() => {
      const untilPing = pingAfterMillis - sinceLastMessage()
      if (untilPing > 0) return ProcessHalt.waitAndCatchUp(untilPing, Effect.sleep(untilPing))
      const last = tally.lastAt
      const pongTimeout = Math.max(0, backlog - sinceLastMessage())
      return Effect.andThen(
        ProcessHalt.waitAndCatchUp(pongTimeout, Effect.timeoutOption(sound.arePongsReliable() ? stream.ping : Effect.never, pongTimeout)),
        Effect.suspend(() => fill(last, last))
      )
    })
  )
}
