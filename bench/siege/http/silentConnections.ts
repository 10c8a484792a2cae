import { type Attack, pause } from "../Attack.ts"
import { destroyAll, openMany, countOpen } from "../sockets.ts"

/** Connections that say nothing. */
export const silentConnections: Attack = {
  name: "connections that say nothing",
  strength: "5,000 connections",
  seconds: 15,
  run: async (siege) => {
    const sockets = await openMany(siege, 5000, "")
    await pause(siege.millisLeft())
    const left = countOpen(sockets)
    destroyAll(sockets)
    return `${left} of ${sockets.length} still open`
  }
}
