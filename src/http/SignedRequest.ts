/**
 * A request that Twilio signed: nothing else reaches a webhook or the media WebSocket.
 */
import { Clock, Effect, Metric } from "effect"
import { type HttpServerRequest, UrlParams } from "effect/http"
import type { IncomingMessage } from "node:http"
import { Identity } from "../config/Identity.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as SampledLog from "../observability/SampledLog.ts"
import * as Signature from "../twilio/Signature.ts"
import { InvalidSignature, PayloadTooLarge } from "./Problems.ts"
import { PublicUrl } from "./PublicUrl.ts"

/** The request's target as it came: what the router does to the path is nothing that Twilio signed. */
const targetOf = (request: HttpServerRequest.HttpServerRequest) => (request.source as IncomingMessage).url ?? "/"

/** How long a diagnosis of one kind stays unsaid after it was said: strangers with forged signatures must not fill the log. */
const silenceMillis = 600_000

/**
 * Checks requests against the account's auth tokens.
 *
 * `path` is the route's own: what a stranger wrote (`//TwiML/`) is never the label of a metric, or each
 * spelling would be a series of its own, for ever.
 */
export const make = Effect.gen(function*() {
  const { account } = yield* Identity
  const publicUrl = yield* PublicUrl
  const refusals = yield* SampledLog.make

  const diagnosedAt = new Map<string, number>()

  /** Says why the signature may not match, as far as the request tells, and what to set. */
  const diagnose = Effect.fnUntraced(function*(request: HttpServerRequest.HttpServerRequest) {
    const { advice, kind, seen } = publicUrl.diagnose(request)
    const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
    if (now - (diagnosedAt.get(kind) ?? -Infinity) < silenceMillis) return
    diagnosedAt.set(kind, now)
    yield* Effect.logWarning(`If Twilio sent it: ${advice}`).pipe(Effect.annotateLogs(seen))
  })

  const refuse = Effect.fnUntraced(function*(
    path: string,
    request: HttpServerRequest.HttpServerRequest,
    reason: "missing" | "wrong"
  ) {
    yield* Metric.update(Metrics.webhooksRefused(path, reason), 1)
    yield* refusals.tell(`${path} ${reason}`, Effect.logWarning("A request was refused: its Twilio signature is missing or wrong").pipe(
      Effect.annotateLogs({ path, signature: reason })
    ))
    // Twilio signs every request: one without a signature is a stranger's.
    if (reason === "wrong") yield* diagnose(request)
    return yield* new InvalidSignature({
      detail: "Only Twilio may call this. If Twilio did: PUBLIC_URL must be exactly the address that Twilio calls "
        + "(scheme, host, port), and TWILIO_AUTH_TOKEN the account's primary auth token."
    })
  })

  /**
   * The base URL that Twilio called, as its signature proves. It is the same for what is answered. The shorter ones come first,
   * since the `twilio` package takes an address with a port for the one without it, too.
   */
  const provenBase = (
    request: HttpServerRequest.HttpServerRequest,
    signature: string,
    parameters: Signature.Parameters,
    toUrl: (base: string) => string
  ) =>
    [...publicUrl.candidates(request)].sort((one, other) => one.length - other.length).find((base) =>
      Signature.isValid({ authTokens: account.authTokens, signature, url: toUrl(base), parameters }))

  /** The parameters of a webhook, GET or POST, if Twilio signed it. */
  const webhook = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest) {
    const signature = request.headers[Signature.header]
    // An unsigned body is not worth reading.
    if (signature === undefined) return yield* refuse(path, request, "missing")
    const body: Signature.Parameters = request.method === "POST"
      ? yield* request.urlParamsBody.pipe(
        Effect.map(UrlParams.toRecord),
        Effect.mapError(() => new PayloadTooLarge({ detail: "The body of a webhook may have 64 KiB." }))
      )
      : {}
    const base = provenBase(request, signature, body, (base) => base + targetOf(request))
    if (base === undefined) return yield* refuse(path, request, "wrong")
    const query = Object.fromEntries(new URL(base + targetOf(request)).searchParams)
    return { base, query, parameters: request.method === "POST" ? body : query }
  })

  /** Passes if Twilio signed this WebSocket upgrade: over the `ws(s)` URL, without parameters. */
  const upgrade = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest) {
    const signature = request.headers[Signature.header]
    if (signature === undefined) return yield* refuse(path, request, "missing")
    const base = provenBase(request, signature, {}, (base) => toWebSocketUrl(base) + targetOf(request))
    if (base === undefined) return yield* refuse(path, request, "wrong")
  })

  return { webhook, upgrade }
})

/** `https` becomes `wss`, `http` becomes `ws`. */
export const toWebSocketUrl = (base: string): string => base.replace(/^http/, "ws")
