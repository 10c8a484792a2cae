/**
 * How far a stream's sound is ahead of the clock: a telephone line brings a second of sound in a second.
 *
 * A stalled network brings late sound in a burst, but never more than was spoken since the stream was opened. So what leads by more than
 * two seconds is nobody's voice: it is dropped. Ten seconds are no line at all. Whatever a peer sends, the sound that is worked on is as
 * long as the call and two seconds, in messages of any length.
 */

/** ms of the sound that is taken, beyond what is due: the clocks of two machines part by less, 139 ppm, in a call of four hours. */
export const maxLeadMillis = 2000

/** ms of all sound, beyond what is due, at which the stream is closed. */
export const closeLeadMillis = 10_000

/** A message counts as so much sound (ms) at least, for it costs as much, however little it holds. */
const leastMillis = 1

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

export interface MediaLead {
  /**
   * A message has come: how many of its bytes may be heard, from the first on. All of them as a rule, none at last.
   *
   * @param now monotonic ms
   */
  readonly take: (bytes: number, now: number) => number
  /** Whether all that came, heard or not, is more than any line brings. */
  readonly isTooMuch: () => boolean
}

/** `openedAt`: monotonic ms; no sound of the stream is older. */
export const make = (openedAt: number): MediaLead => {
  /** ms of all sound, and of what may be heard. */
  let brought = 0
  let taken = 0
  let isTooMuch = false
  return {
    take: (bytes, now) => {
      const due = now - openedAt
      const millis = Math.max(leastMillis, bytes / bytesPerMilli)
      brought += millis
      if (brought - due > closeLeadMillis) isTooMuch = true
      const room = due + maxLeadMillis - taken
      if (millis <= room) {
        taken += millis
        return bytes
      }
      const kept = Math.min(bytes, Math.floor(Math.max(0, room) * bytesPerMilli))
      taken += kept / bytesPerMilli
      return kept
    },
    isTooMuch: () => isTooMuch
  }
}
