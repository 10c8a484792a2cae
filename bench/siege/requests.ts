/**
 * Sends tens of thousands of requests on connections that stay open, one at a time on each. This client does less than a full HTTP client, so
 * that the attacker is fast.
 */
import type { Socket } from "node:net"
import { pause, type Siege } from "./Attack.ts"
import { open } from "./sockets.ts"

/** The first HTTP response in a text, and where it ends. `undefined` if the response is not complete. */
const answerIn = (text: string): { readonly status: number; readonly end: number } | undefined => {
  const head = text.indexOf("\r\n\r\n")
  if (head < 0) return undefined
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, head))
  const end = head + 4 + Number(length?.[1] ?? 0)
  return text.length < end ? undefined : { status: Number(text.slice(9, 12)), end }
}

/** Sends requests on one connection until the connection or the siege ends. */
const askOn = (siege: Siege, socket: Socket, nextRequest: () => string, onAnswer: (status: number) => void): Promise<void> =>
  new Promise((resolve) => {
    let read = ""
    const over = setTimeout(() => socket.destroy(), siege.millisLeft())
    socket.once("close", () => {
      clearTimeout(over)
      resolve()
    })
    socket.on("data", (chunk: Buffer) => {
      read += chunk.toString("latin1")
      const answer = answerIn(read)
      if (answer === undefined) return
      onAnswer(answer.status)
      read = read.slice(answer.end)
      if (siege.isOver()) socket.destroy()
      else socket.write(nextRequest())
    })
    socket.write(nextRequest())
  })

/** Sends requests on `connections` connections at once, as fast as they are answered. Returns the number of answers by status. */
export const askAgainAndAgain = async (siege: Siege, connections: number, nextRequest: () => string): Promise<ReadonlyMap<number, number>> => {
  const answers = new Map<number, number>()
  const onAnswer = (status: number) => void answers.set(status, (answers.get(status) ?? 0) + 1)
  await Promise.all(Array.from({ length: connections }, async () => {
    while (!siege.isOver()) {
      const socket = await open(siege)
      if (socket === undefined) await pause(10)
      else await askOn(siege, socket, nextRequest, onAnswer)
    }
  }))
  return answers
}
