/**
 * Where the outside reaches this service: what Twilio signs over, and what the TwiML names.
 *
 * `PUBLIC_URL` when it is set. Otherwise what a trusted proxy forwarded with the request. Otherwise the
 * address that the server listens on, which is right for the simulator on the same machine. Never the
 * `Host` header alone: anyone can write that.
 */
import { Context, Effect, Layer, Option } from "effect"
import { HttpMiddleware, HttpServer, HttpServerRequest } from "effect/http"
import { IpNetwork, NetAddress } from "effect/net"
import { AppConfig } from "../config/AppConfig.ts"

/** `0.0.0.0` and `::` listen everywhere, and are no address to call. */
const reachable = (host: string) => host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host

export class PublicUrl extends Context.Service<PublicUrl, {
  /** `https://host[:port][/path]` without a trailing slash, for this request. */
  readonly base: (request: HttpServerRequest.HttpServerRequest) => string
  /** The same without a request: what is known from the configuration. */
  readonly standing: string
}>()("client-caller/http/PublicUrl") {
  static readonly layer = Layer.effect(
    PublicUrl,
    Effect.gen(function*() {
      const { server } = yield* AppConfig
      const { address } = yield* HttpServer.HttpServer
      const port = address._tag === "UnixPathAddress" ? server.port : address.port
      const standing = Option.match(server.publicUrl, {
        onNone: () => `http://${reachable(server.host)}:${port}`,
        onSome: (url) => url.href.replace(/\/$/, "")
      })
      const trusted = Option.isSome(server.publicUrl) ? [] : yield* parseProxies(server.trustedProxies)
      const isTrusted = (request: HttpServerRequest.HttpServerRequest) =>
        request.peerAddress.pipe(
          Option.flatMap((address) => Option.fromNullishOr(parseAddress(address))),
          Option.exists((address) => trusted.some((network) => IpNetwork.contains(network, address)))
        )
      return PublicUrl.of({
        standing,
        base: (request) =>
          trusted.length > 0 && isTrusted(request)
            ? Option.match(HttpServerRequest.toURL(request), { onNone: () => standing, onSome: (url) => url.origin })
            : standing
      })
    })
  )
}

const parseAddress = (text: string): NetAddress.IpAddress | undefined => {
  const parsed = NetAddress.ipFromString(text)
  return parsed._tag === "Success" ? NetAddress.toCanonical(parsed.success) : undefined
}

const parseProxies = (texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) => {
    const network = IpNetwork.fromString(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`)
    return network._tag === "Success"
      ? Effect.succeed([network.success])
      : Effect.as(
        Effect.logWarning("TRUSTED_PROXIES holds an entry that is no IP address or network; it is left out"),
        []
      )
  }).pipe(Effect.map((networks) => networks.flat()))

/** Applies `X-Forwarded-*` of trusted proxies to the request, when `PUBLIC_URL` is not set. */
export const forwardedHeaders = Effect.gen(function*() {
  const { server } = yield* AppConfig
  const trustedProxies = Option.isSome(server.publicUrl) ? [] : yield* parseProxies(server.trustedProxies)
  return HttpMiddleware.xForwardedHeaders({ trustedProxies })
})
