/**
 * A second address for the operators: `ADMIN_HOST` and `ADMIN_PORT`.
 *
 * When it is set, only this address serves the documentation, the metrics and the readiness. The second server has its own connections. It
 * emits its requests on the main server, which has the routes.
 */
import { Data, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { IncomingMessage, Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** The server can't listen on the second address. */
class AdminServerFailed extends Data.TaggedError("AdminServerFailed")<{ readonly cause: unknown }> {
  override get message() {
    return `The admin server can't listen: ${String(this.cause)}. Free the port, or set ADMIN_HOST and ADMIN_PORT.`
  }
}

/** The paths that only the second address serves, if there is one. */
export const paths: ReadonlySet<string> = new Set(["/docs", "/openapi.json", "/metrics", "/ready"])

/** The paths of both addresses. */
const sharedPaths = new Set(["/", "/health"])

/** Connections to the second address. */
const connections = new WeakSet<Socket>()

/** Whether the request came to the second address. */
export const hasReceived = (request: HttpServerRequest.HttpServerRequest): boolean =>
  connections.has((request.source as IncomingMessage).socket)

/**
 * Whether the address at which the request arrived does not serve this path. Always `false` without a second address.
 *
 * @param path as the router reads it; `undefined` if no route has it
 */
export const isElsewhere = (hasAdmin: boolean, path: string | undefined, request: HttpServerRequest.HttpServerRequest): boolean =>
  hasAdmin && (path === undefined ? hasReceived(request) : !sharedPaths.has(path) && paths.has(path) !== hasReceived(request))

/** `mainServer` has the routes. `adminServer` listens on the second address. */
export const layer = (mainServer: Server, adminServer: Server, address: { readonly host: string; readonly port: number }) =>
  Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.callback<string, AdminServerFailed>((resume) => {
        const onError = (cause: Error) => resume(Effect.fail(new AdminServerFailed({ cause })))
        adminServer.on("connection", (socket: Socket) => connections.add(socket))
        adminServer.on("request", (request, response) => void mainServer.emit("request", request, response))
        adminServer.once("error", onError)
        adminServer.listen(address, () => {
          adminServer.off("error", onError)
          const bound = adminServer.address() as AddressInfo
          resume(Effect.succeed(`http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`))
        })
      }).pipe(Effect.tap((url) => Effect.logInfo(`The admin pages are at ${url}`))),
      () =>
        Effect.callback<void>((resume) => {
          adminServer.close(() => resume(Effect.void))
        })
    )
  )

