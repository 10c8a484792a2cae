/**
 * A real HTTP server on a free port of the loopback, for fakes of engines. It records every request, and whether its client closed the
 * connection before the answer's end. It can fail in every way in which a server does.
 */
import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface Exchange {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly response: ServerResponse
  /** When the request had come, and when its answer was over (NaN before that): ms of the machine's monotonic clock. */
  readonly at: number
  readonly overAt: () => number
  /** The client closed the connection before the answer was complete. */
  readonly isClosedByClient: () => boolean
  /** Nothing more will be sent: the answer is complete, or its connection closed. */
  readonly isOver: () => boolean
}

/** An answer in pieces, each sent on its own. */
export interface Reply {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly pieces: ReadonlyArray<string | Uint8Array>
  /** The pieces are sent, but the answer is not ended. */
  readonly stays?: boolean
}

export type Fault =
  /** The request is read and never answered. */
  | "silence"
  /** The head and half of the pieces are sent, then nothing, and the connection stays open. */
  | "stall"
  /** The head and half of the pieces are sent, then the connection is cut. */
  | "cut"
  /** The connection is cut before a byte of the answer. */
  | "hangUp"
  /** The head is right, the body is noise. */
  | "rubbish"
  /** The head and half of the pieces are right, and then the body never ends. */
  | "gigabytes"
  /** A wrong answer. */
  | Reply

/** ms: to the head, to the first piece after it, to each further one, and from the last one to the end. */
export interface Latency {
  readonly head?: number
  readonly first?: number
  readonly each?: number
  readonly end?: number
}

/** An error as JSON. */
export const refusal = (status: number, body: object | string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  pieces: [typeof body === "string" ? body : JSON.stringify(body)]
})

/** An answer as JSON. */
export const json = (body: object): Reply => ({ headers: { "content-type": "application/json" }, pieces: [JSON.stringify(body)] })

/** One event of a stream. */
export const event = (data: object | string): string => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`

/** ms of the monotonic clock, which is the same in every process of this machine. */
const now = () => Number(process.hrtime.bigint()) / 1e6

/**
 * Waits until a moment instead of for a time, so that the delays of several waits do not add up. A timer counts whole ms and is up to 2 ms
 * late, so the last 2 ms pass in callbacks of the event loop.
 */
const pauseUntil = (due: number) => {
  if (due <= now()) return undefined
  return new Promise<void>((resolve) => {
    const look = () => {
      const left = due - now()
      if (left <= 0) return resolve()
      if (left > 2) setTimeout(look, Math.floor(left) - 1)
      else setImmediate(look)
    }
    look()
  })
}

const read = async (request: IncomingMessage): Promise<Buffer> => {
  const pieces: Array<Buffer> = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** Writes to the socket and waits for a slow reader. `true`: it was written. */
const write = (response: ServerResponse, piece: string | Uint8Array) =>
  new Promise<boolean>((resolve) => {
    if (response.destroyed) return resolve(false)
    if (response.write(piece)) return resolve(true)
    const done = () => {
      response.off("drain", done)
      response.off("close", done)
      resolve(!response.destroyed)
    }
    response.on("drain", done)
    response.on("close", done)
  })

/** Sends a reply as the fault changes it. */
export const send = async ({ at: came, response }: Exchange, right: Reply, latency: Latency = {}, fault?: Fault): Promise<void> => {
  if (fault === "silence") return
  const reply = typeof fault === "object" ? fault : right
  let due = came + (latency.head ?? 0)
  await pauseUntil(due)
  if (fault === "hangUp") return void response.socket?.destroy()
  if (response.destroyed) return
  response.writeHead(reply.status ?? 200, reply.headers ?? {})
  response.flushHeaders()
  const breaksOff = fault === "stall" || fault === "cut" || fault === "gigabytes"
  const pieces = fault === "rubbish"
    ? [new Uint8Array([0xff, 0xfe, 0x00]), "\n\ndata: {]\n\ndata: <html>\n\n", "noise"]
    : breaksOff ? reply.pieces.slice(0, Math.ceil(reply.pieces.length / 2)) : reply.pieces
  for (const [at, piece] of pieces.entries()) {
    due += (at === 0 ? latency.first : latency.each) ?? 0
    await pauseUntil(due)
    if (!(await write(response, piece))) return
  }
  if (fault === "stall" || reply.stays === true) return
  if (fault === "cut") return void response.socket?.destroy()
  if (fault === "gigabytes") {
    const more = Buffer.alloc(64 * 1024, 0x20)
    while (await write(response, more));
    return
  }
  await pauseUntil(due + (latency.end ?? 0))
  response.end()
}

export interface FakeHttpServer {
  /** `http://127.0.0.1:…`, without a slash at the end. */
  readonly url: string
  /** Every request, complete with its body, in the order of arrival. */
  readonly received: ReadonlyArray<Exchange>
  /** Connections that were ever accepted, and those that are open now. */
  readonly connections: () => { readonly accepted: number; readonly open: number }
  /** Waits until this holds. It is checked whenever a request comes or ends. */
  readonly until: (holds: () => boolean) => Effect.Effect<void>
  /** Makes `until` check again, for a fake that keeps a record of its own. */
  readonly changed: () => void
  /** Requests that have neither been answered to the end nor given up. */
  readonly open: () => number
  readonly stop: () => void
  /** Listens again at the same address after a `stop`. */
  readonly start: Effect.Effect<void>
}

/** The handler answers each request. If it throws, the answer is a 500. */
export const make = (handler: (exchange: Exchange) => Promise<void> | void) =>
  Effect.acquireRelease(
    Effect.callback<FakeHttpServer>((resume) => {
      const received: Array<Exchange> = []
      const watchers = new Set<() => void>()
      const changed = () => {
        for (const watcher of watchers) watcher()
      }
      let accepted = 0
      let open = 0
      const server = createServer((request, response) => {
        let isClosedByClient = false
        let overAt = NaN
        const isOver = () => !Number.isNaN(overAt)
        const over = () => {
          if (!isOver()) overAt = now()
          changed()
        }
        response.on("close", () => {
          isClosedByClient = !response.writableEnded && !stopped
          over()
        })
        response.on("finish", over)
        void (async () => {
          try {
            const exchange: Exchange = {
              method: request.method ?? "",
              path: request.url ?? "",
              headers: request.headers,
              body: await read(request),
              response,
              at: now(),
              overAt: () => overAt,
              isClosedByClient: () => isClosedByClient,
              isOver
            }
            received.push(exchange)
            const handled = handler(exchange)
            changed()
            await handled
          } catch (error) {
            if (!response.headersSent) response.writeHead(500).end(String(error))
            else response.destroy()
          }
        })()
      })
      server.keepAliveTimeout = 60_000
      server.on("connection", (socket) => {
        accepted++
        open++
        socket.on("close", () => {
          open--
          changed()
        })
        // A cut connection is what the test asked for.
        socket.on("error", () => undefined)
      })
      let stopped = false
      const stop = () => {
        stopped = true
        server.closeAllConnections()
        server.close()
      }
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({
          url: `http://127.0.0.1:${port}`,
          received,
          connections: () => ({ accepted, open }),
          changed,
          until: (holds) =>
            Effect.callback<void>((resume) => {
              const look = () => {
                if (!holds()) return
                watchers.delete(look)
                resume(Effect.void)
              }
              watchers.add(look)
              look()
              return Effect.sync(() => watchers.delete(look))
            }),
          open: () => received.filter((exchange) => !exchange.isOver()).length,
          stop,
          start: Effect.callback<void>((resume) => {
            stopped = false
            server.listen(port, "127.0.0.1", () => resume(Effect.void))
          })
        }))
      })
    }),
    ({ stop }) => Effect.sync(stop)
  )

/** The faults of a server, set by the test: one for each of the next requests, and one for all others. */
export interface Faults {
  /** For the next request only; several calls queue up. */
  readonly next: (fault: Fault | undefined) => void
  /** For every request without a queued fault. */
  readonly always: (fault: Fault | undefined) => void
  readonly take: () => Fault | undefined
}

export const faults = (): Faults => {
  const queue: Array<Fault | undefined> = []
  let usual: Fault | undefined
  return {
    next: (fault) => void queue.push(fault),
    always: (fault) => {
      usual = fault
    },
    take: () => queue.length > 0 ? queue.shift() : usual
  }
}
