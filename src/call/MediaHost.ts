/**
 * Media WebSockets of the client's choice: where a call's sound may go, and whether that is this service.
 */
import { Result } from "effect"

const isLoopback = (host: string) => host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)

/** `Media.Example.com:443` is `media.example.com`: without a port, 443 is meant. */
const normal = (host: string) => host.toLowerCase().replace(/:443$/, "")

/**
 * Where a call's sound may go, or the reason why not. It is handed on as it was read here: another
 * reader of the client's own text might find another host in it.
 *
 * A host without a port allows 443 alone, and `host:port` that port; unencrypted, on this machine, any port.
 */
export const check = (text: string, allowed: ReadonlyArray<string>): Result.Result<string, string> => {
  const url = URL.parse(text)
  if (url === null) return Result.fail("is not a URL")
  const isPlain = url.protocol === "ws:"
  if (url.protocol !== "wss:" && !(isPlain && isLoopback(url.hostname))) return Result.fail("must begin with wss://")
  if (url.search !== "" || url.hash !== "") return Result.fail("must have no query string: Twilio does not support it")
  if (url.username !== "" || url.password !== "") return Result.fail("must have no user name")
  const hosts = new Set(allowed.map(normal))
  if (hosts.has(url.host) || (isPlain && hosts.has(url.hostname))) return Result.succeed(url.href)
  const onOtherPort = hosts.has(url.hostname) || [...hosts].some((host) => host.startsWith(`${url.hostname}:`))
  return Result.fail(onOtherPort ? "names a port that is not allowed (host:port allows another than 443)" : "names a foreign host")
}

/** Whether the WebSocket is of the service at this base URL: only such a one is given a token of the call. */
export const isOwn = (websocketUrl: string, baseUrl: string): boolean => URL.parse(websocketUrl)?.host === new URL(baseUrl).host
