/**
 * The base URL under which Twilio reaches this service. Twilio signs it, and URLs in TwiML begin with it.
 *
 * The base URL is the first of these that exists:
 *
 * 1. `PUBLIC_URL`.
 * 2. The URL that a trusted proxy forwards with the request ({@link ForwardedHeaders}).
 * 3. The address that the server listens on, which is right for a simulator on the same machine.
 *
 * The `Host` header alone never counts, since any client can write it.
 *
 * The client's address is always found through `TRUSTED_PROXIES`.
 */
import { Array, Context, Effect, Layer, Option } from "effect"
import { HttpServer, type HttpServerRequest } from "effect/http"
import { isIPv6 } from "node:net"
import { AppConfig } from "../../config/AppConfig.ts"
import type { Settings } from "../../config/Settings.ts"
import * as ForwardedHeaders from "./ForwardedHeaders.ts"

/** The loopback addresses for the addresses that mean all interfaces, since those can't be called. */
const loopbackOf: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "[::]": "[::1]" }

/** The URL of a server on this machine. An IPv6 address stands in brackets and has no zone there. */
const localBase = (host: string, port: number): string => {
  const bare = isIPv6(host) ? `[${host.replace(/%.*$/, "")}]` : host
  const written = URL.parse(`http://${bare}`)?.hostname ?? bare
  return `http://${loopbackOf[written] ?? written}:${port}`
}

/** Why a signature may not match, and which setting to change. It contains no text that the client sent. */
interface Diagnosis {
  /** One of a few fixed texts. A diagnosis of the same kind is logged again only after some time. */
  readonly kind: string
  readonly advice: string
  /** The forms of the headers that were seen ("a name with a port"), without their values. */
  readonly seen: Readonly<Record<string, string>>
}

type ServerSettings = Settings["server"]

const configuredBase = (server: ServerSettings, port: number): string =>
  Option.match(server.publicUrl, {
    onNone: () => localBase(server.host, port),
    onSome: (url) => url.href.replace(/\/$/, "")
  })

/** Returns a function from a request's headers and its peer's address to the base URLs that the request may have called, the likeliest first. */
export const basesOf = (server: ServerSettings, port: number) => {
  const configured = configuredBase(server, port)
  const isTrusted = ForwardedHeaders.isInNetworks(server.trustedProxies)
  return (headers: ForwardedHeaders.Headers, peer: string | undefined): Array.NonEmptyReadonlyArray<string> => {
    if (Option.isSome(server.publicUrl)) return [configured]
    const { bases } = ForwardedHeaders.resolve(headers, peer, isTrusted)
    return Array.isReadonlyArrayNonEmpty(bases) ? bases : [configured]
  }
}

export class PublicUrl extends Context.Service<PublicUrl, {
  /** The likeliest base URL of this request, `https://host[:port][/path]` without a trailing slash. */
  readonly base: (request: HttpServerRequest.HttpServerRequest) => string
  /** All base URLs that this request may have called by the headers of trusted proxies, the likeliest first. */
  readonly candidates: (request: HttpServerRequest.HttpServerRequest) => Array.NonEmptyReadonlyArray<string>
  /** The base URL by the configuration alone, for use without a request. */
  readonly configured: string
  /** The IP address of the client, past the proxies of `TRUSTED_PROXIES`. */
  readonly clientAddress: (request: HttpServerRequest.HttpServerRequest) => Option.Option<string>
  /** Whether the request comes from this machine, and neither settings nor headers suggest a proxy in front of the service. */
  readonly isFromThisMachine: (request: HttpServerRequest.HttpServerRequest) => boolean
  /** Why the signature of this request matches none of the candidates. */
  readonly diagnose: (request: HttpServerRequest.HttpServerRequest) => Diagnosis
}>()("client-caller/http/connections/PublicUrl") {
  static readonly layer = Layer.effect(
    PublicUrl,
    Effect.gen(function*() {
      const { server } = yield* AppConfig
      const { address } = yield* HttpServer.HttpServer
      const port = address._tag === "UnixPathAddress" ? server.port : address.port
      const configured = configuredBase(server, port)
      const bases = basesOf(server, port)
      const isTrusted = ForwardedHeaders.isInNetworks(server.trustedProxies)
      const originOf = (request: HttpServerRequest.HttpServerRequest) =>
        ForwardedHeaders.resolve(request.headers, Option.getOrUndefined(request.peerAddress), isTrusted)
      const candidates = (request: HttpServerRequest.HttpServerRequest) => bases(request.headers, Option.getOrUndefined(request.peerAddress))
      return PublicUrl.of({
        configured,
        candidates,
        base: (request) => candidates(request)[0],
        clientAddress: (request) => originOf(request).client,
        isFromThisMachine: (request) =>
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

const isLoopback = ForwardedHeaders.isInNetworks(["127.0.0.0/8", "::1/128"])

/** The form of a host, for the log, without the host itself. */
const hostForm = (host: string | undefined) => {
  if (host === undefined) return "none"
  const [, name, port] = /^(.*?)(:\d+)?$/.exec(host) ?? []
  const kind = ForwardedHeaders.readAddress(name) === undefined ? "a name" : "an IP address"
  return port === undefined ? kind : `${kind} with a port`
}

/** The form of a forwarding header, for the log, without its hosts and addresses. */
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

/** The advice for each doubt, in the order in which to solve them. */
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
    "A forwarding header can't be read. Set PUBLIC_URL to the address that Twilio calls, or correct the proxy's header."
  ],
  [
    "nothing forwarded",
    "The proxy in TRUSTED_PROXIES forwards no address. Set PUBLIC_URL to the address that Twilio calls, or let the proxy send "
    + "X-Forwarded-Proto and X-Forwarded-For, and pass the Host header on."
  ],
  [
    "private client",
    "In front of the proxies in TRUSTED_PROXIES is another private address, usually another proxy. Set PUBLIC_URL to the address that "
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
      advice: "PUBLIC_URL is not set, and the address that Twilio calls is not known otherwise. Set PUBLIC_URL to this address.",
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
    requestedHost: isSameHost ? "that of PUBLIC_URL" : "not that of PUBLIC_URL"
  }
  return isSameHost
    ? {
      kind: "PUBLIC_URL",
      advice: "The host is that of PUBLIC_URL. Check whether its scheme, port and path are exactly what Twilio calls, and whether "
        + "TWILIO_AUTH_TOKEN is the account's primary auth token.",
      seen
    }
    : {
      kind: "PUBLIC_URL of another host",
      advice: "The request was not sent to the host of PUBLIC_URL, or a proxy changed the Host header. PUBLIC_URL must be "
        + "exactly the address that Twilio calls, and TWILIO_AUTH_TOKEN the account's primary auth token.",
      seen
    }
}
