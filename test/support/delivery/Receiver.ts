/**
 * A receiver of webhooks: a real HTTP server on a free port of the loopback, that answers as a test tells it.
 */
import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { Webhook } from "standardwebhooks"

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly id: string
  readonly at: number
}

export interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
}

/** `hang`: no answer comes. `endless`: the answer's head comes, and its body never ends. */
export type Behaviour = Reply | "hang" | "endless"

export interface Receiver {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  readonly connections: () => number
}

/** `behave`: how the receiver answers the `number`-th webhook, counted from 0. */
export const make = (behave: (number: number, received: Received) => Behaviour = () => ({ status: 204 })) =>
  Effect.acquireRelease(
    Effect.callback<Receiver & { readonly close: () => void }>((resume) => {
      const received: Array<Received> = []
      let connections = 0
      const server = createServer((request, response) => {
        const pieces: Array<Buffer> = []
        request.on("data", (piece: Buffer) => pieces.push(piece))
        request.on("end", () => {
          const one = { headers: request.headers, body: Buffer.concat(pieces).toString(), id: String(request.headers["webhook-id"]), at: performance.now() }
          received.push(one)
          const behaviour = behave(received.length - 1, one)
          if (behaviour === "hang") return
          if (behaviour === "endless") {
            response.writeHead(200)
            const pour = () => {
              if (!response.destroyed) response.write(Buffer.alloc(16_384), () => setImmediate(pour))
            }
            return pour()
          }
          response.writeHead(behaviour.status, behaviour.headers)
          response.end(behaviour.body)
        })
      })
      server.on("connection", () => connections++)
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({
          url: `http://127.0.0.1:${port}/hooks?token=t`,
          received,
          connections: () => connections,
          close: () => {
            server.close()
            server.closeAllConnections()
          }
        }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** Verifies a webhook with the package of Standard Webhooks, which returns the body, or throws if the signature is wrong. */
export const verify = (secret: string, { body, headers }: Received) =>
  new Webhook(secret).verify(body, headers as Record<string, string>) as { readonly type: string; readonly timestamp: string; readonly data: Record<string, unknown> }
