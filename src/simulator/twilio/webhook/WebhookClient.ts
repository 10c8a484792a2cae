/**
 * The requests that Twilio makes: form posts (or queries) with a signature over the exact URL.
 *
 * https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
 */
import { Effect, Random, type Redacted, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import * as Signature from "../../../twilio/webhook/Signature.ts"
import * as DebuggerCodes from "../DebuggerCodes.ts"
import type { Method } from "../twiml/TwimlReader.ts"

interface Request {
  readonly url: string
  readonly method: Method
  readonly parameters: Readonly<Record<string, string>>
  /** A fault: the signature is wrong, or there is none. */
  readonly signature?: "forged" | "missing" | undefined
}

interface Answer {
  readonly status: number
  /** In lower case, without its parameters; "" when there is none. */
  readonly contentType: string
  readonly body: string
}

/** The webhook failed. `webhookFailed`: its status is not 2xx; `webhookUnreachable`: no connection, or no answer within 15 s. */
class WebhookError extends Schema.TaggedError<WebhookError>()("WebhookError", {
  code: Schema.Literals([DebuggerCodes.webhookFailed, DebuggerCodes.webhookUnreachable]),
  message: Schema.String,
  /** The HTTP status, when there was an answer. */
  status: Schema.optionalKey(Schema.Int)
}) {}

/** `count` hexadecimal digits. */
export const hex = (count: number): Effect.Effect<string> =>
  Effect.map(
    Effect.all(Array.from({ length: Math.ceil(count / 8) }, () => Random.nextIntBetween(0, 0xFFFF_FFFF))),
    (words) => words.map((word) => word.toString(16).padStart(8, "0")).join("").slice(0, count)
  )

/** A signature of the right shape that no token has made. */
export const forgedSignature = "Zm9yZ2VkLWJ5LXNpbXVsYXRvcg=="

/**
 * Sends webhooks with one account's token.
 *
 * @param locate where a URL is really served; the signature is made over the URL itself
 */
export const make = (
  http: HttpClient.HttpClient,
  authToken: Redacted.Redacted,
  locate: (url: string) => string = (url) => url
) => {
  const send = Effect.fn("WebhookClient.send")(function*(request: Request): Effect.fn.Return<Answer, WebhookError> {
    const isGet = request.method === "GET"
    const query = new URLSearchParams(request.parameters).toString()
    const url = isGet ? `${request.url}${request.url.includes("?") ? "&" : "?"}${query}` : request.url
    const signature = request.signature === "forged"
      ? forgedSignature
      : Signature.sign(authToken, url, isGet ? {} : request.parameters)
    const headers = {
      "user-agent": "TwilioProxy/1.1",
      accept: "*/*",
      "i-twilio-idempotency-token": yield* hex(32),
      ...(request.signature === "missing" ? {} : { [Signature.header]: signature })
    }
    const message = isGet
      ? HttpClientRequest.get(locate(url), { headers })
      : HttpClientRequest.bodyUrlParams(HttpClientRequest.post(locate(url), { headers }), request.parameters)
    const { answer, contentType } = yield* http.execute(message).pipe(
      Effect.flatMap((response) =>
        Effect.map(response.text, (body) => ({
          answer: { status: response.status, body },
          contentType: (response.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase()
        }))
      ),
      // Twilio does not take part in the service's traces.
      Effect.provideService(HttpClient.TracerPropagationEnabled, false),
      Effect.timeout("15 seconds"),
      Effect.mapError((error) =>
        new WebhookError({
          code: DebuggerCodes.webhookUnreachable,
          message: error._tag === "TimeoutError"
            ? "The webhook did not answer within 15 seconds."
            : "The webhook could not be reached."
        })
      )
    )
    if (answer.status < 200 || answer.status >= 300) {
      return yield* new WebhookError({
        code: DebuggerCodes.webhookFailed,
        message: `The webhook answered with HTTP status ${answer.status}.`,
        status: answer.status
      })
    }
    return { ...answer, contentType }
  })
  return { send }
}

export type WebhookClient = ReturnType<typeof make>
