/**
 * The caller's sound between the socket and the call: a queue with room for the burst after a stall of the network, and counters.
 *
 * Sound that is too far ahead of the clock is dropped (`MediaRateLimit`). When the queue is full, the oldest message is dropped. Dropped
 * messages are counted by cause.
 */
import type { Media } from "../MediaMessage.ts"
import * as MediaRateLimit from "../MediaRateLimit.ts"
import * as FrameQueue from "./FrameQueue.ts"

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

/** ms of sound in a `media` message of Twilio's. */
const messageMillis = 20

/** How long a message waits is measured for one message in fifty: about once a second. */
const sampleEvery = 50

/** No sound was sent for `millis`. No message for this time can still arrive. */
export interface Silence {
  readonly event: "silence"
  readonly millis: number
}

const millisOf = (sound: Media | Silence): number => sound.event === "media" ? sound.media.payload.length / bytesPerMilli : sound.millis

/** Counters of the stream's sound. The stream writes them. The call reads and reports them. */
export interface Tally {
  /** `media` messages that came. */
  readonly received: number
  /** How many of these messages `MediaScanner` read. The others cost far more (`SlowMessages`). */
  readonly scanned: number
  /** When the last message came (monotonic ms). Before the first message: when the stream began. */
  readonly lastAt: number
  /** Messages that never came, counted by the gaps in `chunk`. Each gap counts at most as many messages as the queue can hold. */
  readonly lost: number
  /** Messages that were dropped whole, because they were too far ahead of the clock (`MediaRateLimit`). */
  readonly ahead: number
  /** ms of sound that was dropped, because it was too far ahead of the clock. */
  readonly surplusMillis: number
  /** Messages that were dropped from the full queue, because too many messages came at once. */
  readonly burst: number
  /** Messages that were dropped from the full queue, because the agent did not take them in time. */
  readonly untaken: number
  /** The message whose wait is measured: its index among the received messages, and its arrival (monotonic ms). */
  readonly sampleIndex: number
  readonly sampleAt: number
}

export interface InboundMedia {
  readonly tally: Tally
  readonly queue: FrameQueue.FrameQueue<Media | Silence>
  /**
   * Adds a message that came at the time `at` (monotonic ms). Returns false if the stream is so far ahead of the clock that it must be
   * closed.
   */
  readonly take: (message: Media, at: number) => boolean
  /** Counts a message that `MediaScanner` has read. */
  readonly countScanned: () => void
  /** Adds silence (ms) after the sound that has come so far. */
  readonly addSilence: (millis: number, at: number) => void
}

/**
 * @param openedAt monotonic ms; no sound of the stream is older
 * @param backlogMillis how much sound may wait
 */
export const make = (openedAt: number, backlogMillis: number): InboundMedia => {
  const maxMessages = Math.max(1, Math.round(backlogMillis / messageMillis))
  // A message may have any length, so not only the number of messages is limited but also their sound.
  const queue = FrameQueue.make<Media | Silence>(maxMessages, millisOf, backlogMillis)
  const rateLimit = MediaRateLimit.make(openedAt)
  const tally = { received: 0, scanned: 0, lastAt: openedAt, lost: 0, ahead: 0, surplusMillis: 0, burst: 0, untaken: 0, sampleIndex: -1, sampleAt: 0 }
  let nextChunk = 1
  /** Whether the newest message had a smaller `chunk` than an earlier one. The next message then seems to skip chunks. */
  let wentBack = false

  /**
   * If a dropped message had waited at least this long (ms), the agent did not take it in time. If it had waited less, too many came at
   * once.
   */
  const untakenAfterMillis = (maxMessages * messageMillis) / 2

  const offer = (sound: Media | Silence, at: number) => {
    let waitedMillis = queue.offer(sound, at) ?? queue.dropExcess(at)
    while (waitedMillis !== undefined) {
      if (waitedMillis < untakenAfterMillis) tally.burst++
      else tally.untaken++
      waitedMillis = queue.dropExcess(at)
    }
  }

  const countArrival = (chunk: number, at: number) => {
    tally.lastAt = at
    if (++tally.received % sampleEvery === 1) {
      tally.sampleIndex = tally.received - 1
      tally.sampleAt = at
    }
    // The first `chunk` of a stream may have any number.
    if (chunk > nextChunk && tally.received > 1 && !wentBack) tally.lost += Math.min(chunk - nextChunk, maxMessages)
    wentBack = chunk < nextChunk && tally.received > 1
    nextChunk = chunk + 1
  }

  return {
    tally,
    queue,
    take: (message, at) => {
      const { chunk, payload } = message.media
      countArrival(chunk, at)
      const keptBytes = rateLimit.admit(payload.length, at)
      if (keptBytes === payload.length) {
        offer(message, at)
        return true
      }
      tally.surplusMillis += (payload.length - keptBytes) / bytesPerMilli
      if (keptBytes > 0) offer({ ...message, media: { ...message.media, payload: payload.subarray(0, keptBytes) } }, at)
      else tally.ahead++
      return !rateLimit.isTooMuch()
    },
    countScanned: () => void tally.scanned++,
    addSilence: (millis, at) => offer({ event: "silence", millis }, at)
  }
}
