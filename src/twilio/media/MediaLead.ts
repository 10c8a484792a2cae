/**
 * How far a stream's sound is ahead of the clock: a telephone line brings a second of sound in a second.
 *
 * A stalled network brings late sound in a burst, but never more than was spoken since the stream was opened. So what leads by more than
 * two seconds is nobody's voice: it is dropped. A stream that leads by ten seconds is no telephone line, and is closed. Whatever a peer sends, in
 * messages of any length, the sound that is worked on is at most as long as the call and two seconds.
 */

/** ms of sound beyond what is due that are still kept. The clocks of two machines part by less: 139 ppm, in a call of four hours. */
export const maxLeadMillis = 2000

/** ms of all sound beyond what is due, at which the stream is to be closed. */
export const closeLeadMillis = 10_000

/** A message counts as at least this much sound (ms), for even an empty one costs time. */
const minMessageMillis = 1

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

interface MediaLead {
  /**
   * Counts a message and returns how many of its bytes are to be kept, from the first on: usually all of them.
   *
   * @param now monotonic ms
   */
  readonly take: (bytes: number, now: number) => number
  /** Whether all sound that came, kept or not, is more than any line brings. */
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
      const kept = Math.min(bytes, Math.floor(Math.max(0, roomMillis) * bytesPerMilli))
      keptMillis += kept / bytesPerMilli
      return kept
    },
    isTooMuch: () => isTooMuch
  }
}
