import { type Attack, forged, repeatedly } from "../Attack.ts"
import { letGo, open } from "../sockets.ts"

/** Close to the 16 KiB of headers that Node accepts. */
const query = "a".repeat(14_000)

export const longUrls: Attack = {
  name: "long URLs, signed by nobody",
  strength: "14 KB, 100 connections",
  run: async (siege) => {
    let asked = 0
    await repeatedly(siege, 100, async () => {
      const socket = await open(siege)
      if (socket === undefined) return
      socket.write(`GET /twiml?${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Twilio-Signature: ${forged()}\r\n\r\n`)
      asked++
      await new Promise((resolve) => socket.resume().once("close", resolve))
      letGo([socket])
    })
    return `${asked} requests`
  }
}
