import { randomBytes } from "node:crypto"
import { type Attack, forgedSignature, pause } from "../Attack.ts"
import { destroyAll, openMany, countOpen } from "../sockets.ts"

const upgrade = (...headers: ReadonlyArray<string>) => [
  "GET /ws HTTP/1.1",
  "Host: x",
  "Connection: Upgrade",
  "Upgrade: websocket",
  ...headers,
  "",
  ""
].join("\r\n")

const handshake = ["Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`]

const attack = (name: string, text: () => string): Attack => ({
  name,
  strength: "1,000 connections, held",
  seconds: 15,
  run: async (siege) => {
    const sockets = await openMany(siege, 1000, text())
    for (const socket of sockets) socket.resume()
    await pause(siege.millisLeft())
    const left = countOpen(sockets)
    destroyAll(sockets)
    return `${left} of ${sockets.length} still open`
  }
})

export const refusedUpgrades = [
  attack("refused upgrades", () => upgrade(...handshake, `X-Twilio-Signature: ${forgedSignature()}`)),
  attack("upgrades to nowhere", () => upgrade(...handshake).replace("/ws", "/nowhere")),
  attack("half upgrades", () => upgrade().slice(0, -2))
]
