/**
 * A request that Twilio signed: nothing else reaches a webhook or the media WebSocket.
 */
import { Effect, Metric } from "effect"
import { type HttpServerRequest, UrlParams } from "effect/http"
import type { IncomingMessage } from "node:http"
import { Identity } from "../config/Identity.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as Signature from "../twilio/Signature.ts"
import { InvalidSignature, PayloadTooLarge } from "./Problems.ts"
import { PublicUrl } from "./PublicUrl.ts"

/** The request's target as it came: what the router does to the path is nothing that Twilio signed. */
const targetOf = (request: HttpServerRequest.HttpServerRequest) => (request.source as IncomingMessage).url ?? "/"

const refuse = Effect.fnUntraced(function*(path: string, signature: string | undefined) {
  const reason = signature === undefined ? "missing" : "wrong"
  yield* Metric.update(Metrics.webhooksRefused(path, reason), 1)
  yield* Effect.logWarning("A request was refused: its Twilio signature is missing or wrong").pipe(
    Effect.annotateLogs({ path, signature: reason })
  )
  return yield* new InvalidSignature({
    detail: "Only Twilio may call this. If Twilio did: PUBLIC_URL must be exactly the address that Twilio calls "
      + "(scheme, host, port), and TWILIO_AUTH_TOKEN the account's primary auth token."
  })
})

/**
 * Checks requests against the account's auth tokens.
 *
 * `path` is the route's own: what a stranger wrote (`//TwiML/`) is never the label of a metric, or each
 * spelling would be a series of its own, for ever.
 */
export const make = Effect.gen(function*() {
  const { account } = yield* Identity
  const publicUrl = yield* PublicUrl

  /** The base URL is the same for what is signed and for what is answered. */
  const baseOf = publicUrl.base

  /** The parameters of a webhook, GET or POST, if Twilio signed it. */
  const webhook = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest) {
    const signature = request.headers[Signature.header]
    // An unsigned body is not worth reading.
    if (signature === undefined) return yield* refuse(path, signature)
    const base = baseOf(request)
    const body: Signature.Parameters = request.method === "POST"
      ? yield* request.urlParamsBody.pipe(
        Effect.map(UrlParams.toRecord),
        Effect.mapError(() => new PayloadTooLarge({ detail: "The body of a webhook may have 64 KiB." }))
      )
      : {}
    const url = base + targetOf(request)
    if (!Signature.isValid({ authTokens: account.authTokens, signature, url, parameters: body })) {
      return yield* refuse(path, signature)
    }
    const query = Object.fromEntries(new URL(url).searchParams)
    return { base, query, parameters: request.method === "POST" ? body : query }
  })

  /** Passes if Twilio signed this WebSocket upgrade: over the `ws(s)` URL, without parameters. */
  const upgrade = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest) {
    const signature = request.headers[Signature.header]
    const url = toWebSocketUrl(baseOf(request)) + targetOf(request)
    if (!Signature.isValid({ authTokens: account.authTokens, signature, url, parameters: {} })) {
      return yield* refuse(path, signature)
    }
  })

  return { webhook, upgrade }
})

/** `https` becomes `wss`, `http` becomes `ws`. */
export const toWebSocketUrl = (base: string): string => base.replace(/^http/, "ws")
