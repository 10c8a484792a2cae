/**
 * The two messages that come and go fifty times a second on every call, straight from and to the bytes of a
 * WebSocket: `media` of the usual form, without text, JSON or objects on the way.
 *
 * Nothing is decided here that the schemas of `MediaMessage` do not decide: what a scanner does not know byte
 * for byte is theirs to decode, and what it does know it decodes as they do (a property test says so).
 */
import type { StreamSid } from "../domain/Sid.ts"
import type { Media } from "./MediaMessage.ts"

const digits = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "latin1")

/** The value of each character of base64 (RFC 4648, section 4); 64 for all others. */
const values = new Uint8Array(256).fill(64)
for (let value = 0; value < 64; value++) values[digits[value]] = value

const padding = 0x3d

/** FIN and the opcode of text (RFC 6455, section 5.2). */
const textFrame = 0x81

const writeHeader = (out: Buffer, at: number, length: number): number => {
  out[at] = textFrame
  if (length < 126) {
    out[at + 1] = length
    return 2
  }
  out[at + 1] = 126
  out.writeUInt16BE(length, at + 2)
  return 4
}

/** No message here is longer than 65,535 bytes. */
const headerLength = (length: number): number => (length < 126 ? 2 : 4)

const writeBase64 = (bytes: Uint8Array, from: number, end: number, out: Buffer, outFrom: number): void => {
  let at = outFrom
  let index = from
  for (; index + 2 < end; index += 3) {
    const group = (bytes[index] << 16) | (bytes[index + 1] << 8) | bytes[index + 2]
    out[at] = digits[group >> 18]
    out[at + 1] = digits[(group >> 12) & 63]
    out[at + 2] = digits[(group >> 6) & 63]
    out[at + 3] = digits[group & 63]
    at += 4
  }
  const rest = end - index
  if (rest === 0) return
  const group = (bytes[index] << 16) | (rest === 2 ? bytes[index + 1] << 8 : 0)
  out[at] = digits[group >> 18]
  out[at + 1] = digits[(group >> 12) & 63]
  out[at + 2] = rest === 2 ? digits[(group >> 6) & 63] : padding
  out[at + 3] = padding
}

/** Bytes of sound in a message: 20 ms, as in Twilio's own. */
const mediaBytes = 160

export interface Encoder {
  /**
   * Whole WebSocket frames, unmasked as a server's are, that play sound on a stream: one behind the other for each 20 ms,
   * and a last one for what is left. The memory is the same each time, unless `keep` comes between.
   */
  readonly encode: (mulaw: Uint8Array) => Buffer
  /** What was encoded last is still needed: what comes next gets memory of its own. */
  readonly keep: () => void
}

const nothing: Buffer = Buffer.alloc(0)

export const makeEncoder = (streamSid: StreamSid): Encoder => {
  const before = Buffer.from(`{"event":"media","streamSid":"${streamSid}","media":{"payload":"`, "latin1")
  const after = Buffer.from("\"}}", "latin1")
  const textOf = (length: number) => before.length + Math.ceil(length / 3) * 4 + after.length
  const sizeOf = (length: number) => headerLength(textOf(length)) + textOf(length)

  /** All of a frame but its sound. */
  const lay = (out: Buffer, at: number, length: number) => {
    out.set(before, at + writeHeader(out, at, textOf(length)))
    out.set(after, at + sizeOf(length) - after.length)
  }
  const soundAt = (length: number) => headerLength(textOf(length)) + before.length

  const size = sizeOf(mediaBytes)
  const sound = soundAt(mediaBytes)
  /** Laid out for frames of 20 ms. */
  let room = nothing

  /** Not of Node's pool: of that a frame that is kept would keep all. */
  const made = (frames: number, more: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(frames * size + more)
    for (let frame = 0; frame < frames; frame++) lay(bytes, frame * size, mediaBytes)
    return bytes
  }

  const encode = (mulaw: Uint8Array): Buffer => {
    const frames = Math.floor(mulaw.length / mediaBytes)
    const left = mulaw.length - frames * mediaBytes
    let bytes: Buffer
    if (left > 0) {
      bytes = made(frames, sizeOf(left))
      lay(bytes, frames * size, left)
      writeBase64(mulaw, frames * mediaBytes, mulaw.length, bytes, frames * size + soundAt(left))
    } else {
      if (room.length < frames * size) room = made(frames, 0)
      bytes = room.length === frames * size ? room : room.subarray(0, frames * size)
    }
    for (let frame = 0; frame < frames; frame++) {
      writeBase64(mulaw, frame * mediaBytes, (frame + 1) * mediaBytes, bytes, frame * size + sound)
    }
    return bytes
  }

  return {
    encode,
    keep: () => {
      room = nothing
    }
  }
}

const event = Buffer.from("{\"event\":\"media\",\"sequenceNumber\":\"", "latin1")
const timestamp = Buffer.from("\",\"timestamp\":\"", "latin1")
const payload = Buffer.from("\",\"payload\":\"", "latin1")
const close = Buffer.from("\"}}", "latin1")

const isAt = (text: Buffer, at: number, expected: Buffer): boolean => {
  if (at + expected.length > text.length) return false
  for (let index = 0; index < expected.length; index++) {
    if (text[at + index] !== expected[index]) return false
  }
  return true
}

/** Counters of more digits are left to the schema: a double holds fifteen exactly. */
const mostDigits = 15

/** The first character that is no digit. */
const afterDigits = (text: Buffer, at: number): number => {
  let end = at
  while (end - at <= mostDigits && text[end] >= 0x30 && text[end] <= 0x39) end++
  return end
}

const isCounter = (from: number, end: number): boolean => end > from && end - from <= mostDigits

const numberAt = (text: Buffer, from: number, end: number): number => {
  let value = 0
  for (let at = from; at < end; at++) value = value * 10 + text[at] - 0x30
  return value
}

/** The bytes of base64 in `from…end`, or `undefined` if it is none. */
const readBase64 = (text: Buffer, from: number, end: number): Buffer | undefined => {
  const length = end - from
  if (length % 4 !== 0) return undefined
  const padded = length === 0 || text[end - 1] !== padding ? 0 : text[end - 2] === padding ? 2 : 1
  const bytes = Buffer.allocUnsafe((length / 4) * 3 - padded)
  const whole = padded === 0 ? end : end - 4
  let wrong = 0
  let out = 0
  let at = from
  for (; at < whole; at += 4) {
    const a = values[text[at]]
    const b = values[text[at + 1]]
    const c = values[text[at + 2]]
    const d = values[text[at + 3]]
    wrong |= a | b | c | d
    bytes[out] = (a << 2) | (b >> 4)
    bytes[out + 1] = (b << 4) | (c >> 2)
    bytes[out + 2] = (c << 6) | d
    out += 3
  }
  if (padded > 0) {
    const a = values[text[at]]
    const b = values[text[at + 1]]
    const c = padded === 1 ? values[text[at + 2]] : 0
    wrong |= a | b | c
    bytes[out] = (a << 2) | (b >> 4)
    if (padded === 1) bytes[out + 1] = (b << 4) | (c >> 2)
  }
  return wrong < 64 ? bytes : undefined
}

/**
 * Reads the usual `media` of a stream from the bytes of its text, which are those from `start` to before `end`: the
 * fields in Twilio's order, without blanks, of the inbound track. `undefined` for everything else, right or wrong.
 */
export const makeScanner = (streamSid: StreamSid) => {
  const chunk = Buffer.from(`","streamSid":"${streamSid}","media":{"track":"inbound","chunk":"`, "latin1")
  return (text: Buffer, start = 0, end = text.length): Media | undefined => {
    if (!isAt(text, start, event)) return undefined
    const sequenceFrom = start + event.length
    const sequenceEnd = afterDigits(text, sequenceFrom)
    if (!isCounter(sequenceFrom, sequenceEnd) || !isAt(text, sequenceEnd, chunk)) return undefined
    const chunkFrom = sequenceEnd + chunk.length
    const chunkEnd = afterDigits(text, chunkFrom)
    if (!isCounter(chunkFrom, chunkEnd) || !isAt(text, chunkEnd, timestamp)) return undefined
    const timeFrom = chunkEnd + timestamp.length
    const timeEnd = afterDigits(text, timeFrom)
    if (!isCounter(timeFrom, timeEnd) || !isAt(text, timeEnd, payload)) return undefined
    const payloadFrom = timeEnd + payload.length
    const payloadEnd = end - close.length
    if (payloadEnd < payloadFrom || !isAt(text, payloadEnd, close)) return undefined
    const bytes = readBase64(text, payloadFrom, payloadEnd)
    if (bytes === undefined) return undefined
    return {
      event: "media",
      sequenceNumber: numberAt(text, sequenceFrom, sequenceEnd),
      streamSid,
      media: {
        track: "inbound",
        chunk: numberAt(text, chunkFrom, chunkEnd),
        timestamp: numberAt(text, timeFrom, timeEnd),
        payload: bytes
      }
    }
  }
}
