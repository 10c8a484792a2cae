import { type Attack, forged, pause } from "../Attack.ts"
import { letGo, openMany, post, stillOpen } from "../sockets.ts"

export const halfBodies: Attack = {
  name: "half bodies",
  strength: "1,000 connections, 60 of 62 KB each",
  seconds: 15,
  run: async (siege) => {
    const text = post("/twiml", "x".repeat(62_000), `X-Twilio-Signature: ${forged()}`).slice(0, -2000)
    const sockets = await openMany(siege, 1000, text)
    for (const socket of sockets) socket.resume()
    await pause(siege.left())
    const left = stillOpen(sockets)
    letGo(sockets)
    return `${left} of ${sockets.length} still open`
  }
}
