/**
 * Makes one attempt to send a webhook: a POST over a connection of its own. Redirects are not followed. Of the answer, only the status and
 * `Retry-After` are used.
 *
 * The request uses `node:http`, because the connection must go to an address that was checked. Also, Effect's client would put the whole URL
 * into traces.
 */
import { Data, Duration, Effect, Result } from "effect"
import * as http from "node:http"
import * as https from "node:https"
import { isIP, type LookupFunction } from "node:net"
import * as WebhookAddress from "../config/WebhookAddress.ts"
import type { Addresses, ReceiverLookup } from "./ReceiverLookup.ts"

/** How long a request may take, from the connection's beginning to the answer's head. */
const answerTimeout = Duration.seconds(15)

/** The answer's body is not used. It is read within these limits, so that the receiver can finish sending it. */
const maxBodyBytes = 64 * 1024
const bodyTimeout = Duration.seconds(2)

/** No answer came. `why` is a clause about the receiver, without its URL. `isPermanent`: another attempt would fail, too. */
class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly why: string; readonly isPermanent: boolean }> {
  override get message() {
    return this.why
  }
}

const noAnswer = (why: string, isPermanent = false) => new NoAnswer({ why, isPermanent })

/** Whether a certificate is not trusted, has expired, or is for another host: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const isCertificateCode = (code: string) => /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/.test(code)

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "it closed the connection",
  EPIPE: "it closed the connection",
  ETIMEDOUT: "it can't be reached",
  EHOSTUNREACH: "it can't be reached",
  ENETUNREACH: "it can't be reached"
}

const fromError = ({ code = "" }: NodeJS.ErrnoException): NoAnswer => {
  if (isCertificateCode(code)) return noAnswer(`its certificate is not valid (${code})`)
  return noAnswer(reasons[code] ?? `the connection failed${code === "" ? "" : ` (${code})`}`)
}

interface Answer {
  readonly status: number
  /** The header `Retry-After`, unchanged. */
  readonly retryAfter: string | undefined
}

interface WebhookRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Options {
  readonly isPrivateAllowed: boolean
  readonly lookup: ReceiverLookup
}

/** Gives `net.connect` these addresses and no others. */
const lookupOf = (addresses: Addresses): LookupFunction => (_host, options, callback) => {
  const [first] = addresses
  return options.all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family)
}

const open = (url: URL, addresses: Addresses, { body, headers }: WebhookRequest) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      (url.protocol === "https:" ? https : http).request(url, {
        method: "POST",
        // Each request has its own connection, so that the address of each is checked.
        agent: false,
        lookup: lookupOf(addresses),
        headers: {
          "content-type": "application/json",
          "content-length": String(Buffer.byteLength(body)),
          "user-agent": "client-caller",
          ...headers
        }
      })
    ),
    (request) => Effect.sync(() => request.destroy())
  )

const answerOf = (request: http.ClientRequest, body: string) =>
  Effect.callback<http.IncomingMessage, NoAnswer>((resume) => {
    // The listener stays after the answer's head. A later error changes nothing, but without a listener it would end the process.
    request.on("error", (cause) => resume(Effect.fail(fromError(cause))))
    request.on("response", (response) => {
      response.on("error", () => {})
      resume(Effect.succeed(response))
    })
    request.end(body)
  })

const readBody = (response: http.IncomingMessage) =>
  Effect.callback<void>((resume) => {
    let read = 0
    const done = () => resume(Effect.void)
    response.on("close", done)
    response.on("data", ({ length }: Buffer) => {
      read += length
      if (read > maxBodyBytes) done()
    })
  })

export const send = (request: WebhookRequest, { isPrivateAllowed, lookup }: Options): Effect.Effect<Answer, NoAnswer> =>
  Effect.gen(function*() {
    const read = WebhookAddress.read(request.url, isPrivateAllowed)
    // The configuration may have changed since the webhook was requested.
    if (Result.isFailure(read)) return yield* noAnswer(`its address ${read.failure.message}`, true)
    const url = read.success
    const host = WebhookAddress.hostOf(url)
    const addresses = isIP(host) === 0 ? yield* Effect.mapError(lookup.addressesOf(host), ({ message }) => noAnswer(message)) : []
    const client = yield* open(url, addresses, request)
    const response = yield* Effect.timeoutOrElse(answerOf(client, request.body), {
      duration: answerTimeout,
      orElse: () => Effect.fail(noAnswer(`it did not answer within ${Duration.format(answerTimeout)}`))
    })
    yield* Effect.timeoutOption(readBody(response), bodyTimeout)
    return { status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] }
  }).pipe(Effect.scoped)
