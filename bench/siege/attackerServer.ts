/** An HTTP server of the attacker, to which the service sends requests. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Serves on a free port. `handler` is called when a request's body has been read. Returns the URL, without a slash at its end. */
export const serve = (handler: Handler): Promise<string> =>
  new Promise((resolve) => {
    const server = createServer((request, response) => {
      // The service may cut a connection.
      response.on("error", () => {})
      request.on("error", () => {}).on("end", () => handler(request, response)).resume()
    })
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
