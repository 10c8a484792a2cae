/**
 * Dials, transfers and hangs up calls through Twilio's REST API, with the `twilio` package.
 *
 * A request is retried, with jittered back-off, if Twilio answers 429 or if the request surely did not reach Twilio. No other failure is
 * retried, because Twilio has no idempotency key for calls. After a time-out, a second request could ring the same phone twice.
 *
 * https://www.twilio.com/docs/voice/api/call-resource
 */
import { Context, Duration, Effect, Layer, Metric, Option, Predicate, Redacted, Schedule, Schema } from "effect"
import { createRequire } from "node:module"
import type { RequestClient, Twilio } from "twilio"
import { AppConfig } from "../../config/AppConfig.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import { CallSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import { withRetries } from "../webhook/ConnectionOverrides.ts"
import * as TwiML from "../webhook/TwiML.ts"

/** How a request failed. */
export const TwilioFailure = Schema.Literals([
  /** Twilio refused the request (4xx). `code` has the reason. */
  "rejected",
  /** Twilio does not know these credentials. */
  "unauthorized",
  /** Twilio answered 429, also to the retries. */
  "tooManyRequests",
  /** Twilio did not answer in time. The call may have been placed. */
  "timedOut",
  /** The connection broke after the request was sent. The call may have been placed. */
  "interrupted",
  /** The request never reached Twilio. */
  "unreachable",
  /** Twilio failed (5xx), or its answer can't be read. */
  "failed"
])
export type TwilioFailure = typeof TwilioFailure.Type

/** A request to Twilio failed. The message holds neither numbers nor secrets. */
export class TwilioError extends Schema.TaggedError<TwilioError>()("TwilioError", {
  operation: Schema.String,
  failure: TwilioFailure,
  /** The HTTP status, if there was an answer. */
  status: Schema.Option(Schema.Number),
  /** Twilio's error code: https://www.twilio.com/docs/api/errors */
  code: Schema.Option(Schema.Number),
  /** Twilio's own text. It may name the number that was called, so it is never logged. */
  detail: Schema.Option(Schema.String)
}) {
  override get message() {
    const code = Option.match(this.code, { onNone: () => "", onSome: (code) => ` (Twilio error ${code})` })
    return `Twilio: ${this.operation} ${this.failure}${code}`
  }

  /** Whether Twilio may have carried out the request although no answer confirms it. A second request could then do the same again. */
  get mayBeDone(): boolean {
    return this.failure === "timedOut" || this.failure === "interrupted" || this.failure === "failed"
  }
}

export interface DialRequest {
  readonly to: PhoneNumber
  readonly from: PhoneNumber
  /** Where Twilio fetches the TwiML when the call is answered. */
  readonly url: string
  readonly statusCallback: string
}

export interface TransferRequest {
  readonly callSid: CallSid
  readonly to: PhoneNumber
  /** The number that the other telephone shows: a number of the account. */
  readonly callerId: Option.Option<PhoneNumber>
  /** Twilio requests this URL when the other telephone did not answer or has hung up. `None`: the call ends then. */
  readonly action: Option.Option<string>
}

export interface Dialled {
  readonly callSid: CallSid
  /** Twilio's status, usually `queued`. */
  readonly status: string
}

/** The longest answer that is read. Twilio's answers have a few thousand bytes. */
const maxAnswerBytes = 1024 * 1024

/** Network errors before the request was sent. A second request then can't ring the phone twice. */
const unsentCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"])
/** `ECONNABORTED` is the code of axios for its own time-out. */
const timeoutCodes = new Set(["ECONNABORTED", "ETIMEDOUT", "ESOCKETTIMEDOUT"])

const numberOf = (value: unknown, key: string): Option.Option<number> =>
  Predicate.hasProperty(value, key) && Predicate.isNumber(value[key]) ? Option.some(value[key]) : Option.none()

const toTwilioError = (operation: string) => (cause: unknown): TwilioError => {
  const status = numberOf(cause, "status")
  const networkCode = Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : undefined
  const failure = ((): TwilioFailure => {
    // The answer is too long, or is not HTTP.
    if (networkCode === "ERR_BAD_RESPONSE") return "failed"
    if (networkCode !== undefined) return unsentCodes.has(networkCode) ? "unreachable" : timeoutCodes.has(networkCode) ? "timedOut" : "interrupted"
    if (Option.isNone(status)) return "failed"
    if (status.value === 401) return "unauthorized"
    if (status.value === 429) return "tooManyRequests"
    return status.value >= 400 && status.value < 500 ? "rejected" : "failed"
  })()
  return new TwilioError({
    operation,
    failure,
    status,
    code: networkCode === undefined ? numberOf(cause, "code") : Option.none(),
    detail: Option.isSome(status) && Predicate.hasProperty(cause, "message") && Predicate.isString(cause.message)
      ? Option.some(cause.message)
      : Option.none()
  })
}

/** A failure without an answer from Twilio. */
const unansweredError = (operation: string, failure: TwilioFailure) =>
  new TwilioError({ operation, failure, status: Option.none(), code: Option.none(), detail: Option.none() })

const isRetryable = (error: TwilioError) => error.failure === "tooManyRequests" || error.failure === "unreachable"

const backOff = Schedule.exponential("200 millis").pipe(Schedule.jittered)

/** Twilio's error codes for a call that is not in progress, and for a call that Twilio does not know. */
const callNotInProgress = 21220
const notFound = 20404

const hasEnded = (error: TwilioError) =>
  Option.contains(error.code, callNotInProgress) || Option.contains(error.code, notFound) || Option.contains(error.status, 404)

export class RestClient extends Context.Service<RestClient, {
  readonly dial: (request: DialRequest) => Effect.Effect<Dialled, TwilioError>
  /** Ends the call's stream and connects the call to another telephone. */
  readonly transfer: (request: TransferRequest) => Effect.Effect<void, TwilioError>
  /** Succeeds even if the call has already ended. */
  readonly hangUp: (callSid: CallSid) => Effect.Effect<void, TwilioError>
}>()("client-caller/twilio/rest/RestClient") {
  static readonly layer = Layer.effect(
    RestClient,
    Effect.gen(function*() {
      const { twilio } = yield* AppConfig
      const { account, isLocalAccount } = yield* Credentials

      const load = (): Twilio => {
        const Client = createRequire(import.meta.url)("twilio/lib/rest/Twilio.js") as new(
          sid: string,
          token: string,
          options: object
        ) => Twilio
        const created = new Client(account.accountSid, Redacted.value(account.authTokens[0]), {
          timeout: Duration.toMillis(twilio.timeout)
        })
        const http = created.httpClient as RequestClient
        http.axios.defaults.maxContentLength = maxAnswerBytes
        if (Option.isSome(twilio.apiBaseUrl)) created.api.baseUrl = twilio.apiBaseUrl.value.href.replace(/\/$/, "")
        return created
      }

      // Loading the package blocks the thread, and the sound of all calls, for a tenth of a second. So it is loaded at the start, not at the
      // first request. The local account has no server for requests unless TWILIO_API_BASE_URL names one: Twilio does not know its calls.
      const client = isLocalAccount && Option.isNone(twilio.apiBaseUrl) ? undefined : load()

      const request = <A>(operation: string, send: (client: Twilio) => Promise<A>): Effect.Effect<A, TwilioError> => {
        if (client === undefined) return Effect.fail(unansweredError(operation, "unauthorized"))
        return Effect.tryPromise({ try: () => send(client), catch: toTwilioError(operation) }).pipe(
          // A second longer than the package's own time-out, which usually comes first.
          Effect.timeoutOrElse({
            duration: Duration.sum(twilio.timeout, Duration.seconds(1)),
            orElse: () => Effect.fail(unansweredError(operation, "timedOut"))
          }),
          Effect.tapError((error) => Metric.update(Metrics.twilioRequests(operation, error.failure), 1)),
          Effect.tap(() => Metric.update(Metrics.twilioRequests(operation, "ok"), 1)),
          Effect.retry({ times: 3, while: isRetryable, schedule: backOff })
        )
      }

      return RestClient.of({
        dial: Effect.fn("RestClient.dial")(function*({ from, statusCallback, to, url }) {
          const call = yield* request("dial", (client) =>
            client.calls.create({
              to,
              from,
              url: withRetries(url),
              method: "POST",
              ...(Option.isNone(twilio.fallbackUrl) ? {} : { fallbackUrl: twilio.fallbackUrl.value.href, fallbackMethod: "POST" }),
              statusCallback: withRetries(statusCallback),
              statusCallbackMethod: "POST",
              statusCallbackEvent: ["initiated", "ringing", "answered", "completed"]
            }))
          const callSid = yield* Schema.decodeUnknownEffect(CallSid)(call.sid).pipe(
            Effect.mapError((cause) => toTwilioError("dial")(cause))
          )
          return { callSid, status: call.status }
        }),
        transfer: Effect.fn("RestClient.transfer")(function*({ action, callSid, callerId, to }) {
          const twiml = TwiML.dial({
            to,
            ...(Option.isNone(callerId) ? {} : { callerId: callerId.value }),
            ...(Option.isNone(action) ? {} : { action: action.value })
          })
          yield* request("transfer", (client) => client.calls(callSid).update({ twiml }))
        }),
        hangUp: Effect.fn("RestClient.hangUp")(function*(callSid) {
          yield* request("hangUp", (client) => client.calls(callSid).update({ status: "completed" })).pipe(
            Effect.catchIf(hasEnded, () => Effect.void)
          )
        })
      })
    })
  )
}
