/**
 * Node's HTTP server as this service needs it, before anything answers on it.
 *
 * - It keeps connections open for long. Node's own 5 s are less than what load balancers wait (60 s and more), and a balancer
 *   then sends requests into connections that are just being closed: each of them is a webhook lost.
 * - Connections that wait for a request are bounded in number. One too many, and the one that has waited longest is closed: of those
 *   that have sent nothing yet or of those between two requests, whichever are more. So a flood of silent connections can't drive
 *   out those in use, and a new one is not closed for them. A request in progress and a WebSocket are not waiting, and are never cut.
 * - A request's headers must be there within 10 s, whatever the connection did before.
 * - Requests that come before the service stands behind its port wait for it. The port is open from early on, while agents and
 *   engines are being loaded, and Node never answers a request that nobody listens for.
 * - `close` closes what waits at once, and the rest as soon as its response is sent. Node's own `close` waits for connections
 *   that have sent nothing yet, and for those that were in use, until their clients or the keep-alive end them.
 */
import { Duration } from "effect"
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions, type ServerResponse } from "node:http"
import type { Socket } from "node:net"

export interface Options {
  /** How long a connection may wait for its next request. */
  readonly keepAlive: Duration.Duration
  /** How many connections may wait. */
  readonly maxIdle: number
  /** For tests: a request's headers, and the whole of it, and how often they are looked for, in ms. */
  readonly timeouts?: Timeouts
}

interface Timeouts {
  readonly headers: number
  readonly request: number
  readonly checkEvery: number
}

/** With the time to the next look, the headers have 10 s at most. */
const defaultTimeouts: Timeouts = { headers: 8000, request: 30_000, checkEvery: 2000 }

/**
 * Which connection waits for a request, and since when. A set keeps its order, so the first one has waited longest.
 *
 * Node does not tell when the first byte of a request comes, only when its headers are complete. The count of bytes does: a
 * connection that was read from since it began to wait is not waiting.
 */
class Connections {
  /** Those that have sent no request yet, and those between two requests. */
  private readonly fresh = new Set<Socket>()
  private readonly idle = new Set<Socket>()
  /** Those that a request is being read from; a connection is put here when it was looked at. */
  private readonly receiving = new Set<Socket>()
  private readonly requests = new Map<Socket, number>()
  private readonly upgraded = new WeakSet<Socket>()
  private readonly bytesAtRest = new WeakMap<Socket, number>()
  private isClosing = false

  private readonly maxIdle: number

  constructor(maxIdle: number) {
    this.maxIdle = maxIdle
  }

  readonly opened = (socket: Socket): void => {
    socket.once("close", () => {
      this.stir(socket)
      this.requests.delete(socket)
    })
    this.rest(socket, this.fresh)
  }

  /** A request has begun; it ends with its response. */
  readonly requested = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    this.stir(socket)
    this.requests.set(socket, (this.requests.get(socket) ?? 0) + 1)
    if (this.isClosing) response.shouldKeepAlive = false
    response.once("close", () => {
      const left = (this.requests.get(socket) ?? 1) - 1
      if (left > 0) this.requests.set(socket, left)
      else {
        this.requests.delete(socket)
        this.rest(socket, this.idle)
      }
    })
  }

  readonly upgrade = (socket: Socket): void => {
    this.stir(socket)
    this.upgraded.add(socket)
  }

  readonly close = (): void => {
    this.isClosing = true
    for (const socket of [...this.fresh, ...this.idle, ...this.receiving]) socket.destroy()
  }

  private stir(socket: Socket): void {
    this.fresh.delete(socket)
    this.idle.delete(socket)
    this.receiving.delete(socket)
  }

  private rest(socket: Socket, among: Set<Socket>): void {
    if (socket.destroyed || this.upgraded.has(socket)) return
    if (this.isClosing) return void socket.destroySoon()
    this.bytesAtRest.set(socket, socket.bytesRead)
    among.add(socket)
    while (this.fresh.size + this.idle.size > this.maxIdle) {
      const longest = this.longest(socket)
      if (longest === undefined) return
      this.stir(longest)
      if (longest.bytesRead === this.bytesAtRest.get(longest)) longest.destroy()
      else this.receiving.add(longest)
    }
  }

  /** The one that has waited longest in the larger group; never the one that has only begun to wait. */
  private longest(newcomer: Socket): Socket | undefined {
    const difference = this.fresh.size - this.idle.size
    const larger = difference > 0 || (difference === 0 && this.idle.has(newcomer)) ? [this.fresh, this.idle] : [this.idle, this.fresh]
    for (const group of larger) {
      for (const socket of group) if (socket !== newcomer) return socket
    }
    return undefined
  }
}

/** Holds requests until somebody listens for them. */
const holdEarly = (server: Server): void => {
  const early: Array<Parameters<RequestListener>> = []
  const hold: RequestListener = (...request) => void early.push(request)
  const release = () => {
    for (const request of early.splice(0)) server.emit("request", ...request)
  }
  server.on("request", hold)
  server.on("newListener", (event) => {
    if (event !== "request") return
    server.off("request", hold)
    process.nextTick(release)
  })
}

export const make = ({ keepAlive, maxIdle, timeouts = defaultTimeouts }: Options): Server => {
  const options: ServerOptions = {
    keepAliveTimeout: Duration.toMillis(keepAlive),
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    connectionsCheckingInterval: timeouts.checkEvery
  }
  const server = createServer(options)
  const connections = new Connections(maxIdle)
  // A request that was held is emitted twice.
  const counted = new WeakSet<ServerResponse>()
  const count: RequestListener = (request, response) => {
    if (counted.has(response)) return
    counted.add(response)
    connections.requested(request, response)
  }
  server.on("connection", connections.opened)
  server.on("request", count)
  // Node does something of its own with these where nobody listens for them, so this listens only beside others, and before them.
  const beside = new Map<string | symbol, () => void>([
    ["upgrade", () => server.on("upgrade", ({ socket }) => connections.upgrade(socket))],
    ["checkContinue", () => server.on("checkContinue", count)],
    ["checkExpectation", () => server.on("checkExpectation", count)]
  ])
  server.on("newListener", (event) => {
    const listen = beside.get(event)
    beside.delete(event)
    listen?.()
  })
  holdEarly(server)
  const close = server.close.bind(server)
  server.close = (callback) => {
    connections.close()
    return close(callback)
  }
  return server
}
