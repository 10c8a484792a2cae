/**
 * The outbound half of a media stream: sends sound and other messages, which arrive in the order in which they were sent.
 *
 * Sound goes out in one of two ways: as whole frames over the fast path, or through the schema and `ws`.
 */
import { Option } from "effect"
import type { WebSocket } from "ws"
import type { StreamSid } from "../../domain/Sid.ts"
import * as MediaEncoder from "./codec/MediaEncoder.ts"
import { encodeOutbound } from "./MediaMessage.ts"
import type { WebSocketFastPath } from "./socket/WebSocketFastPath.ts"

export interface OutboundMessages {
  /**
   * Sends μ-law at 8 kHz to be played: one message for each 20 ms, all without a pause. The bytes are copied. Does nothing if the socket is
   * gone.
   */
  readonly sendMedia: (mulaw: Uint8Array) => void
  /** Sends the text of a message, such as a `mark`. Does nothing if the socket is gone. */
  readonly send: (text: string) => void
}

const open = 1

/** `ws` sends text frames with these options, and does not compress them. */
const asText = { binary: false, compress: false }

const fastMedia = (socket: WebSocket, fastPath: WebSocketFastPath, streamSid: StreamSid): OutboundMessages["sendMedia"] => {
  const encoder = MediaEncoder.make(streamSid)
  return (mulaw) => {
    if (socket.readyState === open && !fastPath.write(encoder.encode(mulaw))) encoder.keep()
  }
}

const ordinaryMedia = (send: OutboundMessages["send"], streamSid: StreamSid): OutboundMessages["sendMedia"] => (mulaw) => {
  for (let from = 0; from < mulaw.length; from += MediaEncoder.mediaBytes) {
    send(encodeOutbound({ event: "media", streamSid, media: { payload: mulaw.subarray(from, from + MediaEncoder.mediaBytes) } }))
  }
}

export const make = (socket: WebSocket, fastPath: Option.Option<WebSocketFastPath>, streamSid: StreamSid): OutboundMessages => {
  const send: OutboundMessages["send"] = (text) => {
    if (socket.readyState === open) socket.send(text, asText)
  }
  return {
    send,
    sendMedia: Option.match(fastPath, {
      onNone: () => ordinaryMedia(send, streamSid),
      onSome: (fastPath) => fastMedia(socket, fastPath, streamSid)
    })
  }
}
