/** A webhook server that fails as a test wants. Each request gets the next action, and all further requests the last one. */
import { Effect } from "effect"
import { createServer, type Socket } from "node:net"
import type { AddressInfo } from "node:net"

/** `hang`: no answer. `close`: the connection is closed without an answer. `garbage`: not HTTP. Otherwise an HTTP status, or a document. */
export type Action = "hang" | "close" | "garbage" | number | { readonly twiml: string }

const answer = (socket: Socket, action: Action) => {
  if (action === "hang") return
  if (action === "close") return void socket.destroy()
  if (action === "garbage") return void socket.end("this is no HTTP\r\n\r\n")
  const [status, body] = typeof action === "number" ? [action, ""] : [200, action.twiml]
  socket.end(`HTTP/1.1 ${status} As told\r\ncontent-type: text/xml\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`)
}

export const make = (...actions: ReadonlyArray<Action>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly requests: ReadonlyArray<string>; readonly close: () => void }>((resume) => {
      const requests: Array<string> = []
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        let text = ""
        socket.on("error", () => {})
        socket.on("data", (data) => {
          text += data.toString()
          const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
          const head = text.indexOf("\r\n\r\n")
          if (head < 0 || text.length < head + 4 + length) return
          requests.push(text)
          answer(socket, actions[Math.min(requests.length, actions.length) - 1]!)
        })
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({
          url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          requests,
          close: () => {
            for (const socket of sockets) socket.destroy()
            server.close()
          }
        })))
    }),
    ({ close }) => Effect.sync(close)
  )
