/**
 * Where the outside reaches this service: what Twilio signs over, and what the TwiML names.
 *
 * `PUBLIC_URL` when it is set. Otherwise what a trusted proxy forwarded with the request ({@link ForwardedHeaders}). Otherwise the
 * address that the server listens on, which is right for the simulator on the same machine. Never the
 * `Host` header alone: anyone can write that.
 *
 * Who sent a request is told through `TRUSTED_PROXIES` in any case.
 */
import { Array, Context, Effect, Layer, Option } from "effect"
import { HttpServer, type HttpServerRequest } from "effect/http"
import { AppConfig } from "../../config/AppConfig.ts"
import type { Settings } from "../../config/Settings.ts"
import * as ForwardedHeaders from "./ForwardedHeaders.ts"

/** `0.0.0.0` and `::` listen everywhere, and are no address to call. */
const reachable = (host: string) => host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host

/** Why a signature may not match, and what to set; nothing in it was written by the client. */
export interface Diagnosis {
  /** One of a few: what a log holds once need not be there again. */
  readonly kind: string
  readonly advice: string
  /** The forms of what was seen: no address, no name, no number. */
  readonly seen: Readonly<Record<string, string>>
}

type Server = Settings["server"]

const standingOf = (server: Server, port: number): string =>
  Option.match(server.publicUrl, {
    onNone: () => `http://${reachable(server.host)}:${port}`,
    onSome: (url) => url.href.replace(/\/$/, "")
  })

/** What a request may have called, by its headers and its peer's address; the likeliest is the first. */
export const basesOf = (server: Server, port: number) => {
  const standing = standingOf(server, port)
  const isTrusted = ForwardedHeaders.trust(server.trustedProxies)
  return (headers: ForwardedHeaders.Headers, peer: string | undefined): Array.NonEmptyReadonlyArray<string> => {
    if (Option.isSome(server.publicUrl)) return [standing]
    const { bases } = ForwardedHeaders.resolve(headers, peer, isTrusted)
    return Array.isReadonlyArrayNonEmpty(bases) ? bases : [standing]
  }
}

export class PublicUrl extends Context.Service<PublicUrl, {
  /** `https://host[:port][/path]` without a trailing slash, for this request. */
  readonly base: (request: HttpServerRequest.HttpServerRequest) => string
  /** The same, with what else it may be by the headers of trusted proxies; the likeliest is the first. */
  readonly candidates: (request: HttpServerRequest.HttpServerRequest) => Array.NonEmptyReadonlyArray<string>
  /** The same without a request: what is known from the configuration. */
  readonly standing: string
  /** The IP address of whoever sent the request, past the proxies of `TRUSTED_PROXIES`. */
  readonly clientAddress: (request: HttpServerRequest.HttpServerRequest) => Option.Option<string>
  /** Whether the request comes from this very machine, and nothing says that the service can be reached from outside. */
  readonly isInside: (request: HttpServerRequest.HttpServerRequest) => boolean
  /** For a request whose signature matches none of the candidates. */
  readonly diagnose: (request: HttpServerRequest.HttpServerRequest) => Diagnosis
}>()("client-caller/http/connections/PublicUrl") {
  static readonly layer = Layer.effect(
    PublicUrl,
    Effect.gen(function*() {
      const { server } = yield* AppConfig
      const { address } = yield* HttpServer.HttpServer
      const port = address._tag === "UnixPathAddress" ? server.port : address.port
      const standing = standingOf(server, port)
      const bases = basesOf(server, port)
      const isTrusted = ForwardedHeaders.trust(server.trustedProxies)
      const originOf = (request: HttpServerRequest.HttpServerRequest) =>
        ForwardedHeaders.resolve(request.headers, Option.getOrUndefined(request.peerAddress), isTrusted)
      const candidates = (request: HttpServerRequest.HttpServerRequest) => bases(request.headers, Option.getOrUndefined(request.peerAddress))
      return PublicUrl.of({
        standing,
        candidates,
        base: (request) => candidates(request)[0],
        clientAddress: (request) => originOf(request).client,
        isInside: (request) =>
          Option.isNone(server.publicUrl) && server.trustedProxies.length === 0 &&
          Option.exists(originOf(request).client, isLoopback) && !ForwardedHeaders.headerNames.some((name) => request.headers[name] !== undefined),
        diagnose: (request) =>
          Option.match(server.publicUrl, {
            onNone: () => diagnoseForwarded(request.headers, originOf(request)),
            onSome: (url) => diagnosePublicUrl(request.headers, url)
          })
      })
    })
  )
}

const isLoopback = ForwardedHeaders.trust(["127.0.0.0/8", "::1/128"])

/** What of a host may be logged: not the host. */
const hostForm = (host: string | undefined) => {
  if (host === undefined) return "none"
  const [, name, port] = /^(.*?)(:\d+)?$/.exec(host) ?? []
  const kind = ForwardedHeaders.readAddress(name) === undefined ? "a name" : "an IP address"
  return port === undefined ? kind : `${kind} with a port`
}

/** What of a forwarding header may be logged. */
const headerForm = (name: typeof ForwardedHeaders.headerNames[number], value: string): string => {
  const count = value.split(",").length
  switch (name) {
    case "x-forwarded-proto":
      return value.split(",", 8).map((item) => /^(?:https?|wss?)$/i.test(item.trim()) ? item.trim().toLowerCase() : "?").join(",")
    case "x-forwarded-host":
      return count === 1 ? hostForm(value) : `${count} hosts`
    default:
      return count === 1 ? "1 value" : `${count} values`
  }
}

const formsOf = (headers: ForwardedHeaders.Headers): Record<string, string> => ({
  host: hostForm(headers["host"]),
  ...Object.fromEntries(ForwardedHeaders.headerNames.flatMap((name) => {
    const value = headers[name]
    return value === undefined ? [] : [[name, headerForm(name, value)]]
  }))
})

/** In the order of what to mend first. */
const advices: ReadonlyArray<readonly [ForwardedHeaders.Doubt, string]> = [
  [
    "peer not trusted",
    "A proxy that is not in TRUSTED_PROXIES forwards requests, so its headers are not believed. Set PUBLIC_URL to the address that "
    + "Twilio calls, or name the proxy's address in TRUSTED_PROXIES."
  ],
  [
    "headers disagree",
    "Forwarded and X-Forwarded-* say different things, so neither is believed. Set PUBLIC_URL to the address that Twilio calls, or let the "
    + "proxy remove the headers that it does not write itself."
  ],
  [
    "unreadable",
    "A forwarding header can't be read. Set PUBLIC_URL to the address that Twilio calls, or mend the proxy's header."
  ],
  [
    "nothing forwarded",
    "The proxy in TRUSTED_PROXIES forwards no address. Set PUBLIC_URL to the address that Twilio calls, or let the proxy send "
    + "X-Forwarded-Proto and X-Forwarded-For, and pass the Host header on."
  ],
  [
    "private client",
    "Before the proxies in TRUSTED_PROXIES stands another private address, as a rule another proxy. Set PUBLIC_URL to the address that "
    + "Twilio calls, or add that proxy to TRUSTED_PROXIES."
  ],
  [
    "no scheme",
    "The proxy forwards no scheme. Set PUBLIC_URL to the address that Twilio calls, or let the proxy send X-Forwarded-Proto."
  ],
  [
    "schemes differ",
    "The proxies forward different schemes. Set PUBLIC_URL to the address that Twilio calls."
  ]
]

const diagnoseForwarded = (headers: ForwardedHeaders.Headers, origin: ForwardedHeaders.Origin): Diagnosis => {
  const seen = formsOf(headers)
  const found = advices.find(([doubt]) => origin.doubts.has(doubt))
  if (found !== undefined) return { kind: found[0], advice: found[1], seen }
  return origin.bases.length === 0
    ? {
      kind: "no address",
      advice: "PUBLIC_URL is not set, and nothing else tells the address that Twilio calls. Set PUBLIC_URL to it.",
      seen
    }
    : {
      kind: "forwarded",
      advice: "The address that the proxy forwards is not the one that Twilio signed, or TWILIO_AUTH_TOKEN is not the account's primary auth "
        + "token. A proxy that changes the Host header must send the client's in X-Forwarded-Host. Or set PUBLIC_URL.",
      seen
    }
}

const diagnosePublicUrl = (headers: ForwardedHeaders.Headers, url: URL): Diagnosis => {
  const scheme = url.protocol.slice(0, -1)
  const host = headers["x-forwarded-host"] ?? headers["host"]
  const isSameHost = host !== undefined && URL.parse(`${url.protocol}//${host}`)?.host === url.host
  const seen = {
    ...formsOf(headers),
    publicUrl: `${scheme}, ${hostForm(url.host)}${url.pathname === "/" ? "" : ", with a path"}`,
    requestedHost: isSameHost ? "that of PUBLIC_URL" : "another than that of PUBLIC_URL"
  }
  return isSameHost
    ? {
      kind: "PUBLIC_URL",
      advice: "The host is that of PUBLIC_URL. Look whether its scheme, port and path are exactly what Twilio calls, and whether "
        + "TWILIO_AUTH_TOKEN is the account's primary auth token.",
      seen
    }
    : {
      kind: "PUBLIC_URL of another host",
      advice: "The request was sent to another host than that of PUBLIC_URL, or a proxy changed the Host header. PUBLIC_URL must be "
        + "exactly the address that Twilio calls, and TWILIO_AUTH_TOKEN the account's primary auth token.",
      seen
    }
}
