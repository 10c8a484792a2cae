/**
 * Decides when the next chunk of sound may be sent. The pacer has no clock: each method takes the time as a parameter.
 *
 * Playback runs in real time. Sound is sent ahead of its playback, but at most by a fixed lead. The lead hides jitter of the network.
 * It is short, so a barge-in discards little sound that was already sent.
 *
 * All times are in milliseconds and may be fractional. `nowMillis` should be monotonic, from any origin. If the time steps back, the next
 * wait is longer by the same amount.
 */
interface Pacer {
  /**
   * Books the playback time of a chunk of `durationMillis`, after all earlier chunks. Returns how many ms to wait from `nowMillis` before the
   * chunk is sent (0: send at once).
   *
   * When the chunk is sent, at most `maxLeadMillis` of sound are booked and not yet played, unless the chunk alone is longer. Such a chunk is
   * sent when the chunk before it has been played. Send chunks in the order in which they were booked.
   *
   * A wait is computed from the sum of all durations, not from the last wait. If one wait lasts too long, the next one is shorter, so
   * errors do not add up. After an underrun, playback starts again at `nowMillis`.
   */
  reserve(nowMillis: number, durationMillis: number): number
  /** How many ms of the booked sound are not yet played. 0 after an underrun. */
  unplayed(nowMillis: number): number
  /** Call it when the other side has thrown away its unplayed sound (Twilio's `clear`). Booking starts at `nowMillis` again. */
  clear(nowMillis: number): void
}

/** `maxLeadMillis`: how many ms of sound may be sent and not yet played. */
export const make = ({ maxLeadMillis }: { readonly maxLeadMillis: number }): Pacer => {
  /** When all of the booked sound will have been played. */
  let bookedUntil = -Infinity

  const reserve = (nowMillis: number, durationMillis: number): number => {
    const start = Math.max(bookedUntil, nowMillis)
    bookedUntil = start + durationMillis
    return Math.max(0, Math.min(bookedUntil - maxLeadMillis, start) - nowMillis)
  }

  const unplayed = (nowMillis: number): number => Math.max(0, bookedUntil - nowMillis)

  const clear = (nowMillis: number): void => {
    bookedUntil = nowMillis
  }

  return { reserve, unplayed, clear }
}
