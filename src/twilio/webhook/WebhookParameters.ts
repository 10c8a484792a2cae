/**
 * What Twilio posts to us, as schemas: the parameters that this service reads, and no others. Twilio
 * adds parameters without notice; they count for the signature and for nothing else.
 *
 * https://www.twilio.com/docs/voice/twiml#request-parameters
 */
import { Effect, Option, Schema, SchemaGetter } from "effect"
import { parse, parseAddress, type PhoneNumber } from "../../domain/PhoneNumber.ts"
import { AccountSid, CallSid, StreamSid } from "../../domain/Sid.ts"

const party = (read: (text: string) => Option.Option<PhoneNumber>) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.Option(Schema.String as unknown as Schema.Codec<PhoneNumber>), {
      decode: SchemaGetter.transform(read),
      encode: SchemaGetter.transform((number: Option.Option<PhoneNumber>) => Option.getOrElse(number, () => ""))
    }),
    Schema.withDecodingDefaultKey(Effect.succeed(""))
  )

/** Who calls: a phone number, or `None` for a withheld one and for other addresses. Anyone may claim a number in a SIP address. */
const Caller = party(parse)

/** Who is called: the number that was dialled, also by SIP or WhatsApp (`sip:+14155550100@example.com`), or `None`. */
const Called = party(parseAddress)

/** Where a call is. https://www.twilio.com/docs/voice/api/call-resource#call-status-values */
export const CallStatus = Schema.Literals([
  "queued",
  "initiated",
  "ringing",
  "in-progress",
  "completed",
  "busy",
  "no-answer",
  "failed",
  "canceled"
])
export type CallStatus = typeof CallStatus.Type

/** Twilio writes its words in lower case; letter case and blanks around them make no difference here. */
const toWord = (text: string) => text.trim().toLowerCase()

/** The status that a text means: the literal, and no piece of the request, for it may be kept. */
const toStatus = (text: string) => CallStatus.literals.find((status) => status === toWord(text))

const CallStatusFromText = Schema.String.pipe(
  Schema.decodeTo(CallStatus, {
    // What is no status fails as it was written.
    decode: SchemaGetter.transform((text: string) => toStatus(text) ?? (text as CallStatus)),
    encode: SchemaGetter.passthrough()
  })
)

/** For a request that must be answered whatever it says: no status when the word is unknown or missing. */
const CallStatusIfKnown = Schema.String.pipe(
  Schema.decodeTo(Schema.Option(CallStatus), {
    decode: SchemaGetter.transform((text: string) => Option.fromUndefinedOr(toStatus(text))),
    encode: SchemaGetter.transform((status: Option.Option<CallStatus>) => Option.getOrElse(status, () => ""))
  }),
  Schema.withDecodingDefaultKey(Effect.succeed(""))
)

/** A call that asks for TwiML. */
export const CallParameters = Schema.Struct({
  AccountSid,
  CallSid,
  CallStatus: CallStatusIfKnown,
  From: Caller,
  To: Called,
  /** `inbound`, `outbound-api`, `outbound-dial`. */
  Direction: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("inbound")))
})

/** What Twilio asks when a stream has ended, or a transfer. */
export const ContinueParameters = Schema.Struct({
  CallSid,
  CallStatus: CallStatusIfKnown,
  /** After a `<Dial>` only: how it went. https://www.twilio.com/docs/voice/twiml/dial#dialcallstatus */
  DialCallStatus: Schema.String.pipe(
    Schema.decodeTo(Schema.String, { decode: SchemaGetter.transform(toWord), encode: SchemaGetter.passthrough() }),
    Schema.withDecodingDefaultKey(Effect.succeed(""))
  )
})

/** What can't be read is -1: older than any other report, but a call's end is its end whatever the number. */
const SequenceNumber = Schema.String.pipe(
  Schema.decodeTo(Schema.Int, {
    decode: SchemaGetter.transform((text: string) => {
      const number = Number(text)
      return text.trim() !== "" && Number.isSafeInteger(number) ? number : -1
    }),
    encode: SchemaGetter.transform(String)
  }),
  Schema.withDecodingDefaultKey(Effect.succeed(""))
)

/** A status callback. The order of arrival means nothing; `SequenceNumber` does. */
export const StatusParameters = Schema.Struct({
  CallSid,
  CallStatus: CallStatusFromText,
  SequenceNumber
})

/** A stream status callback. */
export const StreamParameters = Schema.Struct({
  CallSid,
  StreamSid,
  /** `stream-started`, `stream-stopped`, `stream-error`. */
  StreamEvent: Schema.String,
  StreamError: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("")))
})
