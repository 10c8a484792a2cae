import type { Attack } from "../Attack.ts"
import { open } from "../sockets.ts"

const attack = (path: string, count: number, connections: number): Attack => ({
  name: `pipelined ${path}`,
  strength: `${count} in one write, ${connections} connection${connections === 1 ? "" : "s"}`,
  run: async (siege) => {
    const text = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count)
    let bytes = 0
    let writes = 0
    await Promise.all(Array.from({ length: connections }, async () => {
      while (!siege.isOver()) {
        const socket = await open(siege)
        if (socket === undefined) continue
        socket.on("data", (chunk: Buffer) => bytes += chunk.length)
        socket.write(text)
        writes++
        const gone = new Promise((resolve) => socket.once("close", resolve))
        const over = new Promise((resolve) => setTimeout(resolve, Math.min(1000, siege.millisLeft())))
        await Promise.race([gone, over])
        socket.destroy()
      }
    }))
    return `${writes} writes, ${Math.round(bytes / 2 ** 20)} MiB of answers`
  }
})

export const pipelining = [
  attack("/docs", 1600, 1),
  attack("/metrics", 1600, 1),
  attack("/health", 1600, 4),
  attack("/openapi.json", 1600, 1),
  attack("/nothing-is-here", 1600, 4)
]
