/**
 * Sends Twilio's webhooks: form posts (or queries) with a signature over the exact URL. The URL's fragment says how a failed request is retried.
 *
 * Twilio does not document whether it waits between retries. Here there is no wait, which is the worst case: a service that is down for
 * some seconds misses all retries.
 */
import { Data, Duration, Effect, Random, type Redacted, Result, Schema } from "effect"
import * as Signature from "../../../twilio/webhook/Signature.ts"
import * as DebuggerCodes from "../DebuggerCodes.ts"
import type { Method } from "../twiml/TwimlReader.ts"
import * as ConnectionOverrides from "./ConnectionOverrides.ts"
import * as HttpExchange from "./HttpExchange.ts"

interface Request {
  /** The URL may end with connection overrides. */
  readonly url: string
  readonly method: Method
  readonly parameters: Readonly<Record<string, string>>
  /** A fault: the signature is wrong, or missing. */
  readonly signature?: "forged" | "missing" | undefined
}

interface Answer {
  readonly status: number
  /** The content type in lower case, without parameters. "" if the answer has none. */
  readonly contentType: string
  readonly body: string
  /** How many requests were made, including the successful one. */
  readonly requests: number
}

/** The webhook failed, and so did its retries. */
class WebhookError extends Schema.TaggedError<WebhookError>()("WebhookError", {
  code: Schema.Literals([
    DebuggerCodes.webhookFailed,
    DebuggerCodes.webhookRefused,
    DebuggerCodes.webhookUnreachable,
    DebuggerCodes.webhookBroken,
    DebuggerCodes.webhookHostUnknown
  ]),
  message: Schema.String,
  /** The HTTP status, if there was an answer. */
  status: Schema.optionalKey(Schema.Int),
  /** How many requests were made. */
  requests: Schema.Int
}) {}

/** One request of a webhook failed. */
class RequestFailed extends Data.TaggedError("RequestFailed")<{
  readonly code: WebhookError["code"]
  readonly message: string
  /** The HTTP status, if there was an answer. */
  readonly status?: number
  /** The retry policy that covers the failure. `undefined`: only `all` covers it. */
  readonly retriedBy: ConnectionOverrides.RetriedFailure | undefined
}> {}

/** `count` random hexadecimal digits. */
export const randomHex = (count: number): Effect.Effect<string> =>
  Effect.map(
    Effect.all(Array.from({ length: Math.ceil(count / 8) }, () => Random.nextIntBetween(0, 0xFFFF_FFFF))),
    (words) => words.map((word) => word.toString(16).padStart(8, "0")).join("").slice(0, count)
  )

/** A signature of the right form that was not made with a token. */
export const forgedSignature = "Zm9yZ2VkLWJ5LXNpbXVsYXRvcg=="

const failureByReason: Readonly<Record<HttpExchange.ExchangeError["reason"], Pick<RequestFailed, "code" | "retriedBy">>> = {
  unknownHost: { code: DebuggerCodes.webhookHostUnknown, retriedBy: "ct" },
  refused: { code: DebuggerCodes.webhookRefused, retriedBy: "ct" },
  notConnected: { code: DebuggerCodes.webhookUnreachable, retriedBy: "ct" },
  notHttp: { code: DebuggerCodes.webhookBroken, retriedBy: undefined },
  broken: { code: DebuggerCodes.webhookBroken, retriedBy: "rt" },
  readTimeout: { code: DebuggerCodes.webhookUnreachable, retriedBy: "rt" }
}

const noAnswer = ({ message, reason }: HttpExchange.ExchangeError) => new RequestFailed({ ...failureByReason[reason], message })

const badStatus = (status: number) =>
  new RequestFailed({
    code: DebuggerCodes.webhookFailed,
    message: `The webhook answered with HTTP status ${status}.`,
    status,
    retriedBy: status >= 500 ? "5xx" : status >= 400 ? "4xx" : undefined
  })

const isRetried = (retried: ConnectionOverrides.ConnectionOverrides["retried"], { retriedBy }: RequestFailed): boolean =>
  retried === "all" || (retriedBy !== undefined && retried.has(retriedBy))

const contentTypeOf = ({ headers }: HttpExchange.HttpAnswer): string =>
  (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase()

/** The HTTP request, without its connection overrides. */
const wireRequest = Effect.fnUntraced(function*(
  authToken: Redacted.Redacted,
  locate: (url: string) => string,
  { method, parameters, signature: fault }: Request,
  /** The request's URL without its fragment. */
  bareUrl: string
) {
  const query = new URLSearchParams(parameters).toString()
  const isGet = method === "GET"
  const url = isGet ? `${bareUrl}${bareUrl.includes("?") ? "&" : "?"}${query}` : bareUrl
  const signature = fault === "forged" ? forgedSignature : Signature.sign(authToken, url, isGet ? {} : parameters)
  return {
    url: locate(url),
    method,
    headers: {
      "user-agent": "TwilioProxy/1.1",
      accept: "*/*",
      // The token is the same for all retries.
      "i-twilio-idempotency-token": yield* randomHex(32),
      ...(isGet ? {} : { "content-type": "application/x-www-form-urlencoded", "content-length": `${Buffer.byteLength(query)}` }),
      ...(fault === "missing" ? {} : { [Signature.header]: signature })
    },
    body: isGet ? "" : query
  }
})

const sendOnce = (request: HttpExchange.HttpRequest): Effect.Effect<Omit<Answer, "requests">, RequestFailed> =>
  HttpExchange.exchange(request).pipe(
    Effect.mapError(noAnswer),
    Effect.flatMap((answer) =>
      answer.status < 200 || answer.status >= 300
        ? Effect.fail(badStatus(answer.status))
        : Effect.succeed({ status: answer.status, contentType: contentTypeOf(answer), body: answer.body })
    )
  )

/**
 * Makes a client that signs webhooks with an account's token.
 *
 * @param locate returns the URL to which a request is really sent; the signature is for the original URL
 */
export const make = (authToken: Redacted.Redacted, locate: (url: string) => string = (url) => url) => {
  const send = Effect.fn("WebhookClient.send")(function*(request: Request): Effect.fn.Return<Answer, WebhookError> {
    const { overrides, url } = ConnectionOverrides.parse(request.url)
    const wire = { ...(yield* wireRequest(authToken, locate, request, url)), ...overrides }
    let requests = 0
    const withRetries = Effect.gen(function*() {
      while (true) {
        requests++
        const result = yield* Effect.result(sendOnce(wire))
        if (Result.isSuccess(result)) return { ...result.success, requests }
        if (requests > overrides.retries || !isRetried(overrides.retried, result.failure)) return yield* result.failure
      }
    })
    return yield* withRetries.pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(overrides.totalMillis),
        orElse: () => Effect.fail(noAnswer(new HttpExchange.ExchangeError({ reason: "readTimeout" })))
      }),
      Effect.mapError(({ code, message, status }) =>
        new WebhookError({ code, message, requests, ...(status === undefined ? {} : { status }) })
      )
    )
  })
  return { send }
}

export type WebhookClient = ReturnType<typeof make>
