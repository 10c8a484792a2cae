/**
 * Measures how far a stream's sound is ahead of the clock. A telephone line brings a second of sound in a second.
 *
 * A stalled network brings late sound in a burst, but never more than was spoken since the stream was opened. So sound that leads by more
 * than two seconds is nobody's voice: it is dropped. A stream that leads by ten seconds is not a telephone line, and is closed. Whatever a
 * peer sends, the sound that is processed is at most two seconds longer than the call.
 */

/** How far (ms) kept sound may lead. In a call of four hours the clocks of two machines drift apart by less (139 ppm). */
export const maxLeadMillis = 2000

/** How far (ms) all sound that came may lead before the stream is closed. */
export const closeLeadMillis = 10_000

/** A message counts as at least this much sound (ms), because even an empty one costs time. */
const minMessageMillis = 1

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

interface MediaLead {
  /**
   * Counts a message and returns how many of its bytes to keep, from the first on: usually all of them.
   *
   * @param now monotonic ms
   */
  readonly take: (bytes: number, now: number) => number
  /** Whether more sound came than any telephone line brings. */
  readonly isTooMuch: () => boolean
}

/** @param openedAt monotonic ms; no sound of the stream is older */
export const make = (openedAt: number): MediaLead => {
  /** ms of all sound that came. */
  let receivedMillis = 0
  /** ms of the sound that was kept. */
  let keptMillis = 0
  let isTooMuch = false
  return {
    take: (bytes, now) => {
      const dueMillis = now - openedAt
      const millis = Math.max(minMessageMillis, bytes / bytesPerMilli)
      receivedMillis += millis
      if (receivedMillis - dueMillis > closeLeadMillis) isTooMuch = true
      const roomMillis = dueMillis + maxLeadMillis - keptMillis
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
