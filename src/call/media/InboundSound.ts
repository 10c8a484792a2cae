/**
 * The caller's sound as an agent hears it: without gaps, so that media time passes with its samples.
 *
 * Twilio sends a message each 20 ms for the whole call, silence too. So a message that is missing was lost, and silence takes
 * its place; and a time without messages is a stall of the network until something shows that nothing was sent. That is
 * shown by the pong to a WebSocket ping, for it comes behind all that was sent before; or, at last, by the backlog being over.
 */
import { Effect } from "effect"
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm } from "../../audio/Pcm.ts"
import * as ProcessHalt from "../../twilio/media/ProcessHalt.ts"
import { closeLeadMillis, maxLeadMillis } from "../../twilio/media/MediaLead.ts"
import type { Media } from "../../twilio/media/MediaMessage.ts"
import type { Silence } from "../../twilio/media/inbound/InboundMedia.ts"
import type { MediaStream } from "../../twilio/media/MediaStream.ts"
import { frameBytes, frameMillis, type Hearing } from "./LineCodec.ts"

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

/**
 * How far (ms) `timestamp` may run ahead of the sound while no message is missing: Twilio's are taken from a clock of its own, and
 * advance by about the length of the sound.
 */
const timestampSlack = 100

export interface Timeline {
  /**
   * How much sound (ms) is missing before this message. `elapsed`: real ms since the stream was opened, asked for only where
   * something is missing.
   */
  readonly missing: (media: Media["media"], elapsed: () => number) => number
  /** So much silence (ms) was put in for a gap. */
  readonly filled: (millis: number) => void
  /** The last message follows upon the one before it, though silence was put in between: it had been held up all the while. */
  readonly wasHeldUp: () => boolean
}

/**
 * What is missing, by `chunk` and `timestamp`. Whatever they say, a gap is never longer than the `backlog` (ms), and all the
 * sound together never longer than the stream so far and what sound may lead it by.
 *
 * A number that would put the sound ten seconds ahead of the clock is wrong, and no gap is made of it: filled, it would move the call's
 * media time ahead for good, and hide every later gap. The next message is compared with it and mends the sequence by itself.
 */
export const makeTimeline = (backlog: number): Timeline => {
  /** What the next message says if nothing is missing; unset before the first. */
  let next: { readonly chunk: number; readonly timestamp: number } | undefined
  /** All sound so far, with the silence put in. */
  let heard = 0
  /** The silence that was put in since the last message. */
  let filled = 0
  let wasHeldUp = false
  const maxLead = Math.min(backlog, maxLeadMillis)

  const gapBefore = ({ chunk, timestamp }: Media["media"], length: number, elapsed: () => number): number => {
    if (next === undefined) return 0
    /** Silence that was put in for this gap is counted in what was heard. */
    const isPossible = (gap: number) => heard - filled + gap <= elapsed() + closeLeadMillis
    const byTimestamp = timestamp - next.timestamp
    const isMissing = chunk > next.chunk
    if (byTimestamp > (isMissing ? 0 : timestampSlack) && isPossible(byTimestamp)) return byTimestamp
    const byChunk = isMissing ? (chunk - next.chunk) * length : 0
    return byChunk > 0 && isPossible(byChunk) ? byChunk : 0
  }

  return {
    missing: (media, elapsed) => {
      const length = media.payload.length / bytesPerMilli
      const gap = gapBefore(media, length, elapsed)
      const missing = gap <= filled ? 0 : Math.max(0, Math.min(gap - filled, backlog, elapsed() + maxLead - heard))
      wasHeldUp = filled > timestampSlack && gap < timestampSlack
      filled = 0
      next = { chunk: media.chunk + 1, timestamp: media.timestamp + length }
      heard += missing + length
      return missing
    },
    filled: (millis) => {
      heard += millis
      filled += millis
    },
    wasHeldUp: () => wasHeldUp
  }
}

const silentFrame = new Uint8Array(frameBytes).fill(Mulaw.silence)

export interface InboundSound {
  /** What came as pieces of sound, with silence for what is missing. */
  readonly pieces: (sounds: ReadonlyArray<Media | Silence>) => Array<Pcm>
  /** Whether a pong may be believed: not once sound came behind one that had been sent before it, as where a proxy answers pings. */
  readonly arePongsTrue: () => boolean
}

export const make = (options: {
  readonly hear: Hearing["hear"]
  /** ms. */
  readonly backlog: number
  /** Monotonic ms. */
  readonly now: () => number
  /** When the stream was opened, monotonic ms. */
  readonly openedAt: number
  /** So many messages were heard. */
  readonly onMessages: (count: number) => void
}): InboundSound => {
  const { hear, now, openedAt } = options
  const timeline = makeTimeline(options.backlog)
  let arePongsTrue = true
  const elapsed = () => now() - openedAt

  const addSilence = (pieces: Array<Pcm>, millis: number) => {
    let bytes = Math.round(millis * bytesPerMilli)
    for (; bytes >= frameBytes; bytes -= frameBytes) pieces.push(hear(silentFrame))
    if (bytes > 0) pieces.push(hear(silentFrame.subarray(0, bytes)))
  }

  const pieces: InboundSound["pieces"] = (sounds) => {
    const pieces: Array<Pcm> = []
    let messages = 0
    for (let index = 0; index < sounds.length; index++) {
      const sound = sounds[index]
      if (sound.event === "silence") {
        timeline.filled(sound.millis)
        addSilence(pieces, sound.millis)
        continue
      }
      const missing = timeline.missing(sound.media, elapsed)
      if (timeline.wasHeldUp()) arePongsTrue = false
      if (missing > 0) addSilence(pieces, missing)
      pieces.push(hear(sound.media.payload))
      messages++
    }
    options.onMessages(messages)
    return pieces
  }

  return { pieces, arePongsTrue: () => arePongsTrue }
}

/** Without a message for this long (ms), the peer is asked whether it sent one. */
const askAfter = 1000

/** Silence is put in by so much (ms) at once, as real time passes. */
const fillStep = 5 * frameMillis

/** Puts silence behind the sound while nothing is sent: never ends. `backlog`: ms. */
export const fillGaps = (options: {
  readonly stream: MediaStream
  readonly sound: Pick<InboundSound, "arePongsTrue">
  readonly backlog: number
  readonly now: () => number
}): Effect.Effect<never> => {
  const { backlog, now, sound, stream } = options
  const { tally } = stream
  const sinceLast = () => now() - tally.lastAt

  /** Until the next message comes. */
  const fill = (last: number, from: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (tally.lastAt !== last) return Effect.void
      const millis = Math.floor(now() - from)
      if (millis > 0) stream.addSilence(millis)
      return Effect.andThen(ProcessHalt.readBehind(fillStep, Effect.sleep(fillStep)), fill(last, from + millis))
    })

  return Effect.forever(
    Effect.suspend(() => {
      const left = askAfter - sinceLast()
      if (left > 0) return ProcessHalt.readBehind(left, Effect.sleep(left))
      const last = tally.lastAt
      const patience = Math.max(0, backlog - sinceLast())
      return Effect.andThen(
        ProcessHalt.readBehind(patience, Effect.timeoutOption(sound.arePongsTrue() ? stream.ping : Effect.never, patience)),
        Effect.suspend(() => fill(last, last))
      )
    })
  )
}
