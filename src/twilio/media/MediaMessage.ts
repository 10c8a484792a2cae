/**
 * The messages of Twilio Media Streams, both directions, as schemas.
 *
 * The schemas accept messages that Twilio may change. A field makes a message bad only if the service needs it: the payload, the SIDs, a
 * key, a mark's name. Unknown fields are ignored, fields that the service does not read may have any form, and a payload may have any length.
 * So a change at Twilio does not cost the caller's words. The field `event` names the kind of a message. Twilio writes counters as JSON
 * strings.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages
 */
import { Effect, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"
import { AccountSid, CallSid, StreamSid } from "../../domain/Sid.ts"

/** A whole number ≥ 0, as a string or as a number; `NaN` for anything else. */
const readCounter = (value: unknown): number => {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : Number.NaN
}

/**
 * Twilio's counters and timestamps: whole numbers ≥ 0, written as strings. `NaN`: the counter is missing or can't be read. The sound of such a
 * message is heard nevertheless, but no gap before or after it is counted.
 */
const Counter = Schema.Unknown.pipe(
  Schema.decodeTo(Schema.Number, { decode: SchemaGetter.transform(readCounter), encode: SchemaGetter.transform(String) }),
  Schema.withDecodingDefaultKey(Effect.succeed(""))
)

/** A field that this service does not read. The simulator writes it as Twilio does. */
const Unread = Schema.optionalKey(Schema.Unknown)

const invalidBase64 = new SchemaIssue.InvalidValue({ expected: "base64" })

/**
 * μ-law bytes, 8000 a second, from base64 (RFC 4648, no line breaks).
 *
 * Node's decoder skips characters that are not base64, so the number of bytes shows whether it has skipped any. Node's decoder also reads the
 * URL-safe alphabet, so its two extra characters, `-` and `_`, are refused here.
 */
const Payload = Schema.String.pipe(
  Schema.decodeTo(Schema.Uint8Array, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
      const bytes = Buffer.from(text, "base64")
      return bytes.length === ((text.length - padding) * 3) >> 2 && text.length % 4 === 0 &&
          !text.includes("-") && !text.includes("_")
        ? Effect.succeed(bytes as Uint8Array)
        : Effect.fail(invalidBase64)
    }),
    encode: SchemaGetter.transform((bytes: Uint8Array) =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")
    )
  })
)

// ---------------------------------------------------------------------------------------------
// From Twilio. Fields are in the order in which Twilio writes them, because the encoder writes them in the schema's order. The decoder
// accepts any order. Sources of the orders: for `connected`, `start`, `media` and `stop`, calls that were recorded in 2019, 2020 and 2023;
// for `mark`, a call of 2020 and the documentation; for `dtmf`, the documentation.
// ---------------------------------------------------------------------------------------------

/** The first message of a stream. Versions seen: "0.2.0" (2019), "1.0.0". */
const Connected = Schema.Struct({
  event: Schema.tag("connected"),
  protocol: Unread,
  version: Unread
})

/** The second message of a stream. It names the call, and has the TwiML's `<Parameter>`s. */
export const Start = Schema.Struct({
  event: Schema.tag("start"),
  sequenceNumber: Counter,
  start: Schema.Struct({
    accountSid: AccountSid,
    callSid: CallSid,
    tracks: Unread,
    mediaFormat: Unread,
    customParameters: Schema.Record(Schema.String, Schema.String).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed({}))
    )
  }),
  streamSid: StreamSid
})

/** Sound, about fifty times a second. `timestamp` is in ms since the stream's start, and does not begin at zero. */
export const Media = Schema.Struct({
  event: Schema.tag("media"),
  sequenceNumber: Counter,
  media: Schema.Struct({
    track: Schema.Literals(["inbound", "outbound"]).pipe(Schema.withDecodingDefaultKey(Effect.succeed("inbound"))),
    chunk: Counter,
    timestamp: Counter,
    payload: Payload
  }),
  streamSid: StreamSid
})

/** A key that the caller pressed. */
const Dtmf = Schema.Struct({
  event: Schema.tag("dtmf"),
  streamSid: StreamSid,
  sequenceNumber: Counter,
  dtmf: Schema.Struct({
    track: Unread,
    digit: Schema.Literals(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D"])
  })
})

/** All sound that was queued before our mark has been played, or was discarded by a `clear`. */
const Mark = Schema.Struct({
  event: Schema.tag("mark"),
  sequenceNumber: Counter,
  streamSid: StreamSid,
  mark: Schema.Struct({ name: Schema.String })
})

/** The last message of a stream. Twilio does not send it if this service closes the stream. */
const Stop = Schema.Struct({
  event: Schema.tag("stop"),
  sequenceNumber: Counter,
  streamSid: StreamSid,
  stop: Unread
})

export const Inbound = Schema.Union([Media, Mark, Dtmf, Connected, Start, Stop])
export type Inbound = typeof Inbound.Type
export type Start = typeof Start.Type
export type Media = typeof Media.Type
/** Messages after `start` that are not sound. */
export type Control = Extract<Inbound, { readonly event: "mark" | "dtmf" | "stop" }>

// ---------------------------------------------------------------------------------------------
// To Twilio
// ---------------------------------------------------------------------------------------------

/** Sound that Twilio appends to its playback queue: raw μ-law, 8 kHz, no header. */
const PlayMedia = Schema.Struct({
  event: Schema.tag("media"),
  streamSid: StreamSid,
  media: Schema.Struct({ payload: Payload })
})

/** Twilio sends it back as a `Mark` once all sound that was queued before it has been played. */
const SendMark = Schema.Struct({
  event: Schema.tag("mark"),
  streamSid: StreamSid,
  mark: Schema.Struct({ name: Schema.String })
})

/** Makes Twilio discard its playback queue. Every pending mark then comes back at once. */
const Clear = Schema.Struct({
  event: Schema.tag("clear"),
  streamSid: StreamSid
})

export const Outbound = Schema.Union([PlayMedia, SendMark, Clear])
export type Outbound = typeof Outbound.Type

// ---------------------------------------------------------------------------------------------
// Decoding
// ---------------------------------------------------------------------------------------------

/** Why a text is not a message. `unknownEvent` is not an error, because Twilio adds events without notice. */
export type Rejection = "notJson" | "unknownEvent" | "wrongShape"

/**
 * A message that was rejected. This is a plain value, because many may come at once, and an `Error`'s stack costs more than reading a
 * message.
 */
export interface MessageRejected<Reason extends string = Rejection> {
  readonly _tag: "MessageRejected"
  readonly reason: Reason
}

export const reject = <Reason extends string>(reason: Reason): Result.Result<never, MessageRejected<Reason>> =>
  Result.fail({ _tag: "MessageRejected", reason })

// Only this schema is compiled, which saves a fifth of the time to decode a message (docs/adr/0002).
SchemaJITCompiler.enable(Inbound.ast)

const decodeInboundShape = Schema.decodeUnknownResult(Inbound)
const decodeOutboundShape = Schema.decodeUnknownResult(Outbound)

const inboundEvents = new Set(["media", "mark", "dtmf", "connected", "start", "stop"])
const outboundEvents = new Set(["media", "mark", "clear"])

const parse = (text: string): Result.Result<unknown, MessageRejected> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return reject("notJson")
  }
}

const decodeWith = <A>(
  events: ReadonlySet<string>,
  decodeShape: (input: unknown) => Result.Result<A, unknown>
) =>
(text: string): Result.Result<A, MessageRejected> => {
  const json = parse(text)
  if (Result.isFailure(json)) return Result.fail(json.failure)
  const event = typeof json.success === "object" && json.success !== null
    ? (json.success as { readonly event?: unknown }).event
    : undefined
  if (typeof event !== "string") return reject("wrongShape")
  if (!events.has(event)) return reject("unknownEvent")
  const decoded = decodeShape(json.success)
  return Result.isFailure(decoded) ? reject("wrongShape") : Result.succeed(decoded.success)
}

/** Decodes one text frame from Twilio. */
export const decodeInbound: (text: string) => Result.Result<Inbound, MessageRejected> = decodeWith(inboundEvents, decodeInboundShape)

/** Decodes one text frame that was sent to Twilio. The simulator uses it. */
export const decodeOutbound: (text: string) => Result.Result<Outbound, MessageRejected> = decodeWith(outboundEvents, decodeOutboundShape)

/** `encodeInbound` and `encodeOutbound` write a message as one text frame. */
export const encodeInbound = Schema.encodeSync(Schema.fromJsonString(Inbound))
export const encodeOutbound = Schema.encodeSync(Schema.fromJsonString(Outbound))

/** The text of a `mark`. Twilio sends the mark back when all sound before it has been played. */
export const markText = (streamSid: StreamSid, name: string): string =>
  encodeOutbound({ event: "mark", streamSid, mark: { name } })

/** The text of a `clear`. Twilio then discards the sound that it has not played yet. */
export const clearText = (streamSid: StreamSid): string => encodeOutbound({ event: "clear", streamSid })
