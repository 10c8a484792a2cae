/**
 * The caller's sound between the socket and the call: a queue with room for the burst after a stall of the network, and a tally.
 *
 * Sound ahead of the clock is cut (`MediaLead`). When the queue is full, the oldest message is dropped and counted by its cause.
 */
import type { Media } from "../MediaMessage.ts"
import * as MediaLead from "../MediaLead.ts"
import * as FrameQueue from "./FrameQueue.ts"

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

/** ms of a `media` message, as Twilio cuts the sound. */
const messageMillis = 20

/** One message in fifty is timed: once a second. */
const sampleEvery = 50

/** No sound was sent for `millis`: no message that is still on its way belongs to this time. */
export interface Silence {
  readonly event: "silence"
  readonly millis: number
}

const millisOf = (sound: Media | Silence): number => sound.event === "media" ? sound.media.payload.length / bytesPerMilli : sound.millis

/** Counts of what has come so far. The stream writes them, and the call reads and reports them. */
export interface Tally {
  /** `media` messages that came. */
  readonly received: number
  /** How many of those `MediaScanner` read, at half the cost of the schema. */
  readonly scanned: number
  /** When the last message came, or else when the stream began (monotonic ms). */
  readonly lastAt: number
  /** Messages that never came, by the gaps in `chunk`: at most a backlog for each gap. */
  readonly lost: number
  /** Messages that came but were dropped, because they were ahead of the clock; see `MediaLead`. */
  readonly ahead: number
  /** ms of sound that was cut because it was ahead of the clock. */
  readonly surplusMillis: number
  /** Messages that came but were pushed out of the queue, because too many came at once. */
  readonly burst: number
  /** Messages that came but were pushed out of the queue, because the agent did not take them. */
  readonly untaken: number
  /** The message that is timed, counted from 0 among those of the inbound track, and its arrival (monotonic ms). */
  readonly sampleIndex: number
  readonly sampleAt: number
}

export interface InboundMedia {
  readonly tally: Tally
  readonly queue: FrameQueue.FrameQueue<Media | Silence>
  /**
   * Takes a message that came at this moment (monotonic ms). Returns false if far more sound came than time has passed: the stream must be
   * closed.
   */
  readonly take: (message: Media, at: number) => boolean
  /** Counts a message that `MediaScanner` has read. */
  readonly countScanned: () => void
  /** Adds silence (ms) behind the sound that has come so far. */
  readonly addSilence: (millis: number, at: number) => void
}

/**
 * @param openedAt monotonic ms; no sound of the stream is older
 * @param backlogMillis how much sound may wait
 */
export const make = (openedAt: number, backlogMillis: number): InboundMedia => {
  const maxMessages = Math.max(1, Math.round(backlogMillis / messageMillis))
  // A message may be long: the sound is bounded, not only the count.
  const queue = FrameQueue.make<Media | Silence>(maxMessages, millisOf, backlogMillis)
  const lead = MediaLead.make(openedAt)
  const tally = { received: 0, scanned: 0, lastAt: openedAt, lost: 0, ahead: 0, surplusMillis: 0, burst: 0, untaken: 0, sampleIndex: -1, sampleAt: 0 }
  let nextChunk = 1

  /** If a dropped message had waited at least this long (ms), the agent did not take it in time. If less, a burst pushed it out. */
  const untakenAfterMillis = (maxMessages * messageMillis) / 2

  const offer = (sound: Media | Silence, at: number) => {
    let waitedMillis = queue.offer(sound, at) ?? queue.shed(at)
    while (waitedMillis !== undefined) {
      if (waitedMillis < untakenAfterMillis) tally.burst++
      else tally.untaken++
      waitedMillis = queue.shed(at)
    }
  }

  const countArrival = (chunk: number, at: number) => {
    tally.lastAt = at
    if (++tally.received % sampleEvery === 1) {
      tally.sampleIndex = tally.received - 1
      tally.sampleAt = at
    }
    // A stream may begin with any number.
    if (chunk > nextChunk && tally.received > 1) tally.lost += Math.min(chunk - nextChunk, maxMessages)
    nextChunk = chunk + 1
  }

  return {
    tally,
    queue,
    take: (message, at) => {
      const { chunk, payload } = message.media
      countArrival(chunk, at)
      const keptBytes = lead.take(payload.length, at)
      if (keptBytes === payload.length) {
        offer(message, at)
        return true
      }
      tally.surplusMillis += (payload.length - keptBytes) / bytesPerMilli
      if (keptBytes > 0) offer({ ...message, media: { ...message.media, payload: payload.subarray(0, keptBytes) } }, at)
      else tally.ahead++
      return !lead.isTooMuch()
    },
    countScanned: () => void tally.scanned++,
    addSilence: (millis, at) => offer({ event: "silence", millis }, at)
  }
}
