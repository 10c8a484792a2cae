import { type Attack, pause } from "../Attack.ts"
import { letGo, openMany, stillOpen } from "../sockets.ts"

/** Connections that say nothing. */
export const silentConnections: Attack = {
  name: "connections that say nothing",
  strength: "5,000 connections",
  seconds: 15,
  run: async (siege) => {
    const sockets = await openMany(siege, 5000, "")
    await pause(siege.left())
    const left = stillOpen(sockets)
    letGo(sockets)
    return `${left} of ${sockets.length} still open`
  }
}
