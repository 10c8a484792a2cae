/**
 * Refuses requests that Twilio did not sign, or that are larger than Twilio's. Each is counted and answered with a problem document.
 *
 * An address with many refusals is not locked out, because behind a tunnel Twilio has the same address. But its requests wait longer
 * (`RequestTurns`).
 */
import { Clock, Effect, Metric, Option, type Scope } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { IncomingMessage } from "node:http"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { InvalidSignature, PayloadTooLarge } from "../api/Problems.ts"
import * as FailedAddresses from "../connections/FailedAddresses.ts"
import { PublicUrl } from "../connections/PublicUrl.ts"
import * as RequestTurns from "../connections/RequestTurns.ts"

type Request = HttpServerRequest.HttpServerRequest

/** `malformed`: the header can't be a signature, so Twilio did not send it. */
type SignatureFault = "missing" | "malformed" | "wrong"

/** The shortest time between two logs of the same diagnosis, in ms. Strangers with forged signatures must not fill the log. */
const diagnosisIntervalMillis = 600_000

/** `path` is the route's own path, never the request's. It labels a metric, and each spelling in a request would be a new series. */
interface Refusals {
  readonly refuseUnsigned: (path: string, request: Request, fault: SignatureFault) => Effect.Effect<never, InvalidSignature>
  readonly refuseTooLarge: (path: string, request: Request, detail: string) => Effect.Effect<never, PayloadTooLarge>
  /** Forgets the earlier refusals of the request's address. Call it when the request's signature is right. */
  readonly forget: (request: Request) => void
  /** Waits in the queue of requests (`RequestTurns`). Requests from an address with many refusals come last. */
  readonly awaitTurn: (request: Request) => Effect.Effect<void>
}

/** Logs why a signature may not match, as far as the request tells, and which setting to change. */
const makeDiagnose = (publicUrl: PublicUrl["Service"]) => {
  const loggedAtMillis = new Map<string, number>()
  return Effect.fnUntraced(function*(request: Request) {
    const { advice, kind, seen } = publicUrl.diagnose(request)
    const nowMillis = Number(yield* Clock.monotonicTimeNanos) / 1e6
    if (nowMillis - (loggedAtMillis.get(kind) ?? -Infinity) < diagnosisIntervalMillis) return
    loggedAtMillis.set(kind, nowMillis)
    yield* Effect.logWarning(`If Twilio sent it: ${advice}`).pipe(Effect.annotateLogs(seen))
  })
}

export const make: Effect.Effect<Refusals, never, PublicUrl | Scope.Scope> = Effect.gen(function*() {
  const publicUrl = yield* PublicUrl
  const refusalLog = yield* SampledLog.make
  const failedAddresses = FailedAddresses.make()
  const diagnose = makeDiagnose(publicUrl)

  /** The client's address. All clients without a known address share the empty one. */
  const addressOf = (request: Request) => Option.getOrElse(publicUrl.clientAddress(request), () => "")

  return {
    refuseUnsigned: Effect.fnUntraced(function*(path, request, fault) {
      const reason = fault === "missing" ? "missing" : "wrong"
      failedAddresses.add(addressOf(request))
      yield* Metric.update(Metrics.webhooksRefused(path, reason), 1)
      yield* refusalLog.write(`${path} ${reason}`, Effect.logWarning("A request was refused: its Twilio signature is missing or wrong").pipe(
        Effect.annotateLogs({ path, signature: reason })
      ))
      // Twilio signs every request. A missing or malformed signature comes from a stranger, and no setting would help.
      if (fault === "wrong") yield* diagnose(request)
      return yield* new InvalidSignature({
        detail: "Only Twilio may call this. If Twilio did: PUBLIC_URL must be exactly the address that Twilio calls "
          + "(scheme, host, port), and TWILIO_AUTH_TOKEN the account's primary auth token."
      })
    }),
    refuseTooLarge: Effect.fnUntraced(function*(path, request, detail) {
      failedAddresses.add(addressOf(request))
      yield* Metric.update(Metrics.webhooksRefused(path, "tooLarge"), 1)
      return yield* new PayloadTooLarge({ detail })
    }),
    forget: (request) => failedAddresses.forget(addressOf(request)),
    awaitTurn: (request) => RequestTurns.shared.awaitTurn((request.source as IncomingMessage).socket, failedAddresses.hasManyFailures(addressOf(request)))
  }
})
