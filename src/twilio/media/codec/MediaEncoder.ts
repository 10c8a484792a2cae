/**
 * Writes the `media` messages of a reply as whole WebSocket frames (RFC 6455, section 5.2), without using objects, JSON or `ws`.
 */
import type { StreamSid } from "../../../domain/Sid.ts"
import * as Base64 from "./Base64.ts"

/** A frame's first byte: FIN and the opcode of text. The frames of a server are not masked. */
const wholeText = 0x81

/** How many bytes a frame's header has. No message here is longer than 65,535 bytes. */
const headerLength = (payloadBytes: number): number => (payloadBytes < 126 ? 2 : 4)

/** Writes a frame's header at `at`. Returns how many bytes the header has. */
const writeHeader = (out: Buffer, at: number, payloadBytes: number): number => {
  out[at] = wholeText
  if (payloadBytes < 126) {
    out[at + 1] = payloadBytes
    return 2
  }
  out[at + 1] = 126
  out.writeUInt16BE(payloadBytes, at + 2)
  return 4
}

/** Bytes of μ-law in a message: 20 ms, as in Twilio's messages. */
export const mediaBytes = 160

interface MediaEncoder {
  /**
   * Returns the WebSocket frames that play this μ-law (8 kHz): one for each 20 ms, and a shorter one for the remaining sound. The next call
   * overwrites the returned memory, unless `keep` is called before it.
   */
  readonly encode: (mulaw: Uint8Array) => Buffer
  /** Makes the next call of `encode` use new memory. Call it if the last result is still needed. */
  readonly keep: () => void
}

const noBytes: Buffer = Buffer.alloc(0)

export const make = (streamSid: StreamSid): MediaEncoder => {
  const prefix = Buffer.from(`{"event":"media","streamSid":"${streamSid}","media":{"payload":"`, "latin1")
  const suffix = Buffer.from("\"}}", "latin1")
  const messageLength = (soundBytes: number) => prefix.length + Base64.encodedLength(soundBytes) + suffix.length
  const frameLength = (soundBytes: number) => headerLength(messageLength(soundBytes)) + messageLength(soundBytes)
  const payloadOffset = (soundBytes: number) => headerLength(messageLength(soundBytes)) + prefix.length

  /** Writes a whole frame at `at`, except the base64 of its sound. */
  const writeEnvelope = (out: Buffer, at: number, soundBytes: number) => {
    out.set(prefix, at + writeHeader(out, at, messageLength(soundBytes)))
    out.set(suffix, at + frameLength(soundBytes) - suffix.length)
  }

  const wholeFrameLength = frameLength(mediaBytes)
  const wholePayloadOffset = payloadOffset(mediaBytes)
  /** Memory for the next frames, in which the envelopes are written already. */
  let reused = noBytes

  /**
   * Allocates memory, and writes the envelopes of whole frames. The memory is not from Node's pool, because a kept frame would keep a whole
   * slab of the pool in memory.
   */
  const allocate = (frames: number, extraBytes: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(frames * wholeFrameLength + extraBytes)
    for (let frame = 0; frame < frames; frame++) writeEnvelope(bytes, frame * wholeFrameLength, mediaBytes)
    return bytes
  }

  const encode = (mulaw: Uint8Array): Buffer => {
    const frames = Math.floor(mulaw.length / mediaBytes)
    const lastBytes = mulaw.length - frames * mediaBytes
    let bytes: Buffer
    if (lastBytes > 0) {
      bytes = allocate(frames, frameLength(lastBytes))
      writeEnvelope(bytes, frames * wholeFrameLength, lastBytes)
      Base64.write(mulaw, frames * mediaBytes, mulaw.length, bytes, frames * wholeFrameLength + payloadOffset(lastBytes))
    } else {
      const length = frames * wholeFrameLength
      if (reused.length < length) reused = allocate(frames, 0)
      bytes = reused.length === length ? reused : reused.subarray(0, length)
    }
    for (let frame = 0; frame < frames; frame++) {
      Base64.write(mulaw, frame * mediaBytes, (frame + 1) * mediaBytes, bytes, frame * wholeFrameLength + wholePayloadOffset)
    }
    return bytes
  }

  return {
    encode,
    keep: () => {
      reused = noBytes
    }
  }
}
