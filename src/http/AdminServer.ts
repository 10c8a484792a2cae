/**
 * A second address, for the people who run the service: `ADMIN_HOST` and `ADMIN_PORT`.
 *
 * With it, the documentation, the metrics and the readiness are there and nowhere else. Its requests are handed to the service's own
 * server, which has the routes; it has connections of its own.
 */
import { Data, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { IncomingMessage, Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** Where it can't listen. */
export class AdminServerFailed extends Data.TaggedError("AdminServerFailed")<{ readonly cause: unknown }> {
  override get message() {
    return `The admin server can't listen: ${String(this.cause)}. Free the port, or set ADMIN_HOST and ADMIN_PORT.`
  }
}

/** What is on the second address only, where there is one. */
export const paths: ReadonlySet<string> = new Set(["/docs", "/openapi.json", "/metrics", "/ready"])

/** What is on both. */
const shared = new Set(["/", "/health"])

/** Connections that came by the second address. */
const connections = new WeakSet<Socket>()

export const isAdmin = (request: HttpServerRequest.HttpServerRequest): boolean =>
  connections.has((request.source as IncomingMessage).socket)

/** Whether this path, as the router reads it (`undefined`: any other), is not on the address that the request came by. */
export const isElsewhere = (hasAdmin: boolean, path: string | undefined, request: HttpServerRequest.HttpServerRequest): boolean =>
  hasAdmin && (path === undefined ? isAdmin(request) : !shared.has(path) && paths.has(path) !== isAdmin(request))

/** `main` has the routes, `own` the connections. */
export const layer = (main: Server, own: Server, address: { readonly host: string; readonly port: number }) =>
  Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.callback<string, AdminServerFailed>((resume) => {
        const onError = (cause: Error) => resume(Effect.fail(new AdminServerFailed({ cause })))
        own.on("connection", (socket: Socket) => connections.add(socket))
        own.on("request", (request, response) => void main.emit("request", request, response))
        own.once("error", onError)
        own.listen(address, () => {
          own.off("error", onError)
          const bound = own.address() as AddressInfo
          resume(Effect.succeed(`http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`))
        })
      }).pipe(Effect.tap((url) => Effect.logInfo(`The admin pages are at ${url}`))),
      () =>
        Effect.callback<void>((resume) => {
          own.close(() => resume(Effect.void))
        })
    )
  )

