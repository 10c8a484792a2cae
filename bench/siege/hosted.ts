/** HTTP servers that the attacker hosts, and that the service asks. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Serves on a free port; each request has been read when it is handled. Answers the URL, without a slash behind it. */
export const serve = (handler: Handler): Promise<string> =>
  new Promise((resolve) => {
    const server = createServer((request, response) => {
      response.on("error", () => {})
      request.on("error", () => {}).on("end", () => handler(request, response)).resume()
    })
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
