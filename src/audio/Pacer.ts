/**
 * Decides when the next chunk of sound may leave. Pure arithmetic; the caller reads the clock. Playback runs in real time, and sending is
 * ahead of playback by a fixed lead at most: enough to hide jitter, and little enough for a barge-in to throw away.
 *
 * All times are milliseconds and may be fractional. `now` comes from a monotonic clock of any origin; after a step back the pacer waits
 * until the clock has caught up.
 */
interface Pacer {
  /**
   * Books a chunk of `durationMillis` behind all earlier ones. Answers how many ms to wait from `nowMillis` before sending it (0: send at
   * once).
   *
   * When the chunk is sent, at most `leadMillis` of sound are booked and not yet played. Send chunks in the order in which they were
   * booked. A chunk that is longer than the lead leaves when the one before has been played.
   *
   * Waits follow from the sum of the durations: a wait that lasts too long shortens the next one, so errors do not add up. After an
   * underrun playback starts anew at `nowMillis`.
   */
  reserve(nowMillis: number, durationMillis: number): number
  /** How many ms of the booked sound are not yet played; 0 after an underrun. */
  lead(nowMillis: number): number
  /** The other side has thrown away the sound that it had not played (Twilio's `clear`): booking starts at `nowMillis` again. */
  clear(nowMillis: number): void
}

/** `leadMillis`: how many ms of sound may be sent and not yet played. Default 200. */
export const make = ({ leadMillis = 200 }: { readonly leadMillis?: number } = {}): Pacer => {
  /** When all of the booked sound will have been played. */
  let playhead = -Infinity

  const reserve = (nowMillis: number, durationMillis: number): number => {
    const start = Math.max(playhead, nowMillis)
    playhead = start + durationMillis
    return Math.max(0, Math.min(playhead - leadMillis, start) - nowMillis)
  }

  const lead = (nowMillis: number): number => Math.max(0, playhead - nowMillis)

  const clear = (nowMillis: number): void => {
    playhead = nowMillis
  }

  return { reserve, lead, clear }
}
