/**
 * Node's HTTP server, set up for this service:
 *
 * - It keeps idle connections open for long. Load balancers keep them for 60 s or more, and Node's default is 5 s. A balancer would then
 *   send requests into connections that are being closed, and each such request is a lost webhook.
 * - The number of idle connections is limited. One more closes the connection that has waited longest, among those without a request yet
 *   or among those between two requests, whichever are more. So a flood of silent connections does not close those in use. A request in
 *   progress and a WebSocket are never closed for others.
 * - A request's headers must arrive within 10 s, whatever the connection did before.
 * - No client can keep a connection open without end ({@link ConnectionLimits}).
 * - Requests do not delay the sound of calls, not even many requests in one packet ({@link RequestTurns}, {@link SlicedReads}).
 * - The port opens before agents and engines are ready; {@link Starting} answers until then.
 * - `close` closes idle connections at once and the others when their response is sent, after 5 s at the latest. Node's own `close` waits
 *   for silent connections, and for idle ones until the keep-alive time has passed.
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
  readonly closeAfter?: number
  /** Tells which requests are Twilio's while the service starts. Without it the first hundred requests wait. */
  readonly isSigned?: IsSigned | undefined
  /** CIDR networks of the proxies whose forwarding headers are believed; none by default. */
  readonly trustedProxies?: ReadonlyArray<string>
}

/** In ms: for a request's headers, for the whole request, and between two checks. */
interface Timeouts {
  readonly headers: number
  readonly request: number
  readonly checkEvery: number
}

/** The headers have 10 s at most: their time-out, and the time until the next check. */
const defaultTimeouts: Timeouts = { headers: 8000, request: 30_000, checkEvery: 2000 }

/** After this, `close` no longer waits for responses in progress. */
const closeTimeoutMillis = 5000

/** Behind a trusted proxy all connections come from the proxy, so the client is the one that its headers name. */
const clientOf = (trustedProxies: ReadonlyArray<string>): ClientOf => {
  const isTrusted = ForwardedHeaders.trust(trustedProxies)
  return ({ headers, socket }) => {
    const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]))
    return Option.getOrElse(ForwardedHeaders.resolve(texts, socket.remoteAddress, isTrusted).client, () => "")
  }
}

export const make = (
  { closeAfter = closeTimeoutMillis, isSigned, keepAlive, maxIdle, timeouts = defaultTimeouts, trustedProxies = [] }: Options
): Server => {
  const options: ServerOptions = {
    keepAliveTimeout: Duration.toMillis(keepAlive),
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    connectionsCheckingInterval: timeouts.checkEvery
  }
  const server = createServer(options)
  const connections = new ConnectionLimits(maxIdle, trustedProxies.length === 0 ? undefined : clientOf(trustedProxies))
  const reads = new WeakMap<Socket, SlicedReads.SlicedReads>()
  const starting = Starting.make({ isSigned })
  server.on("connection", (socket: Socket) => {
    connections.opened(socket)
    reads.set(socket, SlicedReads.make(socket, () => connections.pipelined(socket)))
  })

  const emit = server.emit.bind(server) as (event: string, ...values: ReadonlyArray<unknown>) => boolean

  /** Called when it is the request's turn. */
  const serve = (event: string, request: IncomingMessage, response: ServerResponse) => {
    if (response.destroyed || request.socket.destroyed) return
    if (connections.has(request.socket)) connections.read(request)
    if (!starting.take(request, response, () => void emit(event, request, response))) emit(event, request, response)
  }

  // Node emits these events while it is parsing the connection; the listeners are called later, in the request's turn.
  server.emit = (event: string, ...values: Array<any>): boolean => {
    if (event === "upgrade") {
      const [request, socket, head] = values as [IncomingMessage, Socket, Buffer]
      connections.upgrade(socket)
      const rest = reads.get(socket)?.stop() ?? Buffer.alloc(0)
      // RFC 6455: a client sends nothing before the upgrade is answered. An upgrade to another protocol may have a body.
      if (rest.length > 0 && request.headers.upgrade?.toLowerCase() === "websocket") socket.destroy()
      else RequestTurns.shared.run(socket, () => void (socket.destroyed || emit(event, request, socket, Buffer.concat([head, rest]))))
      return request !== undefined
    }
    if (event !== "request" && event !== "checkContinue" && event !== "checkExpectation") return emit(event, ...values)
    const [request, response] = values as [IncomingMessage, ServerResponse]
    const { socket } = request
    // The connections of the second address (`AdminServer`) are not counted here.
    if (connections.has(socket)) connections.requested(request, response)
    response.once("close", () => reads.get(socket)?.answered())
    RequestTurns.shared.run(socket, () => serve(event, request, response))
    return true
  }

  server.on("newListener", (event) => {
    if (event === "request") starting.end()
  })
  const looking = setInterval(connections.look, timeouts.checkEvery)
  looking.unref()
  const close = server.close.bind(server)
  server.close = (callback) => {
    starting.giveUp()
    connections.close()
    // The calls have ended by now, so no open request is worth waiting for.
    const cutting = setTimeout(connections.destroyAll, closeAfter)
    return close((error) => {
      clearInterval(looking)
      clearTimeout(cutting)
      callback?.(error)
    })
  }
  return server
}
