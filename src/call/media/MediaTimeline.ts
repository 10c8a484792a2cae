/**
 * Computes from a message's `chunk` and `timestamp` how much sound is missing before it.
 *
 * Twilio sends a message each 20 ms for the whole call, even while the caller is silent. So a missing message was lost.
 */
import { closeAheadMillis, maxAheadMillis } from "../../twilio/media/MediaRateLimit.ts"
import type { Media } from "../../twilio/media/MediaMessage.ts"

/** Bytes of μ-law in a ms. */
export const bytesPerMilli = 8

/**
 * How far (ms) `timestamp` may be ahead of the sound although no message is missing. Twilio reads its timestamps from a clock, so they grow
 * only by about the length of the sound.
 */
const timestampSlackMillis = 100

interface MediaTimeline {
  /**
   * Takes the next message. Returns how much sound (ms) is missing before it.
   *
   * @param elapsed real ms since the stream was opened; called only if something may be missing
   */
  readonly missingBefore: (media: Media["media"], elapsed: () => number) => number
  /** Counts silence (ms) that was added after the newest message. */
  readonly addSilence: (millis: number) => void
  /** Whether the network delayed the newest message: silence was added before it, although its sound directly follows the message before. */
  readonly wasHeldUp: () => boolean
}

/**
 * `chunk` and `timestamp` may be wrong, so gaps are limited. A gap is at most `backlog` ms long. All sound together is at most as long as the
 * stream so far, plus `maxAheadMillis`.
 *
 * A number that would put the sound more than ten seconds ahead of the clock is wrong, and makes no gap. Such a gap would move the media time
 * ahead for the rest of the stream, and would hide every later gap. A number that goes back is wrong, too. The message after a wrong number
 * makes no gap either: its number seems to leap forward. From that message on, the numbers count again.
 */
export const make = (backlog: number): MediaTimeline => {
  /** The numbers of the next message if nothing is missing. Unset before the first message. */
  let expected: { readonly chunk: number; readonly timestamp: number } | undefined
  /** ms of all sound so far, added silence included. */
  let heardMillis = 0
  /** ms of silence that was added since the newest message. */
  let silenceMillis = 0
  let wasHeldUp = false
  /** Whether `chunk` or `timestamp` of the newest message was smaller than that of an earlier message. */
  let wentBack = false
  const maxAhead = Math.min(backlog, maxAheadMillis)

  const gapBefore = ({ chunk, timestamp }: Media["media"], length: number, elapsed: () => number): number => {
    if (expected === undefined || wentBack) return 0
    /** Silence that was added since the newest message fills the same gap, so it is subtracted. */
    const isPossible = (gap: number) => heardMillis - silenceMillis + gap <= elapsed() + closeAheadMillis
    const byTimestamp = timestamp - expected.timestamp
    const skipsChunks = chunk > expected.chunk
    if (byTimestamp > (skipsChunks ? 0 : timestampSlackMillis) && isPossible(byTimestamp)) return byTimestamp
    const byChunk = skipsChunks ? (chunk - expected.chunk) * length : 0
    return byChunk > 0 && isPossible(byChunk) ? byChunk : 0
  }

  return {
    missingBefore: (media, elapsed) => {
      const length = media.payload.length / bytesPerMilli
      const gap = gapBefore(media, length, elapsed)
      const missing = gap <= silenceMillis ? 0 : Math.max(0, Math.min(gap - silenceMillis, backlog, elapsed() + maxAhead - heardMillis))
      wasHeldUp = silenceMillis > timestampSlackMillis && gap < timestampSlackMillis
      silenceMillis = 0
      wentBack = expected !== undefined && (media.chunk < expected.chunk || media.timestamp < expected.timestamp - timestampSlackMillis)
      expected = { chunk: media.chunk + 1, timestamp: media.timestamp + length }
      heardMillis += missing + length
      return missing
    },
    addSilence: (millis) => {
      heardMillis += millis
      silenceMillis += millis
    },
    wasHeldUp: () => wasHeldUp
  }
}
