/**
 * A request that Twilio signed. Only such a request reaches a webhook or the media WebSocket.
 */
import { Effect, type Scope } from "effect"
import { type HttpServerRequest, UrlParams } from "effect/http"
import { createHash } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { Credentials } from "../../config/Credentials.ts"
import * as Signature from "../../twilio/webhook/Signature.ts"
import type { InvalidSignature, PayloadTooLarge } from "../api/Problems.ts"
import { PublicUrl } from "../connections/PublicUrl.ts"
import * as RequestTarget from "../connections/RequestTarget.ts"
import * as Refusals from "./Refusals.ts"
import * as SignedUrls from "./SignedUrls.ts"
import * as WebhookBody from "./WebhookBody.ts"

type Request = HttpServerRequest.HttpServerRequest

/** A webhook whose signature is right. */
export interface SignedWebhook {
  /** The base URL that Twilio called, `https://host[:port][/path]` without a slash at its end. URLs in the answer begin with it. */
  readonly base: string
  readonly query: Readonly<Record<string, string>>
  /** For a POST the fields of the body, for a GET the query. */
  readonly parameters: Readonly<Record<string, string>>
}

/** `path` is the route's own path: it labels a metric. */
interface SignedRequest {
  /** Reads a webhook, GET or POST, and checks its signature. */
  readonly readWebhook: (path: string, request: Request) => Effect.Effect<SignedWebhook, InvalidSignature | PayloadTooLarge>
  /** Checks the signature of a WebSocket upgrade: Twilio signs the `ws(s)` URL, without parameters. */
  readonly checkUpgrade: (path: string, request: Request) => Effect.Effect<void, InvalidSignature>
}

/** How many bytes are hashed in one turn of the event loop. SHA-1 takes 0.1 to 0.25 ms for them. */
const maxHashedBytesPerTurn = 131_072

const targetOf = (request: Request) => RequestTarget.of(request.source as IncomingMessage)

/** Checks requests against the account's auth tokens. */
export const make: Effect.Effect<SignedRequest, never, Credentials | PublicUrl | Scope.Scope> = Effect.gen(function*() {
  const { account } = yield* Credentials
  const publicUrl = yield* PublicUrl
  const refusals = yield* Refusals.make

  /**
   * The base URL that Twilio called, as the signature proves. `undefined` if the signature matches no URL. All URLs are tried, even for an
   * address with many refusals, since Twilio may have that address. A large form with many URLs takes several turns of the event loop.
   */
  const provenBase = Effect.fnUntraced(function*(
    request: Request,
    signature: string,
    parameters: Signature.Parameters,
    toUrl: (base: string) => string
  ) {
    const check = Signature.prepareCheck({ authTokens: account.authTokens, signature, parameters })
    if (check === undefined) return undefined
    let hashedBytes = 0
    for (const { base, url } of SignedUrls.inOrder(publicUrl.candidates(request), toUrl)) {
      if (hashedBytes > maxHashedBytesPerTurn) {
        yield* refusals.awaitTurn(request)
        hashedBytes = 0
      }
      if (check.matches(url)) return base
      hashedBytes += check.bytes + url.length * account.authTokens.length
    }
    return undefined
  })

  /** The parameters of a POST, and the ones of them that the signature covers. */
  const readBody = Effect.fnUntraced(function*(path: string, request: Request, target: string) {
    const refuseTooLong = () => refusals.refuseTooLarge(path, request, "The body of a webhook may have at most 64 KiB.")
    const bytes = new Uint8Array(yield* Effect.catch(request.arrayBuffer, refuseTooLong))
    yield* refusals.awaitTurn(request)
    const bodyHash = WebhookBody.bodyHashIn(target)
    if (bodyHash !== undefined && !WebhookBody.isForm(request.headers["content-type"])) {
      if (createHash("sha256").update(bytes).digest("hex") !== bodyHash) return yield* refusals.refuseUnsigned(path, request, "wrong")
      return { signed: {}, parameters: WebhookBody.fieldsOfJson(yield* Effect.catch(request.text, refuseTooLong)) }
    }
    if (WebhookBody.hasTooManyParameters(bytes)) return yield* refusals.refuseTooLarge(path, request, WebhookBody.tooManyParameters)
    const signed: Signature.Parameters = yield* Effect.catch(Effect.map(request.urlParamsBody, UrlParams.toRecord), refuseTooLong)
    return { signed, parameters: WebhookBody.lastOfEach(signed) }
  })

  return {
    readWebhook: Effect.fnUntraced(function*(path, request) {
      const signature = request.headers[Signature.header]
      // The body of an unsigned request is not read.
      if (signature === undefined) return yield* refusals.refuseUnsigned(path, request, "missing")
      if (!Signature.isWellFormed(signature)) return yield* refusals.refuseUnsigned(path, request, "malformed")
      const target = targetOf(request)
      if (WebhookBody.hasTooManyParameters(Buffer.from(target))) {
        return yield* refusals.refuseTooLarge(path, request, WebhookBody.tooManyParameters)
      }
      const body = request.method === "POST" ? yield* readBody(path, request, target) : { signed: {}, parameters: undefined }
      const base = yield* provenBase(request, signature, body.signed, (base) => base + target)
      if (base === undefined) return yield* refusals.refuseUnsigned(path, request, "wrong")
      refusals.forget(request)
      const query = Object.fromEntries(new URL(base + target).searchParams)
      return { base, query, parameters: body.parameters ?? query }
    }),
    checkUpgrade: Effect.fnUntraced(function*(path, request) {
      const signature = request.headers[Signature.header]
      if (signature === undefined) return yield* refusals.refuseUnsigned(path, request, "missing")
      const base = yield* provenBase(request, signature, {}, (base) => toWebSocketUrl(base) + targetOf(request))
      if (base === undefined) return yield* refusals.refuseUnsigned(path, request, Signature.isWellFormed(signature) ? "wrong" : "malformed")
      refusals.forget(request)
    })
  }
})

/** `https` becomes `wss`, `http` becomes `ws`. */
export const toWebSocketUrl = (base: string): string => base.replace(/^http/, "ws")
