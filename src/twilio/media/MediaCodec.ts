/**
 * The two messages that come and go fifty times a second on every call, straight from and to the bytes of a
 * WebSocket: `media` of the usual form, without text, JSON or objects on the way.
 *
 * The schemas of `MediaMessage` decide what a message means. A scanner reads a message as they do (a property test
 * compares them), or leaves it to them.
 */
import type { StreamSid } from "../../domain/Sid.ts"
import type { Media } from "./MediaMessage.ts"

const digits = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "latin1")

/** The value of each character of base64 (RFC 4648, section 4); negative for all others, and so is what they are part of. */
const values = new Int8Array(256).fill(-1)
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

const quote = 0x22
const comma = 0x2c
const openingBrace = 0x7b
const closingBrace = 0x7d

const ascii = (text: string) => Buffer.from(text, "latin1")

/** A field of `media` as it begins on the wire. */
interface Field {
  /** Its key, and of its value what is the same in every message that a scanner takes. */
  readonly bytes: Buffer
  /** Its bit in a set of fields. */
  readonly bit: number
  /** What comes behind `bytes`. */
  readonly rest: "nothing" | "counter" | "payload" | "fields"
}

const sequenceNumber: Field = { bytes: ascii("\"sequenceNumber\":\""), bit: 1, rest: "counter" }
const chunk: Field = { bytes: ascii("\"chunk\":\""), bit: 2, rest: "counter" }
const timestamp: Field = { bytes: ascii("\"timestamp\":\""), bit: 4, rest: "counter" }
const payload: Field = { bytes: ascii("\"payload\":\""), bit: 8, rest: "payload" }
const track: Field = { bytes: ascii("\"track\":\"inbound\""), bit: 16, rest: "nothing" }
const event: Field = { bytes: ascii("\"event\":\"media\""), bit: 32, rest: "nothing" }
const media: Field = { bytes: ascii("\"media\":{"), bit: 64, rest: "fields" }
const streamSidField = (streamSid: StreamSid): Field => ({ bytes: ascii(`"streamSid":"${streamSid}"`), bit: 128, rest: "nothing" })

const innerFields = track.bit | chunk.bit | timestamp.bit | payload.bit
const outerFields = 255 - innerFields
const allFields = outerFields | innerFields

const isAt = (text: Buffer, at: number, expected: Buffer): boolean => {
  if (at + expected.length > text.length) return false
  for (let index = 0; index < expected.length; index++) {
    if (text[at + index] !== expected[index]) return false
  }
  return true
}

/** Counters of more digits are left to the schema: a double holds fifteen exactly. */
const maxDigits = 15

/** Where the quote behind a counter is; -1 if it is no counter, or too long. */
const counterEnd = (text: Buffer, from: number): number => {
  let end = from
  while (text[end] >= 0x30 && text[end] <= 0x39) end++
  return end > from && end - from <= maxDigits && text[end] === quote ? end : -1
}

/** The counter that ends at the next quote. */
const counterAt = (text: Buffer, from: number): number => {
  let value = 0
  for (let at = from; text[at] !== quote; at++) value = value * 10 + text[at] - 0x30
  return value
}

/** The bytes of base64 in `from…end`, or `undefined` if it is none. */
const readBase64 = (text: Buffer, from: number, end: number): Buffer | undefined => {
  const length = end - from
  if (length % 4 !== 0) return undefined
  const padded = length === 0 || text[end - 1] !== padding ? 0 : text[end - 2] === padding ? 2 : 1
  const bytes = Buffer.allocUnsafe((length / 4) * 3 - padded)
  const whole = padded === 0 ? end : end - 4
  let all = 0
  let out = 0
  let at = from
  for (; at < whole; at += 4) {
    const group = (values[text[at]] << 18) | (values[text[at + 1]] << 12) | (values[text[at + 2]] << 6) | values[text[at + 3]]
    all |= group
    bytes[out] = group >> 16
    bytes[out + 1] = group >> 8
    bytes[out + 2] = group
    out += 3
  }
  if (padded > 0) {
    const third = padded === 1 ? values[text[at + 2]] : 0
    const group = (values[text[at]] << 18) | (values[text[at + 1]] << 12) | (third << 6)
    all |= group
    bytes[out] = group >> 16
    if (padded === 1) bytes[out + 1] = group >> 8
  }
  return all < 0 ? undefined : bytes
}

/** Base64 of 20 ms. */
const usualPayloadLength = 216

/**
 * Reads the usual `media` of a stream from the bytes of its text, which are those from `start` to before `end`.
 *
 * Usual is: each field once and no others, in any order, without blanks or escapes, of the inbound track and this stream.
 * `undefined` is for everything else, right or wrong. Twilio promises no order, so none is asked for: to find each field
 * by its key takes as long as to expect all of them at their places (docs/adr/0002).
 */
export const makeScanner = (streamSid: StreamSid) => {
  const sid = streamSidField(streamSid)
  /** Where in the text each counter begins, at the index of its field's bit. */
  const counters = new Int32Array(8)
  /** The last payload's: the next one most likely ends there too, which saves a search. */
  let payloadLength = usualPayloadLength

  /** The only field whose key may begin at `at`: one or two letters tell them apart. */
  const fieldAt = (text: Buffer, at: number): Field | undefined => {
    switch (text[at + 1]) {
      case 0x63: // c
        return chunk
      case 0x65: // e
        return event
      case 0x6d: // m
        return media
      case 0x70: // p
        return payload
      case 0x73: // s, and e
        return text[at + 2] === 0x65 ? sequenceNumber : sid
      case 0x74: // t, and i
        return text[at + 2] === 0x69 ? timestamp : track
      default:
        return undefined
    }
  }

  return (text: Buffer, start = 0, end = text.length): Media | undefined => {
    if (text[start] !== openingBrace) return undefined
    let at = start + 1
    let bytes: Buffer | undefined
    let found = 0
    /** The fields of the object that `at` is in. */
    let fields = outerFields
    while (true) {
      const field = fieldAt(text, at)
      if (field === undefined || !isAt(text, at, field.bytes)) return undefined
      // A field in the wrong object is another field, and of two the last one counts: the schema knows.
      if ((field.bit & fields) === 0 || (field.bit & found) !== 0) return undefined
      found |= field.bit
      at += field.bytes.length
      switch (field.rest) {
        case "nothing":
          break
        case "fields":
          fields = innerFields
          continue
        case "counter":
          counters[field.bit] = at
          at = counterEnd(text, at) + 1
          if (at === 0) return undefined
          break
        case "payload": {
          let to = at + payloadLength
          if (text[to] === quote) bytes = readBase64(text, at, to)
          if (bytes === undefined) {
            to = text.indexOf(quote, at)
            if (to < 0) return undefined
            bytes = readBase64(text, at, to)
            if (bytes === undefined) return undefined
            payloadLength = to - at
          }
          at = to + 1
        }
      }
      if (text[at] === closingBrace && fields === innerFields) {
        fields = outerFields
        at++
      }
      if (text[at] === comma) {
        at++
        continue
      }
      if (text[at] !== closingBrace || at + 1 !== end || found !== allFields) return undefined
      return {
        event: "media",
        sequenceNumber: counterAt(text, counters[sequenceNumber.bit]),
        media: {
          track: "inbound",
          chunk: counterAt(text, counters[chunk.bit]),
          timestamp: counterAt(text, counters[timestamp.bit]),
          payload: bytes!
        },
        streamSid
      }
    }
  }
}
