/** Writes the agent's frames to a media stream, and the marks between them. */
import { clearText, markText, type MediaStream } from "../../twilio/media/MediaStream.ts"
import { frameBytes } from "./LineCodec.ts"
import type { LineListener } from "./LineListener.ts"
import type { MediaCounts } from "./MediaCounts.ts"

/** Unsent bytes at which a peer is too slow: about nine seconds of sound. */
export const maxUnsentBytes = 131_072

export interface LineSender {
  /** Sends whole frames of μ-law at 8 kHz, at least one. `playsAt` is when their playback begins (monotonic ms). */
  readonly sendFrames: (mulaw: Uint8Array, playsAt: number) => void
  readonly sendMark: (name: string) => void
  /** Lets Twilio throw away the sound that it has not played. `at`: monotonic ms. */
  readonly sendClear: (at: number) => void
}

export const make = (options: {
  readonly stream: MediaStream
  readonly counts: MediaCounts
  readonly listener: LineListener | undefined
  /** The peer reads slower than sound is played. From then on it may be called for each frame. */
  readonly onSlowPeer: () => void
}): LineSender => {
  const { counts, listener, onSlowPeer, stream } = options
  const { streamSid } = stream
  return {
    sendFrames: (mulaw, playsAt) => {
      stream.sendMedia(mulaw)
      counts.addSent(mulaw.length / frameBytes)
      listener?.onAgentSound(mulaw, playsAt)
      if (stream.unsentBytes() > maxUnsentBytes) onSlowPeer()
    },
    sendMark: (name) => stream.send(markText(streamSid, name)),
    sendClear: (at) => {
      stream.send(clearText(streamSid))
      listener?.onClear(at)
    }
  }
}
