/**
 * The connections of the server, by what they are doing. Each state has an end, whatever the other side does:
 *
 * - it waits for a request: bounded in number, and by the server's keep-alive time;
 * - its request is being read: Node's own time-outs, and a bound for each client and for all;
 * - its answer is being sent: a reader that takes less than 16 KiB in half a minute, while more waits, is cut;
 * - it asks for a WebSocket: ten seconds until it has one, or is gone.
 *
 * The bounds close the connection that has been at it longest, and only one that has had two seconds: what Twilio sends is
 * here in far less, also where the whole process has been stopped for a while. So behind a tunnel, where all have one address, a
 * stranger's connections are closed and Twilio's are not.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** Requests of one client, and of all, whose bodies are being read: 64 KiB each. */
const maxReadingOfOne = 192
const maxReading = 768

/** Half requests that have not got as far as a body. */
const maxReceiving = 1000

/** Looks (of `look`) that a connection has before it may be closed for others. */
const graceLooks = 1

/** Bytes that must leave in `slowLooks` looks, while so many wait. */
const leastTaken = 16_384
const slowLooks = 15

/** ms from an upgrade to its WebSocket; of inactivity, but nothing is read in that time. */
const upgradeTimeout = 10_000

/** The address of a request's sender, which behind a trusted proxy is not the connection's. */
export type ClientOf = (request: IncomingMessage) => string

const peerOf: ClientOf = ({ socket }) => socket.remoteAddress ?? ""

/** A request whose body is being read. */
interface Reading {
  readonly socket: Socket
  readonly client: string
  readonly since: number
}

/** How much of its answers a connection has taken, at a look some time ago. */
interface Taken {
  readonly bytes: number
  readonly waiting: number
  readonly look: number
}

/**
 * Which connection waits for a request, and since when. A set keeps its order, so the first one has waited longest.
 *
 * Node does not tell when the first byte of a request comes, only when its headers are complete. The count of bytes does: a
 * connection that was read from since it began to wait is not waiting.
 */
export class ConnectionLimits {
  /** Those that have sent no request yet, and those between two requests. */
  private readonly fresh = new Set<Socket>()
  private readonly idle = new Set<Socket>()
  /** Those that a request is being read from; a connection is put here when it was looked at. */
  private readonly receiving = new Set<Socket>()
  private readonly requests = new Map<Socket, number>()
  private readonly upgraded = new WeakSet<Socket>()
  private readonly bytesAtRest = new WeakMap<Socket, number>()
  private readonly reading = new Map<IncomingMessage, Reading>()
  private readonly taken = new WeakMap<Socket, Taken>()
  private readonly sockets = new Set<Socket>()
  private isClosing = false
  private looks = 0

  private readonly maxIdle: number
  private readonly clientOf: ClientOf

  constructor(maxIdle: number, clientOf: ClientOf = peerOf) {
    this.maxIdle = maxIdle
    this.clientOf = clientOf
  }

  readonly opened = (socket: Socket): void => {
    this.sockets.add(socket)
    socket.once("close", () => {
      this.sockets.delete(socket)
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

  /** Its first part may be all of it: only what is not here when the request's turn comes is being read. */
  readonly read = (request: IncomingMessage): void => {
    const { socket } = request
    if (request.complete || this.isClosing) return
    this.reading.set(request, { socket, client: this.clientOf(request), since: this.looks })
    const done = () => void this.reading.delete(request)
    request.once("end", done)
    request.once("close", done)
    this.bound()
  }

  readonly upgrade = (socket: Socket): void => {
    this.stir(socket)
    this.upgraded.add(socket)
    // Node has let go of it, and its errors are nobody's.
    socket.on("error", () => undefined)
    // `ws` takes this back when the WebSocket is there.
    socket.setTimeout(upgradeTimeout, () => socket.destroy())
  }

  /** To be called again and again, every two seconds or so. */
  readonly look = (): void => {
    this.looks++
    this.bound()
    for (const socket of this.sockets) this.judge(socket)
  }

  /** Closes all, whatever they do. */
  readonly destroyAll = (): void => {
    for (const socket of this.sockets) socket.destroy()
  }

  /** Whether it is one of this server's. */
  readonly has = (socket: Socket): boolean => this.sockets.has(socket)

  /** How many requests each connection waits to have answered. */
  readonly pipelined = (socket: Socket): number => this.requests.get(socket) ?? 0

  private bound(): void {
    // Nobody has taken its body yet, but all of it is here: it waits for the service's start.
    for (const request of this.reading.keys()) if (request.complete) this.reading.delete(request)
    this.cutLongest(maxReading, () => true)
    if (this.reading.size <= maxReadingOfOne) return
    const counts = new Map<string, number>()
    for (const { client } of this.reading.values()) counts.set(client, (counts.get(client) ?? 0) + 1)
    for (const [client, count] of counts) {
      if (count > maxReadingOfOne) this.cutLongest(maxReadingOfOne, (reading) => reading.client === client)
    }
  }

  private cutLongest(most: number, isCounted: (reading: Reading) => boolean): void {
    const counted = [...this.reading].filter(([, reading]) => isCounted(reading))
    for (const [request, { since, socket }] of counted.slice(0, Math.max(0, counted.length - most))) {
      if (this.looks - since <= graceLooks) return
      this.reading.delete(request)
      socket.destroy()
    }
  }

  /** Cuts a reader that does not read. Of a WebSocket its own stream judges. */
  private judge(socket: Socket): void {
    const waiting = socket.writableLength
    if (waiting === 0 || this.upgraded.has(socket)) return void this.taken.delete(socket)
    const bytes = socket.bytesWritten - waiting
    const before = this.taken.get(socket)
    if (before === undefined || bytes - before.bytes >= Math.min(before.waiting, leastTaken)) {
      this.taken.set(socket, { bytes, waiting, look: this.looks })
    } else if (this.looks - before.look >= slowLooks) socket.destroy()
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
      else this.receive(longest)
    }
  }

  private receive(socket: Socket): void {
    this.receiving.add(socket)
    if (this.receiving.size <= maxReceiving) return
    for (const longest of this.receiving) {
      this.stir(longest)
      longest.destroy()
      return
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

