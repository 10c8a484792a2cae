/**
 * A request that Twilio signed: nothing else reaches a webhook or the media WebSocket.
 */
import { Clock, Effect, Metric, Option, Predicate } from "effect"
import { type HttpServerRequest, UrlParams } from "effect/http"
import { createHash } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { Credentials } from "../../config/Credentials.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import * as Signature from "../../twilio/webhook/Signature.ts"
import * as FailedAddresses from "../connections/FailedAddresses.ts"
import { InvalidSignature, PayloadTooLarge } from "../api/Problems.ts"
import { PublicUrl } from "../connections/PublicUrl.ts"
import * as RequestTurns from "../connections/RequestTurns.ts"

/**
 * The request's target as it came: what the router does to the path is nothing that Twilio signed. Of a proxy's absolute form
 * (RFC 9112, section 3.2.2) it is what is behind the host.
 */
const targetOf = (request: HttpServerRequest.HttpServerRequest) =>
  ((request.source as IncomingMessage).url ?? "/").replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, "").replace(/^(?!\/)/, "/")

/** Of a name that was sent twice the last value, as of a query. */
const lastOfEach = (parameters: Signature.Parameters) =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, typeof value === "string" ? value : value.at(-1) ?? ""]))

/** What Twilio signs in place of a body that is no form, such as JSON: its SHA-256 in the query. */
const signedHash = /[?&]bodySHA256=([\da-f]{64})(?=&|$)/i

/** The fields of a JSON object that are texts, as those of a form. */
const fieldsOfJson = (text: string): Signature.Parameters => {
  const body = Option.getOrUndefined(Option.liftThrowable(JSON.parse)(text)) as unknown
  return Predicate.isObject(body) ? Object.fromEntries(Object.entries(body).flatMap(([name, value]) => typeof value === "string" ? [[name, value]] : [])) : {}
}

/** Of a form, or of a query. Twilio's largest, with add-ons and SIP headers, have some dozens. */
const maxParameters = 256

const tooMany = `A webhook may have ${maxParameters} parameters.`

/** Bytes that are hashed in one go: SHA-1 takes 0.1 to 0.25 ms for so many. */
const maxHashed = 131_072

/** Whether there are more parameters than that. */
const hasTooMany = (bytes: Uint8Array): boolean => {
  let at = -1
  for (let count = 0; count < maxParameters; count++) {
    at = bytes.indexOf(0x26, at + 1)
    if (at < 0) return false
  }
  return true
}

/** How long a diagnosis of one kind stays unsaid after it was said: strangers with forged signatures must not fill the log. */
const silenceMillis = 600_000

/**
 * Checks requests against the account's auth tokens.
 *
 * `path` is the route's own: what a stranger wrote (`//TwiML/`) is never the label of a metric, or each
 * spelling would be a series of its own, for ever.
 */
export const make = Effect.gen(function*() {
  const { account } = yield* Credentials
  const publicUrl = yield* PublicUrl
  const refusals = yield* SampledLog.make

  const diagnosedAt = new Map<string, number>()
  const failures = FailedAddresses.make()

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
    kind: "missing" | "misshapen" | "wrong"
  ) {
    const reason = kind === "missing" ? kind : "wrong"
    failures.add(addressOf(request))
    yield* Metric.update(Metrics.webhooksRefused(path, reason), 1)
    yield* refusals.tell(`${path} ${reason}`, Effect.logWarning("A request was refused: its Twilio signature is missing or wrong").pipe(
      Effect.annotateLogs({ path, signature: reason })
    ))
    // Twilio signs every request: one without a signature, or with what can be none, is a stranger's.
    if (kind === "wrong") yield* diagnose(request)
    return yield* new InvalidSignature({
      detail: "Only Twilio may call this. If Twilio did: PUBLIC_URL must be exactly the address that Twilio calls "
        + "(scheme, host, port), and TWILIO_AUTH_TOKEN the account's primary auth token."
    })
  })

  /**
   * The base URL that Twilio called, as its signature proves. It is the same for what is answered. All spellings of the likeliest kind
   * come first, and among them the shorter bases, since an address with a port also counts for the one without it.
   *
   * What one turn of the event loop hashes is bounded; a large form with many spellings takes several. None is left out,
   * however often the address has failed: behind a tunnel a stranger has the same address as Twilio.
   */
  const provenBase = Effect.fnUntraced(function*(
    request: HttpServerRequest.HttpServerRequest,
    signature: string,
    parameters: Signature.Parameters,
    toUrl: (base: string) => string
  ) {
    const checked = Signature.check({ authTokens: account.authTokens, signature, parameters })
    if (checked === undefined) return undefined
    let rivals = [...publicUrl.candidates(request)].sort((one, other) => one.length - other.length)
      .map((base) => ({ base, spellings: Signature.spellings(toUrl(base)) }))
    let hashed = 0
    while (rivals.length > 0) {
      const left: typeof rivals = []
      for (const rival of rivals) {
        const { done, value } = rival.spellings.next()
        if (done === true) continue
        if (hashed > maxHashed) {
          yield* turn(request)
          hashed = 0
        }
        if (checked.matches(value)) return rival.base
        hashed += checked.bytes + value.length * account.authTokens.length
        left.push(rival)
      }
      rivals = left
    }
    return undefined
  })

  /** The address of whoever sent it, and one for all whose address is not known. */
  const addressOf = (request: HttpServerRequest.HttpServerRequest) => Option.getOrElse(publicUrl.clientAddress(request), () => "")

  const turn = (request: HttpServerRequest.HttpServerRequest) =>
    RequestTurns.shared.turn((request.source as IncomingMessage).socket, failures.areMany(addressOf(request)))

  const tooLarge = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest, detail: string) {
    failures.add(addressOf(request))
    yield* Metric.update(Metrics.webhooksRefused(path, "tooLarge"), 1)
    return yield* new PayloadTooLarge({ detail })
  })

  /** The body of a POST, if it is not too large to be one of Twilio's: its parameters, and those of them that are in the signed text. */
  const readBody = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest, target: string) {
    const tooLong = () => tooLarge(path, request, "The body of a webhook may have 64 KiB.")
    const bytes = new Uint8Array(yield* Effect.catch(request.arrayBuffer, tooLong))
    yield* turn(request)
    const hash = signedHash.exec(target)?.[1].toLowerCase()
    const isForm = /^\s*(?:application\/x-www-form-urlencoded\b|$)/i.test(request.headers["content-type"] ?? "")
    if (hash !== undefined && !isForm) {
      if (createHash("sha256").update(bytes).digest("hex") !== hash) return yield* refuse(path, request, "wrong")
      return { signed: {}, parameters: fieldsOfJson(yield* Effect.catch(request.text, tooLong)) }
    }
    if (hasTooMany(bytes)) return yield* tooLarge(path, request, tooMany)
    const parameters = yield* Effect.catch(Effect.map(request.urlParamsBody, UrlParams.toRecord), tooLong)
    return { signed: parameters, parameters: lastOfEach(parameters) }
  })

  /** The parameters of a webhook, GET or POST, if Twilio signed it. */
  const webhook = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest) {
    const signature = request.headers[Signature.header]
    // The body of what nobody signed is not worth reading.
    if (signature === undefined) return yield* refuse(path, request, "missing")
    if (!Signature.isShaped(signature)) return yield* refuse(path, request, "misshapen")
    const target = targetOf(request)
    if (hasTooMany(Buffer.from(target))) return yield* tooLarge(path, request, tooMany)
    const body: { readonly signed: Signature.Parameters; readonly parameters?: Signature.Parameters } =
      request.method === "POST" ? yield* readBody(path, request, target) : { signed: {} }
    const base = yield* provenBase(request, signature, body.signed, (base) => base + target)
    if (base === undefined) return yield* refuse(path, request, "wrong")
    failures.forget(addressOf(request))
    const query = Object.fromEntries(new URL(base + target).searchParams)
    return { base, query, parameters: body.parameters ?? query }
  })

  /** Passes if Twilio signed this WebSocket upgrade: over the `ws(s)` URL, without parameters. */
  const upgrade = Effect.fnUntraced(function*(path: string, request: HttpServerRequest.HttpServerRequest) {
    const signature = request.headers[Signature.header]
    if (signature === undefined) return yield* refuse(path, request, "missing")
    const base = yield* provenBase(request, signature, {}, (base) => toWebSocketUrl(base) + targetOf(request))
    if (base === undefined) return yield* refuse(path, request, Signature.isShaped(signature) ? "wrong" : "misshapen")
    failures.forget(addressOf(request))
  })

  return { webhook, upgrade }
})

/** `https` becomes `wss`, `http` becomes `ws`. */
export const toWebSocketUrl = (base: string): string => base.replace(/^http/, "ws")
