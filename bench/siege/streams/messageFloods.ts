import { type Caller } from "../../line/load.ts"
import { type Attack, pause } from "../Attack.ts"
import { echoNumber, maxUnsentBytes, attackStreams } from "./attackStreams.ts"

/** Sends messages as fast as the service takes them. */
const attack = (name: string, strength: string, send: (caller: Caller, index: number) => void): Attack => ({
  name,
  strength,
  run: (siege) => {
    let messages = 0
    return attackStreams(siege, { from: "+14155550123", to: echoNumber }, "messages", () => async (caller) => {
      if (caller.socket.bufferedAmount > maxUnsentBytes) {
        await pause(1)
        return 0
      }
      send(caller, messages++)
      if (messages % 16 === 0) await new Promise(setImmediate)
      return 1
    })
  }
})

const sendJson = (caller: Caller, message: Readonly<Record<string, unknown>>): void =>
  caller.socket.send(JSON.stringify({ sequenceNumber: String(++caller.sequence), streamSid: caller.streamSid, ...message }))

/** The messages have these timestamps in rotation, ms. */
const leapingTimestamps = ["0", "1099511627776", "9007199254740991", "20"]

export const messageFloods: ReadonlyArray<Attack> = [
  attack("keys", "as fast as they go", (caller, index) =>
    sendJson(caller, { event: "dtmf", dtmf: { track: "inbound_track", digit: String(index % 10) } })),
  attack("messages that can't be read", "as fast as they go", (caller) => caller.socket.send("{\"event\":\"media\",")),
  attack("sound whose timestamps leap", "forth and back by 35 years", (caller, index) =>
    sendJson(caller, {
      event: "media",
      media: { track: "inbound", chunk: String(++caller.sent), timestamp: leapingTimestamps[index % leapingTimestamps.length], payload: "/w==" }
    }))
]
