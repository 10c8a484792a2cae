/**
 * Node's HTTP server as this service needs it, before anything answers on it.
 *
 * - It keeps connections open for long. Node's own 5 s are less than what load balancers wait (60 s and more), and a balancer
 *   then sends requests into connections that are just being closed: each of them is a webhook lost.
 * - Connections that wait for a request are bounded in number. One too many, and the one that has waited longest is closed: of those
 *   that have sent nothing yet or of those between two requests, whichever are more. So a flood of silent connections can't drive
 *   out those in use, and a new one is not closed for them. A request in progress and a WebSocket are not waiting, and are never cut.
 * - A request's headers must be there within 10 s, whatever the connection did before.
 * - Whatever a connection does, it has an end ({@link ConnectionLimits}).
 * - Requests take turns with the calls, also those that came in one packet ({@link RequestTurns}, {@link SlicedReads}).
 * - The port is open from early on, while agents and engines are being loaded: until then {@link Starting} answers.
 * - `close` closes what waits at once, and the rest as soon as its response is sent, or after 5 s. Node's own `close` waits for
 *   connections that have sent nothing yet, and for those that were in use, until their clients or the keep-alive end them.
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
  /** How long a connection may wait for its next request. */
  readonly keepAlive: Duration.Duration
  /** How many connections may wait. */
  readonly maxIdle: number
  /** For tests: a request's headers, and the whole of it, and how often they are looked for, in ms. */
  readonly timeouts?: Timeouts
  /** How long (ms) `close` waits for answers that are being given; 5 s. */
  readonly closeAfter?: number
  /** Tells which requests are Twilio's while the service starts. Without it the first hundred wait. */
  readonly isSigned?: IsSigned | undefined
  /** CIDR networks of the proxies whose forwarding headers are believed; none by default. */
  readonly trustedProxies?: ReadonlyArray<string>
}

interface Timeouts {
  readonly headers: number
  readonly request: number
  readonly checkEvery: number
}

/** With the time to the next look, the headers have 10 s at most. */
const defaultTimeouts: Timeouts = { headers: 8000, request: 30_000, checkEvery: 2000 }

/** How long (ms) `close` waits for answers that are being given, before it closes their connections. */
const closeTimeout = 5000

/** Behind a trusted proxy all requests come from its address, so the client is the one that it names. */
const clientOf = (trustedProxies: ReadonlyArray<string>): ClientOf => {
  const isTrusted = ForwardedHeaders.trust(trustedProxies)
  return ({ headers, socket }) => {
    const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]))
    return Option.getOrElse(ForwardedHeaders.resolve(texts, socket.remoteAddress, isTrusted).client, () => "")
  }
}

export const make = (
  { closeAfter = closeTimeout, isSigned, keepAlive, maxIdle, timeouts = defaultTimeouts, trustedProxies = [] }: Options
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

  /** When it is the request's turn. */
  const serve = (event: string, request: IncomingMessage, response: ServerResponse) => {
    if (response.destroyed || request.socket.destroyed) return
    if (connections.has(request.socket)) connections.read(request)
    if (!starting.take(request, response, () => void emit(event, request, response))) emit(event, request, response)
  }

  // Node tells of a request by these events, in the middle of reading its connection.
  server.emit = (event: string, ...values: Array<any>): boolean => {
    if (event === "upgrade") {
      const [request, socket, head] = values as [IncomingMessage, Socket, Buffer]
      connections.upgrade(socket)
      const rest = reads.get(socket)?.stop() ?? Buffer.alloc(0)
      // RFC 6455 lets a client send nothing before the upgrade is answered. Who offers another protocol may send a body.
      if (rest.length > 0 && request.headers.upgrade?.toLowerCase() === "websocket") socket.destroy()
      else RequestTurns.shared.run(socket, () => void (socket.destroyed || emit(event, request, socket, Buffer.concat([head, rest]))))
      return request !== undefined
    }
    if (event !== "request" && event !== "checkContinue" && event !== "checkExpectation") return emit(event, ...values)
    const [request, response] = values as [IncomingMessage, ServerResponse]
    const { socket } = request
    // Those of the admin server are its own.
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
    // Of Twilio's calls all has been told by now; nobody else may keep the process alive.
    const cutting = setTimeout(connections.destroyAll, closeAfter)
    return close((error) => {
      clearInterval(looking)
      clearTimeout(cutting)
      callback?.(error)
    })
  }
  return server
}
