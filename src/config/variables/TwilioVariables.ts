/**
 * The variables for the Twilio account, its phone number and its API.
 */
import { type Array, type Duration, Effect, Option, type Redacted, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import * as PhoneNumbers from "../../domain/PhoneNumber.ts"
import { type PhoneNumber, PhoneNumberFromText } from "../../domain/PhoneNumber.ts"
import { AccountSid } from "../../domain/Sid.ts"
import { duration, NonEmptySecrets, url } from "./Values.ts"
import { optional, type ValuesOf, withDefault } from "./Variable.ts"

/** A URL that Twilio requests. It may have a query, and Twilio's connection overrides in its fragment. Both are sent to Twilio unchanged. */
const FallbackUrl = Schema.String.pipe(
  Schema.decodeTo(Schema.URL, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const url = URL.parse(text)
      return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
        ? Effect.succeed(url)
        : Effect.fail(new SchemaIssue.InvalidValue({ expected: "an http or https URL" }))
    }),
    encode: SchemaGetter.transform((url: URL) => url.href)
  })
)

export const twilioVariables = {
  TWILIO_ACCOUNT_SID: optional(AccountSid, "an account SID: AC and 32 hexadecimal digits", "AC0123…"),
  TWILIO_AUTH_TOKEN: optional(NonEmptySecrets, "the account's auth token or, while it is rotated, several tokens with commas between", "…"),
  TWILIO_PHONE_NUMBER: optional(PhoneNumberFromText, "a phone number in E.164 form", "+14155550100", (value) =>
    Option.map(Result.getFailure(PhoneNumbers.read(value)), ({ why }) => `it ${why}`)),
  TWILIO_API_BASE_URL: url("http://127.0.0.1:8010"),
  TWILIO_FALLBACK_URL: optional(FallbackUrl, "an http or https URL", "https://handler.twilio.com/twiml/EH0123…"),
  TWILIO_TIMEOUT: duration("above 0", "10 seconds", "10s"),
  CALLS_PER_SECOND: withDefault(Schema.NumberFromString.check(Schema.isFinite(), Schema.isGreaterThan(0)), 1, "a number above 0", "1")
} as const

type Values = ValuesOf<typeof twilioVariables>

/** A Twilio account. A webhook is accepted when it is signed with any of the tokens. REST requests use the first token. */
export interface Account {
  readonly accountSid: AccountSid
  readonly authTokens: Array.NonEmptyReadonlyArray<Redacted.Redacted>
}

export interface TwilioSettings {
  /** The Twilio account. Unset: the service makes a local account; see `config/Credentials`. */
  readonly account: Option.Option<Account>
  /** The number from which calls are placed. */
  readonly phoneNumber: Option.Option<PhoneNumber>
  /** The base URL of Twilio's REST API. Unset: Twilio's own address. */
  readonly apiBaseUrl: Option.Option<URL>
  /** The URL from which Twilio gets the TwiML of an outbound call when this service does not answer. Unset: the call ends in this case. */
  readonly fallbackUrl: Option.Option<URL>
  /** The longest time for one request to the API. */
  readonly timeout: Duration.Duration
  /** How many calls may be placed in a second. */
  readonly callsPerSecond: number
}

export const twilioSettings = (values: Values): TwilioSettings => ({
  account: Option.all({ accountSid: values.TWILIO_ACCOUNT_SID, authTokens: values.TWILIO_AUTH_TOKEN }),
  phoneNumber: values.TWILIO_PHONE_NUMBER,
  apiBaseUrl: values.TWILIO_API_BASE_URL,
  fallbackUrl: values.TWILIO_FALLBACK_URL,
  timeout: values.TWILIO_TIMEOUT,
  callsPerSecond: values.CALLS_PER_SECOND
})

/** Reports an account with only one of its two variables. Otherwise the service would silently use the local account. */
export const accountProblems = (values: Values): ReadonlyArray<string> =>
  Option.isSome(values.TWILIO_ACCOUNT_SID) === Option.isSome(values.TWILIO_AUTH_TOKEN) ? [] : [
    Option.isSome(values.TWILIO_ACCOUNT_SID)
      ? "TWILIO_AUTH_TOKEN is missing while TWILIO_ACCOUNT_SID is set. Set it in the environment or in .env. Twilio's console shows the token beside the account SID."
      : "TWILIO_ACCOUNT_SID is missing while TWILIO_AUTH_TOKEN is set. Set it in the environment or in .env. Twilio's console shows the account SID."
  ]
