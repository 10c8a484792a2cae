import { type Caller } from "../line/load.ts"
import { type Attack, pause, type Siege } from "./Attack.ts"
import { dial, isOpen } from "./callers.ts"

/** Unsent bytes above which a stream waits, so that the attacker's own memory has a bound. */
const maxUnsent = 2 ** 20

/** What a stream's peer may send beside sound, as fast as it goes, until the service closes the stream. */
const attack = (name: string, strength: string, send: (caller: Caller, index: number) => void): Attack => ({
  name,
  strength,
  run: async (siege: Siege) => {
    let streams = 0
    let messages = 0
    while (!siege.isOver()) {
      const caller = await dial(siege, { from: "+14155550123", to: "+14155550199" })
      if (caller === undefined) {
        await pause(20)
        continue
      }
      streams++
      while (isOpen(caller) && !siege.isOver()) {
        if (caller.socket.bufferedAmount > maxUnsent) await pause(1)
        else {
          send(caller, messages++)
          if (messages % 16 === 0) await new Promise(setImmediate)
        }
      }
      caller.socket.terminate()
    }
    if (streams === 0) throw new Error("no stream was opened")
    return `${messages} messages on ${streams} streams`
  }
})

const json = (caller: Caller, message: Readonly<Record<string, unknown>>): void =>
  caller.socket.send(JSON.stringify({ sequenceNumber: String(++caller.sequence), streamSid: caller.streamSid, ...message }))

const besideTimestamp = ["0", "1099511627776", "9007199254740991", "20"]

export const besideSound: ReadonlyArray<Attack> = [
  attack("keys", "as fast as they go", (caller, index) =>
    json(caller, { event: "dtmf", dtmf: { track: "inbound_track", digit: String(index % 10) } })),
  attack("messages that can't be read", "as fast as they go", (caller) => caller.socket.send("{\"event\":\"media\",")),
  attack("sound whose timestamps leap", "forth and back by 35 years", (caller, index) =>
    json(caller, {
      event: "media",
      media: { track: "inbound", chunk: String(++caller.sent), timestamp: besideTimestamp[index % besideTimestamp.length], payload: "/w==" }
    }))
]
