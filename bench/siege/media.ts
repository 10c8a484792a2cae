import { sendSound } from "../line/load.ts"
import { type Attack, pause, type Siege } from "./Attack.ts"
import { agentNumber, dial, isOpen, returnMarks, speech } from "./callers.ts"

/** Unsent bytes above which a stream waits, so that the attacker's own memory has a bound. */
const maxUnsent = 2 ** 20

/** Streams with too much sound, one after the other: each goes on until the service closes it. */
const flood = async (siege: Siege, to: string, frames: ReadonlyArray<string>, rest: (sent: number, begin: number) => number): Promise<string> => {
  let streams = 0
  let messages = 0
  while (!siege.isOver()) {
    const caller = await dial(siege, { from: "+14155550122", to })
    if (caller === undefined) {
      await pause(20)
      continue
    }
    streams++
    returnMarks(caller)
    const begin = performance.now()
    let sent = 0
    while (isOpen(caller) && !siege.isOver()) {
      const wait = caller.socket.bufferedAmount > maxUnsent ? 1 : rest(sent, begin)
      if (wait > 0) await pause(wait)
      else {
        sendSound(caller, frames[sent++ % frames.length])
        if (sent % 8 === 0) await new Promise(setImmediate)
      }
    }
    messages += sent
    caller.socket.terminate()
  }
  if (streams === 0) throw new Error("no stream was opened")
  return `${messages} messages on ${streams} streams`
}

const atOnce = () => 0

/** 20 ms of sound in 2 ms. */
const tenfold = (sent: number, begin: number) => sent * 2 > performance.now() - begin ? 1 : 0

const attack = (name: string, strength: string, to: string, bytes: number, rest: (sent: number, begin: number) => number): Attack => ({
  name: `${name}, to ${to === agentNumber ? "an agent" : "the echo"}`,
  strength,
  env: { AGENT_NUMBERS: `${agentNumber}=receptionist` },
  run: (siege) => flood(siege, to, speech(bytes), rest)
})

const echoNumber = "+14155550199"

export const media = [echoNumber, agentNumber].flatMap((to) => [
  // 36,000 bytes are 48 KB in base64.
  attack("media of 48 KB", "as fast as they go", to, 36_000, atOnce),
  attack("media as fast as it goes", "20 ms a message", to, 160, atOnce),
  attack("media 10 × real time", "20 ms a message, 500 a second", to, 160, tenfold)
])
