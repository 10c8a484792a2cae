import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber } from "effect"
import { createServer, type RequestListener, type Server } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import * as NodeServer from "../../../../src/http/connections/NodeServer.ts"
import { until } from "../../../support/service/Service.ts"

const short = { headers: 300, request: 600, checkInterval: 50 }

const get = (path = "/", ...headers: ReadonlyArray<string>) => [`GET ${path} HTTP/1.1`, "Host: x", ...headers, "", ""].join("\r\n")

/** A header that has the form of a signature. */
const signed = `X-Twilio-Signature: ${"A".repeat(27)}=`

/** The connections of each server. */
const sockets = new WeakMap<Server, Array<Socket>>()

const socketsOf = (server: Server) => sockets.get(server) ?? []

const watch = (server: Server) => {
  const open: Array<Socket> = []
  sockets.set(server, open)
  server.on("connection", (socket) => open.push(socket))
  return server
}

/** A server on a free port. Its answers to `/slow` wait until they are released. */
const serve = Effect.fnUntraced(function*(options: Partial<NodeServer.Options> = {}, make: (options: NodeServer.Options) => Server = NodeServer.make) {
  const held: Array<() => void> = []
  const answer: RequestListener = (request, response) => {
    const end = () => void response.end(`<${request.url}>`)
    if (request.url === "/slow") held.push(end)
    else end()
  }
  const server = yield* Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = watch(make({ keepAlive: Duration.seconds(620), maxIdle: 1000, ...options }))
      server.on("request", answer)
      server.on("upgrade", (_: unknown, socket: Socket) => void socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    })
  )
  return { server, port: (server.address() as AddressInfo).port, release: () => held.splice(0).forEach((end) => end()), held }
})

interface Client {
  readonly write: (text: string) => Effect.Effect<void>
  readonly text: () => string
  readonly answers: (count: number) => Effect.Effect<unknown>
  readonly isOpen: () => boolean
  readonly closed: Effect.Effect<void>
  readonly socket: Socket
}

const open = (port: number) =>
  Effect.acquireRelease(
    Effect.gen(function*() {
      const gone = yield* Deferred.make<void>()
      let text = ""
      const socket = yield* Effect.callback<Socket>((resume) => {
        const socket = connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
        socket.on("data", (chunk) => text += chunk.toString("latin1"))
        socket.on("error", () => undefined)
        socket.on("close", () => Deferred.doneUnsafe(gone, Effect.void))
      })
      return {
        socket,
        write: (data) => Effect.callback<void>((resume) => void socket.write(data, () => resume(Effect.void))),
        text: () => text,
        answers: (count) => until(`${count} answers`, Effect.sync(() => text.split("HTTP/1.1 ").length - 1), (seen) => seen >= count),
        isOpen: () => !socket.destroyed,
        closed: Deferred.await(gone)
      } satisfies Client
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** A connection on which one request has been answered, and which waits for the next. */
const openIdle = Effect.fnUntraced(function*(port: number) {
  const client = yield* open(port)
  yield* client.write(get())
  yield* client.answers(1)
  return client
})

const connectionsOf = (server: Server) =>
  Effect.callback<number>((resume) => {
    server.getConnections((_, count) => resume(Effect.succeed(count)))
  })

/** Waits until the server has read this much from the client. */
const heard = (server: Server, { socket: { localPort } }: Client, bytes = 1) =>
  until(
    "what the client sent",
    Effect.sync(() => socketsOf(server).find(({ remotePort }) => remotePort === localPort)?.bytesRead ?? 0),
    (count) => count >= bytes
  )

const closed = (server: Server) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
  })

describe("a connection", () => {
  it.live("is kept for the keep-alive time, and takes another request", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve()
      assert.strictEqual(server.keepAliveTimeout, 620_000)
      const client = yield* openIdle(port)
      assert.match(client.text(), /Keep-Alive: timeout=620\r\n/)
      yield* client.write(get("/again"))
      yield* client.answers(2)
      assert.include(client.text(), "</again>")
    }).pipe(Effect.scoped))

  it.live("is closed when it has waited longer", () =>
    Effect.gen(function*() {
      const { port } = yield* serve({ keepAlive: Duration.millis(50) })
      yield* (yield* openIdle(port)).closed
    }).pipe(Effect.scoped))

  it("has 10 s for a request's headers, however long its keep-alive time is", () => {
    const server = NodeServer.make({ keepAlive: Duration.seconds(620), maxIdle: 1 })
    assert.isAtMost(server.headersTimeout, 10_000)
    assert.isAtMost(server.requestTimeout, 60_000)
  })

  it.live("that sends its headers slowly is cut, as the first request and as a later one", () =>
    Effect.gen(function*() {
      const { port } = yield* serve({ timeouts: short })
      const silent = yield* open(port)
      const first = yield* open(port)
      yield* first.write("GET / HT")
      const later = yield* openIdle(port)
      const dripping = yield* openIdle(port)
      yield* later.write("GET / HTTP/1.1\r\nHo")
      yield* dripping.write("GET / HTTP/1.1\r\n")
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(dripping.write("a: b\r\n"), Effect.sleep("50 millis"))))
      const waiting = yield* openIdle(port)
      for (const client of [silent, first, later, dripping]) yield* client.closed
      for (const client of [first, later]) assert.include(client.text(), "408 Request Timeout")
      // A connection that waits between two requests is not slow.
      assert.isTrue(waiting.isOpen())
    }).pipe(Effect.scoped))

  it.live("that sends its body slowly is cut, even after earlier requests", () =>
    Effect.gen(function*() {
      const { port } = yield* serve({ timeouts: short })
      const client = yield* openIdle(port)
      yield* client.write("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na")
      yield* client.closed
    }).pipe(Effect.scoped))
})

describe("connections that wait", () => {
  it.live("are bounded in number: the one that has waited longest is closed, never a new one", () =>
    Effect.gen(function*() {
      const { port } = yield* serve({ maxIdle: 2 })
      const [first, second] = [yield* openIdle(port), yield* openIdle(port)]
      yield* first.write(get())
      yield* first.answers(2)
      const third = yield* openIdle(port)
      yield* second.closed
      const fourth = yield* openIdle(port)
      yield* first.closed
      assert.isTrue(third.isOpen() && fourth.isOpen())
    }).pipe(Effect.scoped))

  it.live("are not closed for connections that send nothing", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve({ maxIdle: 6 })
      const used = yield* Effect.forEach([1, 2, 3], () => openIdle(port))
      const silent = yield* Effect.forEach([...Array(20).keys()], () => open(port))
      yield* until("those closed", connectionsOf(server), (count) => count === 6)
      assert.deepStrictEqual(used.map((client) => client.isOpen()), [true, true, true])
      yield* Effect.forEach(silent.slice(0, 17), (client) => client.closed)
      assert.deepStrictEqual(silent.slice(17).map((client) => client.isOpen()), [true, true, true])
    }).pipe(Effect.scoped))

  it.live("are also bounded if they have never sent a request", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve({ maxIdle: 3 })
      const clients = yield* Effect.forEach([...Array(20).keys()], () => open(port))
      yield* until("those closed", Effect.sync(() => clients.filter((client) => client.isOpen()).length), (count) => count === 3)
      assert.strictEqual(yield* connectionsOf(server), 3)
      // There is room for a connection with a request.
      yield* openIdle(port)
    }).pipe(Effect.scoped))

  it.live("do not include those with a request in progress, with half a request, or with a WebSocket", () =>
    Effect.gen(function*() {
      const { held, port, release, server } = yield* serve({ maxIdle: 1 })
      const slow = yield* open(port)
      yield* slow.write(get("/slow"))
      yield* heard(server, slow)
      const half = yield* open(port)
      yield* half.write("GET /half HTTP/1.1\r\n")
      yield* heard(server, half)
      const laterHalf = yield* openIdle(port)
      yield* laterHalf.write("GET /half HTTP/1.1\r\n")
      yield* heard(server, laterHalf, get().length + 1)
      const pipelined = yield* open(port)
      yield* pipelined.write(get("/one") + get("/slow"))
      yield* pipelined.answers(1)
      yield* until("the slow ones", Effect.sync(() => held.length), (count) => count === 2)
      const webSocket = yield* open(port)
      yield* webSocket.write(get("/ws", "Connection: Upgrade", "Upgrade: x"))
      yield* webSocket.answers(1)
      for (let index = 0; index < 20; index++) yield* openIdle(port)
      assert.deepStrictEqual([slow, half, laterHalf, pipelined, webSocket].map((client) => client.isOpen()), [true, true, true, true, true])
      release()
      yield* slow.answers(1)
      yield* pipelined.answers(2)
      for (const client of [half, laterHalf]) {
        yield* client.write("Host: x\r\n\r\n")
        yield* until("its answer", Effect.sync(client.text), (text) => text.includes("</half>"))
      }
    }).pipe(Effect.scoped))
})

describe("close", () => {
  it.live("does not wait for idle connections, or for those that have sent nothing or half a request", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve()
      const clients = [yield* open(port), yield* openIdle(port), yield* openIdle(port), yield* open(port)]
      yield* clients[2].write("GET / HT")
      yield* clients[3].write("GET / HT")
      yield* until("all", connectionsOf(server), (count) => count === 4)
      yield* closed(server)
      for (const client of clients) yield* client.closed
    }).pipe(Effect.scoped))

  it.live("lets a request in progress have its answer, and closes its connection after it", () =>
    Effect.gen(function*() {
      const { held, port, release, server } = yield* serve()
      const client = yield* openIdle(port)
      yield* client.write(get("/slow"))
      yield* until("the request", Effect.sync(() => held.length), (count) => count === 1)
      const closing = yield* Effect.forkScoped(closed(server))
      yield* until("closing", Effect.sync(() => server.listening), (isListening) => !isListening)
      release()
      yield* client.closed
      assert.include(client.text(), "</slow>")
      yield* Fiber.join(closing)
    }).pipe(Effect.scoped))

  it.live("leaves WebSockets open", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve()
      const client = yield* open(port)
      yield* client.write(get("/ws", "Connection: Upgrade", "Upgrade: x"))
      yield* client.answers(1)
      const idle = yield* openIdle(port)
      server.close()
      yield* idle.closed
      assert.isTrue(client.isOpen())
      client.socket.destroy()
    }).pipe(Effect.scoped))

  it.live("is needed: Node's own close waits for such connections", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve({}, () => createServer({ keepAliveTimeout: 620_000 }))
      const client = yield* open(port)
      yield* client.write("GET / HT")
      yield* until("it", connectionsOf(server), (count) => count === 1)
      server.close()
      assert.isTrue(client.isOpen())
      assert.strictEqual(yield* connectionsOf(server), 1)
    }).pipe(Effect.scoped))
})

describe("a request that comes before anybody listens", () => {
  it.live("waits, and is counted once", () =>
    Effect.gen(function*() {
      const server = watch(NodeServer.make({ keepAlive: Duration.seconds(620), maxIdle: 1 }))
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => {
          server.listen(0, "127.0.0.1", () => resume(Effect.void))
        }),
        () => closed(server)
      )
      const { port } = server.address() as AddressInfo
      const client = yield* open(port)
      yield* client.write(get("/twilio/early", signed))
      yield* heard(server, client)
      for (let index = 0; index < 5; index++) yield* open(port)
      server.on("request", (request, response) => void response.end(`<${request.url}>`))
      yield* client.answers(1)
      assert.include(client.text(), "</twilio/early>")
      // If the request had been counted twice, its connection would never count as waiting again, and a new one would not close it.
      yield* client.write(get("/again"))
      yield* client.answers(2)
      yield* openIdle(port)
      yield* client.closed
    }).pipe(Effect.scoped))
})

/** How many requests a server took in each turn of the event loop. */
const countTurns = (server: Server) => {
  const taken: Array<number> = [0]
  let isOver = false
  const next = () => {
    if (isOver) return
    taken.push(0)
    setImmediate(next)
  }
  setImmediate(next)
  server.prependListener("request", () => taken[taken.length - 1]++)
  return { taken, stop: () => void (isOver = true) }
}

describe("requests that come in one packet", () => {
  it.live("are all answered, in their order, over many turns of the event loop", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve()
      const { stop, taken } = countTurns(server)
      const client = yield* open(port)
      const paths = Array.from({ length: 1600 }, (_, index) => `/${index}`)
      yield* client.write(paths.map((path) => get(path)).join(""))
      yield* client.answers(1600)
      stop()
      assert.deepStrictEqual([...client.text().matchAll(/<(\/\d+)>/g)].map(([, path]) => path), paths)
      // A turn of the loop has some ms for them; Node by itself makes all 1600 in one turn.
      assert.isAtMost(Math.max(...taken), 800)
      assert.isAbove(taken.filter((count) => count > 0).length, 3)
    }).pipe(Effect.scoped))

  it.live("keep their bodies whole, however the bytes are cut", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const { port, server } = yield* serve()
      server.removeAllListeners("request")
      server.on("request", (request, response) => {
        let body = ""
        request.on("data", (chunk) => body += chunk)
        request.on("end", () => {
          bodies.push(body)
          response.end("<ok>")
        })
      })
      const client = yield* open(port)
      const sent = [60_000, 1, 0, 10_000, 4096, 4095, 70_000].map((length, index) => String(index).repeat(length))
      yield* client.write(sent.map((body) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`).join(""))
      yield* client.answers(sent.length)
      assert.deepStrictEqual(bodies, sent)
    }).pipe(Effect.scoped))

  it.live("wait while their answers are not read, and do not fill the memory", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve()
      const big = Buffer.alloc(1_000_000)
      let answered = 0
      server.removeAllListeners("request")
      server.on("request", (_, response) => {
        answered++
        response.end(big)
      })
      const client = yield* open(port)
      client.socket.pause()
      yield* client.write(get().repeat(1000))
      yield* until("some", Effect.sync(() => answered), (count) => count > 0)
      yield* Effect.sleep("300 millis")
      assert.isAtMost(answered, 10)
    }).pipe(Effect.scoped))
})

describe("a connection that does not end", () => {
  const quick = { ...short, checkInterval: 20 }

  it.live("is cut when its answer is not read", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve({ timeouts: { headers: 8000, request: 30_000, checkInterval: 20 } })
      server.removeAllListeners("request")
      server.on("request", (_, response) => void response.end(Buffer.alloc(20_000_000)))
      const client = yield* open(port)
      client.socket.pause()
      yield* client.write(get())
      yield* until("the server's connections", connectionsOf(server), (count) => count === 0)
    }).pipe(Effect.scoped))

  it.live("is cut when its client has too many half bodies, the oldest first", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve({ timeouts: { headers: 8000, request: 30_000, checkInterval: 50 } })
      const half = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na"
      server.removeAllListeners("request")
      const clients = yield* Effect.forEach([...Array(230).keys()], () => open(port))
      yield* Effect.forEach(clients, (client) => client.write(half), { discard: true })
      yield* until("those left", connectionsOf(server), (count) => count === 192)
      yield* clients[0].closed
      assert.isTrue(clients[229].isOpen())
    }).pipe(Effect.scoped))

  it.live("is counted by its client behind a trusted proxy, where all connections come from one address", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve({ timeouts: { headers: 8000, request: 30_000, checkInterval: 50 }, trustedProxies: ["127.0.0.0/8"] })
      const half = (client: string) => `POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${client}\r\nContent-Length: 10\r\n\r\na`
      server.removeAllListeners("request")
      const clients = yield* Effect.forEach([...Array(230).keys()], () => open(port))
      // The first 30, which are cut first, are of another client than the 200.
      yield* Effect.forEach(clients, (client, index) => client.write(half(index < 30 ? "203.0.113.1" : "203.0.113.2")), { discard: true })
      yield* until("those left", connectionsOf(server), (count) => count === 222)
      yield* clients[30].closed
      assert.isTrue(clients[0].isOpen())
    }).pipe(Effect.scoped))

  it.live("is cut when it asks for a WebSocket and sends nothing more", () =>
    Effect.gen(function*() {
      const { port, server } = yield* serve({ timeouts: quick })
      const sockets = socketsOf(server)
      const client = yield* open(port)
      yield* client.write(get("/ws", "Connection: Upgrade", "Upgrade: x"))
      yield* client.answers(1)
      assert.strictEqual(sockets[0].timeout, 10_000)
      sockets[0].emit("timeout")
      yield* client.closed
    }).pipe(Effect.scoped))

  it.live("does not keep the server from closing", () =>
    Effect.gen(function*() {
      const { held, port, server } = yield* serve({ closeTimeoutMillis: 50 })
      const client = yield* open(port)
      yield* client.write(get("/slow"))
      yield* until("the request", Effect.sync(() => held.length), (count) => count === 1)
      yield* closed(server)
      yield* client.closed
    }).pipe(Effect.scoped))
})
