import { sendSound } from "../../line/load.ts"
import { type Attack, pause, type Siege } from "../Attack.ts"
import { agentNumber, returnMarks, speech } from "../callers.ts"
import { echoNumber, maxUnsentBytes, attackStreams } from "./attackStreams.ts"

/** The pause before a stream's next message, ms. `sent` counts its messages; `begin` is when the stream began (`performance.now()`). */
type PauseOf = (sent: number, begin: number) => number

/** Sends more sound than a caller can. */
const flood = (siege: Siege, to: string, frames: ReadonlyArray<string>, pauseOf: PauseOf): Promise<string> =>
  attackStreams(siege, { from: "+14155550122", to }, "messages", (caller) => {
    returnMarks(caller)
    const begin = performance.now()
    let sent = 0
    return async ({ socket }) => {
      const wait = socket.bufferedAmount > maxUnsentBytes ? 1 : pauseOf(sent, begin)
      if (wait > 0) {
        await pause(wait)
        return 0
      }
      sendSound(caller, frames[sent++ % frames.length])
      if (sent % 8 === 0) await new Promise(setImmediate)
      return 1
    }
  })

const noPause: PauseOf = () => 0

/** Ten times real time: 20 ms of sound every 2 ms. */
const tenfoldRate: PauseOf = (sent, begin) => sent * 2 > performance.now() - begin ? 1 : 0

const attack = (name: string, strength: string, to: string, bytes: number, pauseOf: PauseOf): Attack => ({
  name: `${name}, to ${to === agentNumber ? "an agent" : "the echo"}`,
  strength,
  env: { AGENT_NUMBERS: `${agentNumber}=receptionist` },
  run: (siege) => flood(siege, to, speech(bytes), pauseOf)
})

export const media = [echoNumber, agentNumber].flatMap((to) => [
  // 36,000 bytes are 48 KB in base64.
  attack("media of 48 KB", "as fast as they go", to, 36_000, noPause),
  attack("media as fast as it goes", "20 ms a message", to, 160, noPause),
  attack("media 10 × real time", "20 ms a message, 500 a second", to, 160, tenfoldRate)
])
