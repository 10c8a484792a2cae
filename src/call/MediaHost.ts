/**
 * Checks the URL of a media WebSocket that an API client chooses: whether a call's sound may go there, and whether the WebSocket is this service's own.
 */
import { Data, Result } from "effect"

/** A call's sound may not go to the media WebSocket that the client chose. */
export class WebSocketUrlRefused extends Data.TaggedError("WebSocketUrlRefused")<{
  /** Completes a sentence that begins with `websocket_url`. */
  readonly why: string
}> {
  override get message() {
    return `websocket_url ${this.why}. Use the host of PUBLIC_URL, or add the host to WEBSOCKET_HOSTS.`
  }
}

const refuse = (why: string) => Result.fail(new WebSocketUrlRefused({ why }))

const isLoopback = (host: string) => host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)

/** `media.example.com` for `Media.Example.com:443`, because 443 is the default port. */
const withoutDefaultPort = (host: string) => host.toLowerCase().replace(/:443$/, "")

/**
 * Returns the URL as it was parsed here, because another parser might find another host in the client's text.
 *
 * In `allowedHosts`, an entry `host` allows port 443 only, and an entry `host:port` allows that port only. A `ws:` URL must name this machine
 * (loopback). For a `ws:` URL, an entry `host` allows every port.
 */
export const check = (text: string, allowedHosts: ReadonlyArray<string>): Result.Result<string, WebSocketUrlRefused> => {
  const url = URL.parse(text)
  if (url === null) return refuse("is not a URL")
  const isPlain = url.protocol === "ws:"
  if (url.protocol !== "wss:" && !(isPlain && isLoopback(url.hostname))) return refuse("must begin with wss://")
  if (url.search !== "" || url.hash !== "") return refuse("must have no query string: Twilio does not support it")
  if (url.username !== "" || url.password !== "") return refuse("must have no user name")
  const hosts = new Set(allowedHosts.map(withoutDefaultPort))
  if (hosts.has(url.host) || (isPlain && hosts.has(url.hostname))) return Result.succeed(url.href)
  const isOtherPort = hosts.has(url.hostname) || [...hosts].some((host) => host.startsWith(`${url.hostname}:`))
  return refuse(isOtherPort ? "names a port that is not allowed (an entry host:port allows a port other than 443)" : "names a host that is not allowed")
}

/** Whether the WebSocket belongs to the service at this base URL. Only the service's own WebSocket gets a token of the call. */
export const isOwn = (websocketUrl: string, baseUrl: string): boolean => URL.parse(websocketUrl)?.host === new URL(baseUrl).host
