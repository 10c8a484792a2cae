/**
 * A load balancer in front of processes of the service, for tests. Each connection goes to the first process that accepts it, and waits
 * while none does. When one side of a connection is closed, the balancer closes the other side too. A test can cut media streams.
 */
import { Effect, type Scope } from "effect"
import { connect, createServer, type Socket } from "node:net"
import { setTimeout } from "node:timers"

/** How long a connection waits for a process, and how often it tries, ms. */
const maxWaitMillis = 15_000
const tryIntervalMillis = 100

export interface Balancer {
  readonly url: string
  /** The ports of the processes, the preferred one first. Media streams stay where they are; all other connections are closed. */
  readonly send: (ports: ReadonlyArray<number>) => void
  /** Cuts the connections of all media streams. */
  readonly cutStreams: Effect.Effect<void>
}

const join = (client: Socket, server: Socket) => {
  for (const [one, other] of [[client, server], [server, client]] as const) {
    one.on("error", () => other.destroy())
    one.on("close", () => other.destroy())
  }
  client.pipe(server).pipe(client)
}

export const make: Effect.Effect<Balancer, never, Scope.Scope> = Effect.gen(function*() {
  let ports: ReadonlyArray<number> = []
  const clients = new Set<Socket>()
  const streams = new Set<Socket>()

  const attempt = (client: Socket, index: number, triesLeft: number): void => {
    if (client.destroyed) return
    const again = () => {
      if (triesLeft <= 0) client.destroy()
      else if (index + 1 < ports.length) attempt(client, index + 1, triesLeft)
      else setTimeout(() => attempt(client, 0, triesLeft - 1), tryIntervalMillis)
    }
    if (ports.length === 0) return again()
    const server = connect(ports[index], "127.0.0.1")
    server.once("error", again)
    server.once("connect", () => {
      server.off("error", again)
      client.once("data", (bytes: Buffer) => {
        if (bytes.toString("latin1").startsWith("GET /ws")) streams.add(client)
      })
      join(client, server)
    })
  }

  const listener = createServer((client) => {
    clients.add(client)
    client.on("error", () => {})
    client.on("close", () => {
      clients.delete(client)
      streams.delete(client)
    })
    attempt(client, 0, maxWaitMillis / tryIntervalMillis)
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void listener.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        for (const client of clients) client.destroy()
        listener.close()
      })
  )
  const address = listener.address()
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    send: (to) => {
      ports = to
      for (const client of clients) if (!streams.has(client)) client.destroy()
    },
    cutStreams: Effect.sync(() => {
      for (const client of streams) client.destroy()
    })
  }
})
