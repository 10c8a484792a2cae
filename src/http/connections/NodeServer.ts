/**
 * Node's HTTP server, set up for this service:
 *
 * - It keeps idle connections open for a long time. Load balancers keep them for 60 s or more, but Node's default is 5 s. With that default,
 *   a balancer would send webhooks into connections that are being closed, and these webhooks would be lost.
 * - The number of idle connections is limited. Some have had no request yet, the others are between two requests. When there are too many,
 *   the connection that has waited longest in the larger of these two groups is closed. So a flood of connections that send nothing does
 *   not push out the connections that are between two requests. This limit never closes a WebSocket or a connection whose request has
 *   arrived.
 * - A request's headers must arrive within 10 s, on a new connection and on a used one.
 * - No client can keep a connection open for ever ({@link ConnectionLimits}).
 * - Requests do not delay the sound of calls, not even many requests in one packet ({@link RequestTurns}, {@link SlicedReads}).
 * - The port opens before agents and engines are ready; {@link Starting} answers until then.
 * - `close` closes idle connections at once and the others when their response is sent, after 5 s at the latest. Node's own `close` would
 *   also wait for connections that have had no request yet. After a response it would wait until the keep-alive time has passed.
 */
import { Duration, Option } from "effect"
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers"
import { type ClientOf, ConnectionLimits } from "./ConnectionLimits.ts"
import * as ForwardedHeaders from "./ForwardedHeaders.ts"
import type { IsSigned } from "../webhooks/EarlySignature.ts"
import * as SlicedReads from "./SlicedReads.ts"
import * as Starting from "../Starting.ts"
import * as RequestTurns from "./RequestTurns.ts"

export interface Options {
  /** How long a connection may stay idle. */
  readonly keepAlive: Duration.Duration
  /** How many connections may be idle. */
  readonly maxIdle: number
  /** Other time-outs, for tests. */
  readonly timeouts?: Timeouts
  /** How long `close` waits for responses in progress, in ms. Default 5000. */
  readonly closeTimeoutMillis?: number
  /**
   * Whether Twilio signed a request that arrived while the service starts. When 100 such requests wait, one that Twilio did not sign is
   * refused to make room for the next. Without this function, the next is refused.
   */
  readonly isSigned?: IsSigned | undefined
  /** CIDR networks of the proxies whose forwarding headers are believed; none by default. */
  readonly trustedProxies?: ReadonlyArray<string>
}

/** Times in ms: for a request's headers, for the whole request, and between two checks of these limits. */
interface Timeouts {
  readonly headers: number
  readonly request: number
  readonly checkInterval: number
}

/** A request's headers have 10 s at most: their time-out plus the time until the next check. */
const defaultTimeouts: Timeouts = { headers: 8000, request: 30_000, checkInterval: 2000 }

/** After this, `close` no longer waits for responses in progress. */
const defaultCloseTimeoutMillis = 5000

/** Behind a trusted proxy all connections come from the proxy, so the client's address is taken from the forwarding headers. */
const clientOf = (trustedProxies: ReadonlyArray<string>): ClientOf => {
  const isTrusted = ForwardedHeaders.isInNetworks(trustedProxies)
  return ({ headers, socket }) => {
    const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]))
    return Option.getOrElse(ForwardedHeaders.resolve(texts, socket.remoteAddress, isTrusted).client, () => "")
  }
}

export const make = (
  { closeTimeoutMillis = defaultCloseTimeoutMillis, isSigned, keepAlive, maxIdle, timeouts = defaultTimeouts, trustedProxies = [] }: Options
): Server => {
  const options: ServerOptions = {
    keepAliveTimeout: Duration.toMillis(keepAlive),
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    connectionsCheckingInterval: timeouts.checkInterval
  }
  const server = createServer(options)
  const connections = new ConnectionLimits(maxIdle, trustedProxies.length === 0 ? undefined : clientOf(trustedProxies))
  const reads = new WeakMap<Socket, SlicedReads.SlicedReads>()
  const starting = Starting.make({ isSigned })
  server.on("connection", (socket: Socket) => {
    connections.onOpen(socket)
    reads.set(socket, SlicedReads.make(socket, () => connections.unansweredCount(socket)))
  })

  const emit = server.emit.bind(server) as (event: string, ...values: ReadonlyArray<unknown>) => boolean

  /** Serves a request. Called in the request's turn (`RequestTurns`). */
  const serve = (event: string, request: IncomingMessage, response: ServerResponse) => {
    if (response.destroyed || request.socket.destroyed) return
    if (connections.has(request.socket)) connections.startReading(request)
    if (!starting.take(request, response, () => void emit(event, request, response))) emit(event, request, response)
  }

  // Node emits `upgrade`, `request` and the two `check…` events while it parses the connection's bytes. The listeners are called later, in
  // the request's turn.
  server.emit = (event: string, ...values: Array<any>): boolean => {
    if (event === "upgrade") {
      const [request, socket, head] = values as [IncomingMessage, Socket, Buffer]
      connections.onUpgrade(socket)
      const unparsed = reads.get(socket)?.stop() ?? Buffer.alloc(0)
      // RFC 6455: a client sends nothing before the upgrade is answered. An upgrade to another protocol may have a body.
      if (unparsed.length > 0 && request.headers.upgrade?.toLowerCase() === "websocket") socket.destroy()
      else RequestTurns.shared.run(socket, () => void (socket.destroyed || emit(event, request, socket, Buffer.concat([head, unparsed]))))
      return true
    }
    if (event !== "request" && event !== "checkContinue" && event !== "checkExpectation") return emit(event, ...values)
    const [request, response] = values as [IncomingMessage, ServerResponse]
    const { socket } = request
    // `AdminServer` emits its requests on this server. Their connections belong to the other server, which counts them.
    if (connections.has(socket)) connections.onRequest(request, response)
    response.once("close", () => reads.get(socket)?.onAnswered())
    RequestTurns.shared.run(socket, () => serve(event, request, response))
    return true
  }

  server.on("newListener", (event) => {
    if (event === "request") starting.end()
  })
  const limitsTimer = setInterval(connections.applyLimits, timeouts.checkInterval)
  limitsTimer.unref()
  const close = server.close.bind(server)
  server.close = (callback) => {
    starting.giveUp()
    connections.close()
    // When `close` is called, the calls have already ended (`Drain`). So a response that is not sent after `closeTimeoutMillis` is given up.
    const destroyTimer = setTimeout(connections.destroyAll, closeTimeoutMillis)
    return close((error) => {
      clearInterval(limitsTimer)
      clearTimeout(destroyTimer)
      callback?.(error)
    })
  }
  return server
}
