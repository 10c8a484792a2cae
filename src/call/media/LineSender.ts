/** Writes the agent's frames, and the marks between them, to a media stream. */
import { clearText, markText } from "../../twilio/media/MediaMessage.ts"
import type { MediaStream } from "../../twilio/media/MediaStream.ts"
import { frameBytes } from "./LineCodec.ts"
import type { LineListener } from "./LineListener.ts"
import type { MediaCounts } from "./MediaCounts.ts"

/** If more bytes than this wait to be sent, the peer is too slow. They hold about nine seconds of sound. */
export const maxUnsentBytes = 131_072

export interface LineSender {
  /** Sends whole frames of μ-law at 8 kHz, at least one. `playsAt` is when their playback begins (monotonic ms). */
  readonly sendFrames: (mulaw: Uint8Array, playsAt: number) => void
  readonly sendMark: (name: string) => void
  /** Makes Twilio drop the sound that it has not played yet. `at`: the present moment, monotonic ms. */
  readonly sendClear: (at: number) => void
}

export const make = (options: {
  readonly stream: MediaStream
  readonly counts: MediaCounts
  readonly listener: LineListener | undefined
  /** Called after each write of frames while more than `maxUnsentBytes` wait to be sent. */
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
