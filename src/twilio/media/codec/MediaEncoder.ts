/**
 * Writes the `media` messages of a reply as whole WebSocket frames (RFC 6455, section 5.2): without JSON, objects or `ws` on the way.
 */
import type { StreamSid } from "../../../domain/Sid.ts"
import * as Base64 from "./Base64.ts"

/** FIN and the opcode of text. A server's frames are not masked. */
const wholeText = 0x81

/** Bytes of a frame's header; no message here is longer than 65,535 bytes. */
const headerLength = (payload: number): number => (payload < 126 ? 2 : 4)

/** Returns the header's length. */
const writeHeader = (out: Buffer, at: number, payload: number): number => {
  out[at] = wholeText
  if (payload < 126) {
    out[at + 1] = payload
    return 2
  }
  out[at + 1] = 126
  out.writeUInt16BE(payload, at + 2)
  return 4
}

/** Bytes of μ-law in a message: 20 ms, as in Twilio's own. */
export const mediaBytes = 160

interface MediaEncoder {
  /**
   * WebSocket frames that play this μ-law (8 kHz): one for each 20 ms, and a last one for the rest. The memory that is returned is reused
   * by the next call, unless `keep` is called first.
   */
  readonly encode: (mulaw: Uint8Array) => Buffer
  /** Call it while the last result is still needed. The next call of `encode` then uses new memory. */
  readonly keep: () => void
}

const noBytes: Buffer = Buffer.alloc(0)

export const make = (streamSid: StreamSid): MediaEncoder => {
  const prefix = Buffer.from(`{"event":"media","streamSid":"${streamSid}","media":{"payload":"`, "latin1")
  const suffix = Buffer.from("\"}}", "latin1")
  const messageLength = (sound: number) => prefix.length + Base64.encodedLength(sound) + suffix.length
  const frameLength = (sound: number) => headerLength(messageLength(sound)) + messageLength(sound)
  const payloadOffset = (sound: number) => headerLength(messageLength(sound)) + prefix.length

  /** Writes a frame at `at`, without its payload. */
  const writeEnvelope = (out: Buffer, at: number, sound: number) => {
    out.set(prefix, at + writeHeader(out, at, messageLength(sound)))
    out.set(suffix, at + frameLength(sound) - suffix.length)
  }

  const wholeFrameLength = frameLength(mediaBytes)
  const wholePayloadOffset = payloadOffset(mediaBytes)
  /** Memory for the next frames, in which the envelopes are written already. */
  let reused = noBytes

  /** Memory with the envelopes of whole frames. Not from Node's pool: a frame that is kept would keep all of the pool's slab. */
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
