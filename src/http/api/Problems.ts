/**
 * The errors of the API as problem documents (RFC 9457), each with a stable `type`.
 */
import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"

const type = <const Name extends string>(name: Name) => `urn:client-caller:problem:${name}` as const

/** The name in a problem's `type`, such as `invalid-number`: the label of a metric. */
export const nameOf = (problem: { readonly type: string }): string => problem.type.slice(problem.type.lastIndexOf(":") + 1)

/** Twilio's error code: https://www.twilio.com/docs/api/errors */
const twilioCode = { twilio_code: Schema.optionalKey(Schema.Number) }

/** Whole seconds until the next attempt; also sent as the header `Retry-After`. */
const retryAfter = { retry_after: Schema.optionalKey(Schema.Number) }

export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()("InvalidRequest", {
  type: type("invalid-request"),
  status: 400,
  title: "The request can't be read"
}) {}

export class WordsSealed extends HttpApiError.Problem<WordsSealed>()("WordsSealed", {
  type: type("words-sealed"),
  status: 400,
  title: "The words of calls are sealed and can't be searched"
}) {}

export class InvalidNumber extends HttpApiError.Problem<InvalidNumber>()("InvalidNumber", {
  type: type("invalid-number"),
  status: 400,
  title: "This is not a phone number that can be called"
}, twilioCode) {}

export class ForeignWebSocket extends HttpApiError.Problem<ForeignWebSocket>()("ForeignWebSocket", {
  type: type("foreign-websocket"),
  status: 400,
  title: "Calls may not be sent to this WebSocket"
}) {}

export class NoSuchAgent extends HttpApiError.Problem<NoSuchAgent>()("NoSuchAgent", {
  type: type("no-such-agent"),
  status: 400,
  title: "There is no agent of this name"
}) {}

export class NoSuchCall extends HttpApiError.Problem<NoSuchCall>()("NoSuchCall", {
  type: type("no-such-call"),
  status: 404,
  title: "There is no call of this SID"
}) {}

export class CallIsLive extends HttpApiError.Problem<CallIsLive>()("CallIsLive", {
  type: type("call-is-live"),
  status: 409,
  title: "The call is not over"
}) {}

export class NoRecording extends HttpApiError.Problem<NoRecording>()("NoRecording", {
  type: type("no-recording"),
  status: 404,
  title: "There is no recording of this call"
}) {}

export class RangeNotSatisfiable extends HttpApiError.Problem<RangeNotSatisfiable>()("RangeNotSatisfiable", {
  type: type("range-not-satisfiable"),
  status: 416,
  title: "The recording has no such bytes"
}) {}

export class HistoryUnreachable extends HttpApiError.Problem<HistoryUnreachable>()("HistoryUnreachable", {
  type: type("history-unreachable"),
  status: 503,
  title: "The call history can't be read now"
}, retryAfter) {}

export class NoSuchDelivery extends HttpApiError.Problem<NoSuchDelivery>()("NoSuchDelivery", {
  type: type("no-such-delivery"),
  status: 404,
  title: "The call has no webhook of this id"
}) {}

export class Unauthorized extends HttpApiError.Problem<Unauthorized>()("Unauthorized", {
  type: type("unauthorized"),
  status: 401,
  title: "The API key is missing or wrong"
}) {}

export class TooManyKeys extends HttpApiError.Problem<TooManyKeys>()("TooManyKeys", {
  type: type("too-many-wrong-keys"),
  status: 429,
  title: "Too many wrong API keys came from this address"
}, retryAfter) {}

export class KeyReused extends HttpApiError.Problem<KeyReused>()("KeyReused", {
  type: type("idempotency-key-reused"),
  status: 422,
  title: "The Idempotency-Key belongs to another request"
}) {}

export class NotAllowedToCall extends HttpApiError.Problem<NotAllowedToCall>()("NotAllowedToCall", {
  type: type("not-allowed-to-call"),
  status: 422,
  title: "This number may not be called"
}, {
  ...twilioCode,
  /** The rule of `DialRules` that refused the number; unset if Twilio refused it. */
  rule: Schema.optionalKey(Schema.String)
}) {}

export class TooManyRequests extends HttpApiError.Problem<TooManyRequests>()("TooManyRequests", {
  type: type("too-many-requests"),
  status: 429,
  title: "Too many calls were requested"
}, retryAfter) {}

export class TwilioRefused extends HttpApiError.Problem<TwilioRefused>()("TwilioRefused", {
  type: type("twilio-refused"),
  status: 502,
  title: "Twilio refused the call"
}, twilioCode) {}

export class NotConfigured extends HttpApiError.Problem<NotConfigured>()("NotConfigured", {
  type: type("not-configured"),
  status: 503,
  title: "The service is not set up to place calls"
}) {}

export class Busy extends HttpApiError.Problem<Busy>()("Busy", {
  type: type("busy"),
  status: 503,
  title: "There is no room for another call"
}, { ...twilioCode, ...retryAfter }) {}

export const EngineStates = Schema.Array(Schema.Struct({
  stage: Schema.String.annotate({ description: "speechToText, replyModel or textToSpeech" }),
  name: Schema.String.annotate({ description: "The engine's address, or embedded" }),
  state: Schema.Literals(["up", "failing", "down", "unknown"]).annotate({ description: "The engine's state, judged by its last answers" })
})).annotate({ description: "The engines of STT_URL, LLM_URL and TTS_URL; empty if all engines run in this process" })

export class EnginesDown extends HttpApiError.Problem<EnginesDown>()("EnginesDown", {
  type: type("engines-down"),
  status: 503,
  title: "An agent could not hear, think or speak"
}, { engines: EngineStates }) {}

export class TwilioTimedOut extends HttpApiError.Problem<TwilioTimedOut>()("TwilioTimedOut", {
  type: type("twilio-timed-out"),
  status: 504,
  title: "Twilio did not answer in time"
}) {}

/** Not an error of the API: a webhook or a WebSocket upgrade that Twilio did not sign. */
export class InvalidSignature extends HttpApiError.Problem<InvalidSignature>()("InvalidSignature", {
  type: type("invalid-signature"),
  status: 403,
  title: "The Twilio signature is missing or wrong"
}) {}

/** Not an error of the API: a webhook of a call that another process must go on with. Twilio repeats the request. */
export class Stopping extends HttpApiError.Problem<Stopping>()("Stopping", {
  type: type("stopping"),
  status: 503,
  title: "The service is stopping"
}) {}

export class UpgradeRequired extends HttpApiError.Problem<UpgradeRequired>()("UpgradeRequired", {
  type: type("upgrade-required"),
  status: 426,
  title: "This is a WebSocket"
}) {}

export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: type("not-found"),
  status: 404,
  title: "There is nothing here"
}) {}

export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()("MethodNotAllowed", {
  type: type("method-not-allowed"),
  status: 405,
  title: "This endpoint does not take this method"
}) {}

export class PayloadTooLarge extends HttpApiError.Problem<PayloadTooLarge>()("PayloadTooLarge", {
  type: type("payload-too-large"),
  status: 413,
  title: "The body is too large"
}) {}

export class Failed extends HttpApiError.Problem<Failed>()("Failed", {
  type: type("internal-error"),
  status: 500,
  title: "The service failed"
}) {}
