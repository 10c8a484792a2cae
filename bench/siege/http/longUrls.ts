import { type Attack, forgedSignature, repeat } from "../Attack.ts"
import { destroyAll, open } from "../sockets.ts"

/** Close to the 16 KiB of headers that Node accepts. */
const query = "a".repeat(14_000)

export const longUrls: Attack = {
  name: "long URLs, forged signatures",
  strength: "14 KB, 100 connections",
  run: async (siege) => {
    let asked = 0
    await repeat(siege, 100, async () => {
      const socket = await open(siege)
      if (socket === undefined) return
      socket.write(`GET /twiml?${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Twilio-Signature: ${forgedSignature()}\r\n\r\n`)
      asked++
      await new Promise((resolve) => socket.resume().once("close", resolve))
      destroyAll([socket])
    })
    return `${asked} requests`
  }
}
