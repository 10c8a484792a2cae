/**
 * Limits the connections of the server, so that no client can keep one open for ever. Each state of a connection has its own limits:
 *
 * - Connections that wait for a request: their number is limited, and each may wait for the server's keep-alive time.
 * - Requests that are being read: Node's time-outs apply, and their number is limited for each client and for all clients.
 * - Answers that are being sent: the connection is closed if its client takes less than 16 KiB in half a minute while more bytes wait.
 * - WebSocket upgrades: each must be complete within ten seconds.
 *
 * When too many connections are in a state, the connection that has been in it longest is closed. A request is not cut in its first two
 * seconds, because the requests of Twilio arrive in far less time. So only strangers' requests are cut, even behind a tunnel, where all
 * clients have the same address.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** How many bodies (up to 64 KiB each) are read at once, for one client and for all clients. */
const maxReadingPerClient = 192
const maxReading = 768

/** How many connections may have sent a part of a request's head. */
const maxReceiving = 1000

/** A request that is being read is closed to make room only after more than this many calls of `applyLimits`. */
const graceChecks = 1

/** If at least this many bytes wait for a client, it must take as many within `slowChecks` calls of `applyLimits`. */
const minTakenBytes = 16_384
const slowChecks = 15

/**
 * The longest time from an upgrade request to its WebSocket, in ms. The socket's time-out measures inactivity, which is the same time here:
 * nothing is read from the socket before the WebSocket is open.
 */
const upgradeTimeoutMillis = 10_000

/** The client's address. Behind a trusted proxy, this is not the address of the connection. */
export type ClientOf = (request: IncomingMessage) => string

const peerOf: ClientOf = ({ socket }) => socket.remoteAddress ?? ""

/** A request whose body is being read. `since`: the number of calls of `applyLimits` before the request began. */
interface Reading {
  readonly socket: Socket
  readonly client: string
  readonly since: number
}

/** At the call of `applyLimits` with the number `check`: how many bytes of its answers the client had taken, and how many waited. */
interface Taken {
  readonly bytes: number
  readonly waiting: number
  readonly check: number
}

/**
 * The connections by their state. A set keeps the order of insertion, so its first connection has been in the state longest.
 *
 * Node has an event for the complete headers of a request, but none for its first byte. So the bytes that the socket has read are compared:
 * a connection that has received bytes since it began to wait is not waiting any more.
 */
export class ConnectionLimits {
  /** `fresh`: connections without a request yet. `idle`: connections between two requests. */
  private readonly fresh = new Set<Socket>()
  private readonly idle = new Set<Socket>()
  /** Connections that have sent a part of a request's head. They are found when too many connections wait. */
  private readonly receiving = new Set<Socket>()
  /** How many requests of each connection are not answered yet. */
  private readonly unanswered = new Map<Socket, number>()
  private readonly upgraded = new WeakSet<Socket>()
  /** How many bytes each connection had received when it began to wait. */
  private readonly bytesReadBefore = new WeakMap<Socket, number>()
  private readonly reading = new Map<IncomingMessage, Reading>()
  private readonly taken = new WeakMap<Socket, Taken>()
  private readonly sockets = new Set<Socket>()
  private isClosing = false
  private checks = 0

  private readonly maxIdle: number
  private readonly clientOf: ClientOf

  constructor(maxIdle: number, clientOf: ClientOf = peerOf) {
    this.maxIdle = maxIdle
    this.clientOf = clientOf
  }

  readonly onOpen = (socket: Socket): void => {
    this.sockets.add(socket)
    socket.once("close", () => {
      this.sockets.delete(socket)
      this.endState(socket)
      this.unanswered.delete(socket)
    })
    this.startWaiting(socket, this.fresh)
  }

  /** Call it when the head of a request has arrived. The request ends with its response. */
  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    this.endState(socket)
    this.unanswered.set(socket, (this.unanswered.get(socket) ?? 0) + 1)
    if (this.isClosing) response.shouldKeepAlive = false
    response.once("close", () => {
      const left = (this.unanswered.get(socket) ?? 1) - 1
      if (left > 0) this.unanswered.set(socket, left)
      else {
        this.unanswered.delete(socket)
        this.startWaiting(socket, this.idle)
      }
    })
  }

  /** Call it when the request's turn has come (`RequestTurns`). If its body is still incomplete, the request counts as being read. */
  readonly startReading = (request: IncomingMessage): void => {
    const { socket } = request
    if (request.complete || this.isClosing) return
    this.reading.set(request, { socket, client: this.clientOf(request), since: this.checks })
    const done = () => void this.reading.delete(request)
    request.once("end", done)
    request.once("close", done)
    this.limitReading()
  }

  readonly onUpgrade = (socket: Socket): void => {
    this.endState(socket)
    this.upgraded.add(socket)
    // Node has removed its own listener, and an `error` event without a listener would end the process.
    socket.on("error", () => undefined)
    // `ws` removes the time-out when the WebSocket is open.
    socket.setTimeout(upgradeTimeoutMillis, () => socket.destroy())
  }

  /** Applies the limits. Call it about every two seconds. */
  readonly applyLimits = (): void => {
    this.checks++
    this.limitReading()
    for (const socket of this.sockets) this.closeIfSlow(socket)
  }

  /** Closes all connections, in any state. */
  readonly destroyAll = (): void => {
    for (const socket of this.sockets) socket.destroy()
  }

  /** Whether the connection belongs to this server. */
  readonly has = (socket: Socket): boolean => this.sockets.has(socket)

  /** How many requests of the connection are not answered yet. */
  readonly unansweredCount = (socket: Socket): number => this.unanswered.get(socket) ?? 0

  private limitReading(): void {
    // When the whole body has arrived, the request is no longer being read, even if it still waits for the start of the service.
    for (const request of this.reading.keys()) if (request.complete) this.reading.delete(request)
    this.cutLongest(maxReading, () => true)
    if (this.reading.size <= maxReadingPerClient) return
    const counts = new Map<string, number>()
    for (const { client } of this.reading.values()) counts.set(client, (counts.get(client) ?? 0) + 1)
    for (const [client, count] of counts) {
      if (count > maxReadingPerClient) this.cutLongest(maxReadingPerClient, (reading) => reading.client === client)
    }
  }

  private cutLongest(limit: number, isCounted: (reading: Reading) => boolean): void {
    const counted = [...this.reading].filter(([, reading]) => isCounted(reading))
    for (const [request, { since, socket }] of counted.slice(0, Math.max(0, counted.length - limit))) {
      if (this.checks - since <= graceChecks) return
      this.reading.delete(request)
      socket.destroy()
    }
  }

  /** Closes a connection whose client does not read its answers. WebSockets have a limit of their own. */
  private closeIfSlow(socket: Socket): void {
    const waiting = socket.writableLength
    if (waiting === 0 || this.upgraded.has(socket)) return void this.taken.delete(socket)
    const bytes = socket.bytesWritten - waiting
    const before = this.taken.get(socket)
    if (before === undefined || bytes - before.bytes >= Math.min(before.waiting, minTakenBytes)) {
      this.taken.set(socket, { bytes, waiting, check: this.checks })
    } else if (this.checks - before.check >= slowChecks) socket.destroy()
  }

  /** Closes the connections that wait for a request, and from now on each other connection after its answer. */
  readonly close = (): void => {
    this.isClosing = true
    for (const socket of [...this.fresh, ...this.idle, ...this.receiving]) socket.destroy()
  }

  private endState(socket: Socket): void {
    this.fresh.delete(socket)
    this.idle.delete(socket)
    this.receiving.delete(socket)
  }

  private startWaiting(socket: Socket, among: Set<Socket>): void {
    if (socket.destroyed || this.upgraded.has(socket)) return
    if (this.isClosing) return void socket.destroySoon()
    this.bytesReadBefore.set(socket, socket.bytesRead)
    among.add(socket)
    while (this.fresh.size + this.idle.size > this.maxIdle) {
      const longest = this.longestWaiting(socket)
      if (longest === undefined) return
      this.endState(longest)
      if (longest.bytesRead === this.bytesReadBefore.get(longest)) longest.destroy()
      else this.addReceiving(longest)
    }
  }

  private addReceiving(socket: Socket): void {
    this.receiving.add(socket)
    if (this.receiving.size <= maxReceiving) return
    for (const longest of this.receiving) {
      this.endState(longest)
      longest.destroy()
      return
    }
  }

  /** The connection that has waited longest in the larger group (`fresh` or `idle`), but not the newcomer itself. */
  private longestWaiting(newcomer: Socket): Socket | undefined {
    const difference = this.fresh.size - this.idle.size
    const larger = difference > 0 || (difference === 0 && this.idle.has(newcomer)) ? [this.fresh, this.idle] : [this.idle, this.fresh]
    for (const group of larger) {
      for (const socket of group) if (socket !== newcomer) return socket
    }
    return undefined
  }
}

