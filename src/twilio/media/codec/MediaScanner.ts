/**
 * Reads the usual `media` message from the bytes of its text, without JSON or a schema.
 *
 * The schemas of `MediaMessage` define the meaning of a message. The scanner either reads a message exactly as the schemas do, or leaves the
 * message to them. A property test compares both.
 */
import type { StreamSid } from "../../../domain/Sid.ts"
import type { Media } from "../MediaMessage.ts"
import * as Base64 from "./Base64.ts"

const quote = 0x22
const comma = 0x2c
const openingBrace = 0x7b
const closingBrace = 0x7d
const zero = 0x30
const nine = 0x39

/** How a field of `media` begins on the wire. */
interface Field {
  /** The field's key and the beginning of its value, which are the same in every scanned message. */
  readonly bytes: Buffer
  /** The field's bit in a set of fields. */
  readonly bit: number
  /** The kind of text that follows `bytes`. */
  readonly follows: "nothing" | "counter" | "payload" | "fields"
}

const makeField = (text: string, bit: number, follows: Field["follows"]): Field => ({ bytes: Buffer.from(text, "latin1"), bit, follows })

const sequenceNumber = makeField("\"sequenceNumber\":\"", 1, "counter")
const chunk = makeField("\"chunk\":\"", 2, "counter")
const timestamp = makeField("\"timestamp\":\"", 4, "counter")
const payload = makeField("\"payload\":\"", 8, "payload")
const track = makeField("\"track\":\"inbound\"", 16, "nothing")
const event = makeField("\"event\":\"media\"", 32, "nothing")
const media = makeField("\"media\":{", 64, "fields")
const streamSidField = (streamSid: StreamSid) => makeField(`"streamSid":"${streamSid}"`, 128, "nothing")

/** The fields of the inner object. */
const innerFields = track.bit | chunk.bit | timestamp.bit | payload.bit
const outerFields = 255 - innerFields
const allFields = outerFields | innerFields

/** The only field whose key may begin at `at`. The first one or two letters of the key decide. */
const fieldAt = (text: Buffer, at: number, streamSid: Field): Field | undefined => {
  switch (text[at + 1]) {
    case 0x63: // c
      return chunk
    case 0x65: // e
      return event
    case 0x6d: // m
      return media
    case 0x70: // p
      return payload
    case 0x73: // s, then e or t
      return text[at + 2] === 0x65 ? sequenceNumber : streamSid
    case 0x74: // t, then i or r
      return text[at + 2] === 0x69 ? timestamp : track
    default:
      return undefined
  }
}

const hasAt = (text: Buffer, at: number, expected: Buffer): boolean => {
  if (at + expected.length > text.length) return false
  for (let index = 0; index < expected.length; index++) {
    if (text[at + index] !== expected[index]) return false
  }
  return true
}

/** Longer counters are left to the schema, because a double holds only fifteen digits exactly. */
const maxDigits = 15

/** The position of the quote after a counter. -1: there is no counter, or it is too long. */
const counterEnd = (text: Buffer, from: number): number => {
  let end = from
  while (text[end] >= zero && text[end] <= nine) end++
  return end > from && end - from <= maxDigits && text[end] === quote ? end : -1
}

/** The counter from `from` to the next quote. */
const counterAt = (text: Buffer, from: number): number => {
  let value = 0
  for (let at = from; text[at] !== quote; at++) value = value * 10 + text[at] - zero
  return value
}

/** Characters of base64 for 20 ms of μ-law. */
const usualPayloadLength = Base64.encodedLength(160)

/** Reads payloads. Most payloads are as long as the previous one, so trying that length first saves a search for the closing quote. */
const makePayloadReader = () => {
  let lastLength = usualPayloadLength
  let end = 0
  return {
    /** Decodes the payload that begins at `from`. `undefined`: the payload is not base64. */
    read: (text: Buffer, from: number): Buffer | undefined => {
      end = from + lastLength
      const bytes = text[end] === quote ? Base64.read(text, from, end) : undefined
      if (bytes !== undefined) return bytes
      end = text.indexOf(quote, from)
      const found = end < 0 ? undefined : Base64.read(text, from, end)
      if (found !== undefined) lastLength = end - from
      return found
    },
    /** The position of the closing quote of the payload that was read last. */
    end: () => end
  }
}

/** Reads the text from `start` to before `end`. Returns `undefined` if it is not a usual `media`. */
export type MediaScanner = (text: Buffer, start?: number, end?: number) => Media | undefined

/**
 * A scanner for the messages of one stream.
 *
 * A usual `media` has each field once and no other fields, without blanks or escapes. Its track is `inbound`, and its `streamSid` is that of
 * this stream. The fields may have any order, because Twilio promises none. A scanner for a fixed order is not faster (docs/adr/0002).
 */
export const make = (streamSid: StreamSid): MediaScanner => {
  const sid = streamSidField(streamSid)
  /** Where each counter begins in the text. The index is the bit of the counter's field. */
  const counterStarts = new Int32Array(8)
  const payloads = makePayloadReader()

  return (text, start = 0, end = text.length) => {
    if (text[start] !== openingBrace) return undefined
    let at = start + 1
    let bytes: Buffer | undefined
    /** The fields that have been read. */
    let found = 0
    /** The fields of the object that `at` is in. */
    let fields = outerFields
    while (true) {
      const field = fieldAt(text, at, sid)
      if (field === undefined || !hasAt(text, at, field.bytes)) return undefined
      // A message with a field in the wrong object, or with a field twice, is left to the schema.
      if ((field.bit & fields) === 0 || (field.bit & found) !== 0) return undefined
      found |= field.bit
      at += field.bytes.length
      switch (field.follows) {
        case "nothing":
          break
        case "fields":
          fields = innerFields
          continue
        case "counter":
          counterStarts[field.bit] = at
          at = counterEnd(text, at) + 1
          if (at === 0) return undefined
          break
        case "payload":
          bytes = payloads.read(text, at)
          if (bytes === undefined) return undefined
          at = payloads.end() + 1
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
        sequenceNumber: counterAt(text, counterStarts[sequenceNumber.bit]),
        media: {
          track: "inbound",
          chunk: counterAt(text, counterStarts[chunk.bit]),
          timestamp: counterAt(text, counterStarts[timestamp.bit]),
          payload: bytes!
        },
        streamSid
      }
    }
  }
}
