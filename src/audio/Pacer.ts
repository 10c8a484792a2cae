/**
 * Decides when the next chunk of sound may be sent. It is pure arithmetic: each method takes the time as a parameter.
 *
 * Playback runs in real time. Sound is sent ahead of its playback, by a fixed lead at most. The lead hides jitter of the network.
 * It is short, so a barge-in discards little sound that was already sent.
 *
 * All times are milliseconds and may be fractional. `nowMillis` should be monotonic, from any origin. If it steps back, the next wait is
 * longer by the same time.
 */
interface Pacer {
  /**
   * Books a chunk of `durationMillis` behind all earlier ones. Answers how many ms to wait from `nowMillis` before sending it (0: send at
   * once).
   *
   * When the chunk is sent, at most `leadMillis` of sound are booked and not yet played. Send chunks in the order in which they were
   * booked. A chunk that is longer than the lead leaves when the one before has been played.
   *
   * A wait is computed from the sum of all durations, not from the last wait. If one wait lasts too long, the next one is shorter, so
   * errors do not add up. After an underrun, playback starts again at `nowMillis`.
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
