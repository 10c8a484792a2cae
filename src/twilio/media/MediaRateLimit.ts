/**
 * Measures how far a stream's sound is ahead of the clock. A telephone line sends one second of sound in one second.
 *
 * After a stall of the network, late sound comes in a burst. But a telephone line never sends more sound than the time since the stream was
 * opened. So sound that is more than two seconds ahead is dropped. A stream that is ten seconds ahead does not come from a telephone line,
 * and is closed. So the service processes at most two seconds of sound more than the length of the call.
 */

/** How far (ms) kept sound may be ahead. In a call of four hours, the clocks of two machines drift apart by less: 2 s would be 139 ppm. */
export const maxAheadMillis = 2000

/** How far (ms) all sound that came may be ahead before the stream is closed. */
export const closeAheadMillis = 10_000

/** A message counts as at least this much sound (ms), because even an empty one costs time. */
const minMessageMillis = 1

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

interface MediaRateLimit {
  /**
   * Counts a message. Returns how many of its bytes to keep, from the first byte on. Usually it keeps all of them.
   *
   * @param now monotonic ms
   */
  readonly admit: (bytes: number, now: number) => number
  /** Whether the sound was more than `closeAheadMillis` ahead, so that the stream must be closed. */
  readonly isTooMuch: () => boolean
}

/** @param openedAt monotonic ms; no sound of the stream is older */
export const make = (openedAt: number): MediaRateLimit => {
  /** ms of all sound that came. */
  let receivedMillis = 0
  /** ms of the sound that was kept. */
  let keptMillis = 0
  let isTooMuch = false
  return {
    admit: (bytes, now) => {
      const dueMillis = now - openedAt
      const millis = Math.max(minMessageMillis, bytes / bytesPerMilli)
      receivedMillis += millis
      if (receivedMillis - dueMillis > closeAheadMillis) isTooMuch = true
      const roomMillis = dueMillis + maxAheadMillis - keptMillis
      if (millis <= roomMillis) {
        keptMillis += millis
        return bytes
      }
      const keptBytes = Math.min(bytes, Math.floor(Math.max(0, roomMillis) * bytesPerMilli))
      keptMillis += keptBytes / bytesPerMilli
      return keptBytes
    },
    isTooMuch: () => isTooMuch
  }
}
