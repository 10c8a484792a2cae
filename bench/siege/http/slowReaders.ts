import { type Attack, pause } from "../Attack.ts"
import { destroyAll, openMany } from "../sockets.ts"

export const slowReaders: Attack = {
  name: "readers that do not read",
  strength: "300 connections, 20 × /docs each",
  seconds: 15,
  run: async (siege) => {
    const sockets = await openMany(siege, 300, "GET /docs HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20))
    for (const socket of sockets) socket.pause()
    await pause(siege.millisLeft())
    destroyAll(sockets)
    return `${sockets.length} connections`
  }
}
