/**
 * TCP connections, for attacks that cannot be made with an HTTP client.
 */
import { connect, type Socket } from "node:net"
import type { Target } from "./Attack.ts"

/** An open connection, or `undefined` if it was refused. Errors are ignored. A stubborn one stays open after the service ends its side. */
export const open = (target: Target, isStubborn = false): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ port: target.port, host: target.host, allowHalfOpen: isStubborn })
    socket.on("error", () => {})
    socket.once("connect", () => resolve(socket))
    socket.once("close", () => resolve(undefined))
  })

/** Opens `count` connections, sends this text on each, and keeps them open. */
export const openMany = async (target: Target, count: number, text: string): Promise<ReadonlyArray<Socket>> => {
  const sockets: Array<Socket> = []
  for (let begun = 0; begun < count; begun += 50) {
    const batch = await Promise.all(Array.from({ length: Math.min(50, count - begun) }, () => open(target, true)))
    for (const socket of batch) {
      if (socket === undefined) continue
      if (text !== "") socket.write(text)
      sockets.push(socket)
    }
  }
  return sockets
}

/** The number of connections that the service has not ended. The table's "open files" also counts those that it ended but still holds. */
export const countOpen = (sockets: ReadonlyArray<Socket>): number =>
  sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length

export const destroyAll = (sockets: ReadonlyArray<Socket>): void => {
  for (const socket of sockets) socket.destroy()
}

/** The text of a POST request. */
export const post = (path: string, body: string, ...headers: ReadonlyArray<string>): string =>
  [
    `POST ${path} HTTP/1.1`,
    "Host: x",
    "Content-Type: application/x-www-form-urlencoded",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    "",
    body
  ].join("\r\n")
