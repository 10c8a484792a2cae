/**
 * When may the next chunk of sound leave? Pure arithmetic over a clock that the caller reads: playback runs in real time,
 * so sending may be ahead of it by a fixed lead at most, enough to hide jitter and little enough to take back.
 *
 * All times are milliseconds and may be fractional. `now` comes from a monotonic clock of any origin; a clock that
 * steps back makes the pacer wait until it has caught up.
 */
export interface Pacer {
  /**
   * Books a chunk of `durationMillis` behind all that was booked before; answers how long to wait from `nowMillis` before
   * sending it (0: at once).
   *
   * Once sent, everything booked lasts `leadMillis` at most. The chunk counts from now on, so send chunks in the
   * order in which they were booked. A chunk that is longer than the lead leaves when the one before has been played.
   *
   * Waits follow from the sum of the durations, not from each other: a wait that lasts too long shortens the next,
   * and nothing adds up. After an underrun playback starts anew at `nowMillis`.
   */
  reserve(nowMillis: number, durationMillis: number): number
  /** How much of what was booked is not yet played; 0 after an underrun. */
  lead(nowMillis: number): number
  /** The other side has thrown away what it had not played (Twilio's `clear`): booking starts at `nowMillis` again. */
  clear(nowMillis: number): void
}

/** `leadMillis`, 200 when not given, is the most that may be sent and not yet played. */
export const make = ({ leadMillis = 200 }: { readonly leadMillis?: number } = {}): Pacer => {
  /** When all that was booked will have been played. */
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
