/**
 * Turns the caller's messages into sound at the agent's rate. Gaps are filled with silence. For an agent with `maxBacklogFrames`, only the
 * newest messages are used, and gaps are not filled.
 */
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm } from "../../audio/Pcm.ts"
import type { Media } from "../../twilio/media/MediaMessage.ts"
import type { Silence } from "../../twilio/media/inbound/InboundMedia.ts"
import { frameBytes, type LineDecoder } from "./LineCodec.ts"
import type { MediaCounts } from "./MediaCounts.ts"
import * as MediaTimeline from "./MediaTimeline.ts"

/** Messages that came together, in order. */
export type Messages = readonly [Media | Silence, ...Array<Media | Silence>]

/** Pieces of sound, in order. Their lengths differ, and may be 0. */
export type Pieces = readonly [Pcm, ...Array<Pcm>]

type Decode = LineDecoder["decode"]

const silentFrame = new Uint8Array(frameBytes).fill(Mulaw.silence)
const noSound = new Uint8Array(0)

export interface GaplessSound {
  /** All messages, with silence for missing sound, so that the samples count media time. */
  readonly pieces: (messages: Messages) => Pieces
  /** `false` after a message came later than a pong that was sent after it. Then a proxy answers the pings, and pongs prove nothing. */
  readonly arePongsReliable: () => boolean
}

export const makeGapless = (options: {
  readonly decode: Decode
  /** The longest gap that is filled, ms. */
  readonly backlog: number
  /** Monotonic ms. */
  readonly now: () => number
  /** When the stream was opened, monotonic ms. */
  readonly openedAt: number
  readonly counts: Pick<MediaCounts, "addTaken">
}): GaplessSound => {
  const { counts, decode, now, openedAt } = options
  const timeline = MediaTimeline.make(options.backlog)
  let arePongsReliable = true
  const elapsed = () => now() - openedAt

  const addSilence = (pieces: Array<Pcm>, millis: number) => {
    let bytes = Math.round(millis * MediaTimeline.bytesPerMilli)
    for (; bytes >= frameBytes; bytes -= frameBytes) pieces.push(decode(silentFrame))
    if (bytes > 0) pieces.push(decode(silentFrame.subarray(0, bytes)))
  }

  return {
    pieces: (messages) => {
      const pieces: Array<Pcm> = []
      let mediaMessages = 0
      for (let index = 0; index < messages.length; index++) {
        const message = messages[index]
        if (message.event === "silence") {
          timeline.addSilence(message.millis)
          addSilence(pieces, message.millis)
          continue
        }
        const missing = timeline.missingBefore(message.media, elapsed)
        if (timeline.wasHeldUp()) arePongsReliable = false
        if (missing > 0) addSilence(pieces, missing)
        pieces.push(decode(message.media.payload))
        mediaMessages++
      }
      counts.addTaken(mediaMessages)
      return pieces as unknown as Pieces
    },
    arePongsReliable: () => arePongsReliable
  }
}

/** A message is usually one frame. A longer message counts as several. */
const framesIn = (message: Media | Silence) =>
  message.event === "media" ? Math.max(1, Math.ceil(message.media.payload.length / frameBytes)) : 1

/** How many of the newest messages fit into `maxFrames` together. At least one counts. */
const countNewest = (messages: Messages, maxFrames: number): number => {
  let frames = framesIn(messages[messages.length - 1])
  let count = 1
  while (count < messages.length) {
    frames += framesIn(messages[messages.length - 1 - count])
    if (frames > maxFrames) break
    count++
  }
  return count
}

/** Decodes only the newest messages: at most `maxBacklogFrames` frames wait, the agent's unsent frames included. Gaps are not filled. */
export const makeNewest = (options: {
  readonly decode: Decode
  readonly maxBacklogFrames: number
  /** Frames of the agent that wait to be sent. */
  readonly unsentFrames: () => number
  readonly counts: Pick<MediaCounts, "addTaken" | "addStale">
}) => {
  const { counts, decode, maxBacklogFrames, unsentFrames } = options
  return (messages: Messages): Pieces => {
    const stale = messages.length - countNewest(messages, maxBacklogFrames - unsentFrames())
    counts.addStale(stale)
    const pieces: Array<Pcm> = []
    for (let index = stale; index < messages.length; index++) {
      const message = messages[index]
      pieces.push(decode(message.event === "media" ? message.media.payload : noSound))
    }
    counts.addTaken(messages.length)
    return pieces as unknown as Pieces
  }
}
