/**
 * Adds silence behind the caller's sound while no messages come.
 *
 * A time without messages counts as a stall of the network until it is clear that nothing was sent. The pong to a WebSocket ping makes it
 * clear, because the pong comes behind everything that was sent before. Without a pong, `backlog` ms without a message make it clear.
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

/** Never ends. */
export const run = (options: {
  readonly stream: MediaStream
  readonly sound: Pick<GaplessSound, "arePongsTrue">
  /** How long a stall of the network may be, ms. */
  readonly backlog: number
  /** Monotonic ms. */
  readonly now: () => number
}): Effect.Effect<never> => {
  const { backlog, now, sound, stream } = options
  const { tally } = stream
  const sinceLastMessage = () => now() - tally.lastAt

  /**
   * Adds silence until the next message comes. The last message came at `last`, and the sound so far reaches to `filledTo` (monotonic ms).
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
        ProcessHalt.waitAndCatchUp(pongTimeout, Effect.timeoutOption(sound.arePongsTrue() ? stream.ping : Effect.never, pongTimeout)),
        Effect.suspend(() => fill(last, last))
      )
    })
  )
}
