/**
 * Schemas of the webhook parameters that this service reads. Twilio adds parameters without notice. Unknown parameters are covered by
 * the signature, but ignored otherwise.
 *
 * https://www.twilio.com/docs/voice/twiml#request-parameters
 */
import { Effect, Option, Schema, SchemaGetter } from "effect"
import { parse, parseAddress, type PhoneNumber } from "../../domain/PhoneNumber.ts"
import { AccountSid, CallSid, copy, StreamSid } from "../../domain/Sid.ts"

/** A telephone number, or `None` if `read` finds none in the text. */
const numberFrom = (read: (text: string) => Option.Option<PhoneNumber>) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.Option(Schema.String as unknown as Schema.Codec<PhoneNumber>), {
      decode: SchemaGetter.transform(read),
      encode: SchemaGetter.transform((number: Option.Option<PhoneNumber>) => Option.getOrElse(number, () => ""))
    }),
    Schema.withDecodingDefaultKey(Effect.succeed(""))
  )

/**
 * Who calls: a phone number, or `None` for a withheld number and for other addresses. A number in a SIP address is not accepted, because
 * anyone can claim it.
 */
const Caller = numberFrom(parse)

/** Who is called: the number that was dialled, by telephone, SIP or WhatsApp (`sip:+14155550100@example.com`), or `None`. */
const Called = numberFrom(parseAddress)

/** The status of a call. https://www.twilio.com/docs/voice/api/call-resource#call-status-values */
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

/** Removes surrounding blanks and changes letters to lower case. Twilio itself writes these words in lower case. */
const toWord = (text: string) => text.trim().toLowerCase()

/** The status that a text names. Returns the literal, not the text: a substring of the request would keep the whole request in memory. */
const toStatus = (text: string) => CallStatus.literals.find((status) => status === toWord(text))

const CallStatusFromText = Schema.String.pipe(
  Schema.decodeTo(CallStatus, {
    // An unknown word is left as it is, so that the error shows it.
    decode: SchemaGetter.transform((text: string) => toStatus(text) ?? (text as CallStatus)),
    encode: SchemaGetter.passthrough()
  })
)

/** The status of a request that must always be answered. `None`: the word is unknown or missing. */
const CallStatusIfKnown = Schema.String.pipe(
  Schema.decodeTo(Schema.Option(CallStatus), {
    decode: SchemaGetter.transform((text: string) => Option.fromUndefinedOr(toStatus(text))),
    encode: SchemaGetter.transform((status: Option.Option<CallStatus>) => Option.getOrElse(status, () => ""))
  }),
  Schema.withDecodingDefaultKey(Effect.succeed(""))
)

/** Twilio's error code, such as 11200 for a webhook that failed. `None`: there is no code. https://www.twilio.com/docs/api/errors */
const ErrorCode = Schema.String.pipe(
  Schema.decodeTo(Schema.Option(Schema.Int), {
    decode: SchemaGetter.transform((text: string) => /^\d{1,6}$/.test(text.trim()) ? Option.some(Number(text)) : Option.none()),
    encode: SchemaGetter.transform((code: Option.Option<number>) => Option.match(code, { onNone: () => "", onSome: String }))
  }),
  Schema.withDecodingDefaultKey(Effect.succeed(""))
)

/** The path of the URL that failed. The query is left out, because it may hold anything. `None`: there is no URL. */
const ErrorPath = Schema.String.pipe(
  Schema.decodeTo(Schema.Option(Schema.String), {
    decode: SchemaGetter.transform((text: string) => Option.map(Option.fromNullishOr(URL.parse(text)), ({ pathname }) => pathname)),
    encode: SchemaGetter.transform((path: Option.Option<string>) => Option.getOrElse(path, () => ""))
  }),
  Schema.withDecodingDefaultKey(Effect.succeed(""))
)

/**
 * Twilio sends these fields only to a fallback URL. They say which webhook failed and why. The call may still be live although its process
 * has died.
 *
 * https://www.twilio.com/docs/usage/security/availability-reliability
 */
const fallbackFields = { ErrorCode, ErrorUrl: ErrorPath }

/** Twilio's request for the TwiML of a call. */
export const CallParameters = Schema.Struct({
  AccountSid,
  CallSid,
  CallStatus: CallStatusIfKnown,
  From: Caller,
  To: Called,
  /** `inbound`, `outbound-api`, `outbound-dial`. */
  Direction: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("inbound"))),
  ...fallbackFields
})

/** Twilio's request for further TwiML when a stream or a transfer has ended. */
export const ContinueParameters = Schema.Struct({
  CallSid,
  CallStatus: CallStatusIfKnown,
  /** The result of a `<Dial>`. Empty after a stream. https://www.twilio.com/docs/voice/twiml/dial#dialcallstatus */
  DialCallStatus: Schema.String.pipe(
    Schema.decodeTo(Schema.String, { decode: SchemaGetter.transform(toWord), encode: SchemaGetter.passthrough() }),
    Schema.withDecodingDefaultKey(Effect.succeed(""))
  )
})

/**
 * The number of a status callback. -1: the number can't be read. A callback with -1 counts as the oldest, and has an effect only if it
 * reports the call's end.
 */
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

/** A parameter that Twilio may leave out. The text is then empty. */
const OptionalText = Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("")))

/**
 * Reads a word of letters and underscores, in lower case. Any other text becomes empty. The word is copied, because a substring of the
 * request would keep the whole request in memory.
 */
const toAnsweredBy = (text: string): string => /^[a-z_]{1,40}$/.test(toWord(text)) ? copy(toWord(text)) : ""

/** A status callback. Callbacks may arrive in any order; `SequenceNumber` gives the order in which Twilio made them. */
export const StatusParameters = Schema.Struct({
  CallSid,
  CallStatus: CallStatusFromText,
  SequenceNumber,
  /** Seconds from the answer to the end, in the last callback. */
  CallDuration: OptionalText,
  /** The SIP code with which the call ended, such as 486 for busy. */
  SipResponseCode: OptionalText,
  /** Who answered, if machine detection was asked for: `human`, `machine_start`, `fax`, `unknown`. */
  AnsweredBy: Schema.String.pipe(
    Schema.decodeTo(Schema.String, { decode: SchemaGetter.transform(toAnsweredBy), encode: SchemaGetter.passthrough() }),
    Schema.withDecodingDefaultKey(Effect.succeed(""))
  )
})

/** A stream status callback. */
export const StreamParameters = Schema.Struct({
  CallSid,
  StreamSid,
  /** `stream-started`, `stream-stopped`, `stream-error`. */
  StreamEvent: Schema.String,
  StreamError: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("")))
})
