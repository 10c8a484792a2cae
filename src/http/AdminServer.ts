/**
 * A second address for the operators: `ADMIN_HOST` and `ADMIN_PORT`.
 *
 * When it is set, the documentation, the metrics and the readiness are served there only. The second server has its own connections and
 * hands its requests to the main server, which has the routes.
 */
import { Data, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { IncomingMessage, Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** The second address can't be listened on. */
class AdminServerFailed extends Data.TaggedError("AdminServerFailed")<{ readonly cause: unknown }> {
  override get message() {
    return `The admin server can't listen: ${String(this.cause)}. Free the port, or set ADMIN_HOST and ADMIN_PORT.`
  }
}

/** The paths that the second address alone serves, if there is one. */
export const paths: ReadonlySet<string> = new Set(["/docs", "/openapi.json", "/metrics", "/ready"])

/** The paths of both addresses. */
const shared = new Set(["/", "/health"])

/** Connections to the second address. */
const connections = new WeakSet<Socket>()

export const isAdmin = (request: HttpServerRequest.HttpServerRequest): boolean =>
  connections.has((request.source as IncomingMessage).socket)

/** Whether the path belongs to the other address, not to the one at which the request arrived. `path`: as the router reads it; `undefined`: no route has it. */
export const isElsewhere = (hasAdmin: boolean, path: string | undefined, request: HttpServerRequest.HttpServerRequest): boolean =>
  hasAdmin && (path === undefined ? isAdmin(request) : !shared.has(path) && paths.has(path) !== isAdmin(request))

/** `main` has the routes, `own` the connections of the second address. */
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

