/**
 * The routes of Twilio's webhooks. Some webhooks request TwiML for a call. The others report the state of calls and streams. Each route takes
 * GET and POST, and each request must be signed.
 */
import { Effect, type Layer, Metric, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, type HttpServerResponse } from "effect/http"
import * as Metrics from "../../observability/Metrics.ts"
import { CallParameters, ContinueParameters, StatusParameters, StreamParameters } from "../../twilio/webhook/WebhookParameters.ts"
import * as WebhookUrls from "../../twilio/webhook/WebhookUrls.ts"
import { InvalidRequest, type InvalidSignature, type Stopping } from "../api/Problems.ts"
import * as CallWebhooks from "./CallWebhooks.ts"
import * as ReportWebhooks from "./ReportWebhooks.ts"
import * as SignedRequest from "./SignedRequest.ts"

const decoder = <A>(path: string, schema: Schema.ConstraintCodec<A, unknown>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (parameters: unknown) =>
    decode(parameters).pipe(
      Effect.tapError(() => Metric.update(Metrics.webhooksRefused(path, "malformed"), 1)),
      Effect.mapError((error) => new InvalidRequest({ detail: error.message.replaceAll(/\s+/g, " ") }))
    )
}

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const signed = yield* SignedRequest.make
  const calls = yield* CallWebhooks.make
  const reports = yield* ReportWebhooks.make

  const route = <A>(
    path: typeof WebhookUrls.paths[number],
    schema: Schema.ConstraintCodec<A, unknown>,
    handler: (parameters: A, webhook: SignedRequest.SignedWebhook) => Effect.Effect<HttpServerResponse.HttpServerResponse, InvalidSignature | Stopping>
  ) => {
    const decode = decoder(path, schema)
    const handle = Effect.fn(path)(function*(request: HttpServerRequest.HttpServerRequest) {
      const webhook = yield* signed.readWebhook(path, request)
      return yield* handler(yield* decode(webhook.parameters), webhook)
    })
    const answer = HttpServerRequest.HttpServerRequest.use(handle).pipe(
      Effect.catch((problem) => HttpServerRespondable.toResponse(problem))
    )
    return Effect.andThen(router.add("POST", path, answer), router.add("GET", path, answer))
  }

  yield* route("/twiml", CallParameters, calls.begin)
  yield* route("/twilio/continue", ContinueParameters, calls.proceed)
  yield* route("/twilio/status", StatusParameters, reports.status)
  yield* route("/twilio/stream", StreamParameters, reports.stream)
})) satisfies Layer.Layer<never, unknown, unknown>
