import type { Socket } from "node:net"
import type { Caller } from "../../line/load.ts"
import type { Attack } from "../Attack.ts"
import { agentNumber } from "../callers.ts"
import { echoNumber, attackStreams } from "./attackStreams.ts"

/** Empty pings or pongs, masked with zeros; RFC 6455, sections 5.5.2 and 5.5.3. */
const emptyFrames = (kind: "ping" | "pong", count: number): Buffer => {
  const frame = Buffer.from([kind === "ping" ? 0x89 : 0x8a, 0x80, 0, 0, 0, 0])
  return Buffer.concat(Array.from({ length: count }, () => frame))
}

/** The TCP socket below `ws`, for many frames in one write. */
const connectionOf = ({ socket }: Caller): Socket => Reflect.get(socket, "_socket")

/** Resolves when the socket takes further bytes, or is closed. */
const writeAll = (socket: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed || socket.write(bytes)) return resolve()
    const done = () => {
      socket.off("drain", done).off("close", done)
      resolve()
    }
    socket.on("drain", done).on("close", done)
  })

const from = "+14155550122"

/** Writes `atOnce` frames at a time while the stream is open. */
const flood = (kind: "ping" | "pong", atOnce: number): Attack => ({
  name: `empty ${kind}s, ${atOnce} at once`,
  strength: "in one write, again and again",
  run: (siege) => {
    const frames = emptyFrames(kind, atOnce)
    return attackStreams(siege, { from, to: echoNumber }, `${kind}s written`, () => async (caller) => {
      await writeAll(connectionOf(caller), frames)
      await new Promise(setImmediate)
      return atOnce
    })
  }
})

/** The number of unanswered pings at which `ws` ends a connection. An attacker with fewer is never cut. */
const maxPendingPongs = 60

/** Sends the next pings when all earlier ones are answered. */
const politePings: Attack = {
  name: "empty pings, each answered",
  strength: `${maxPendingPongs - 10} at once, as fast as they are answered`,
  run: (siege) => {
    const atOnce = maxPendingPongs - 10
    const frames = emptyFrames("ping", atOnce)
    return attackStreams(siege, { from, to: echoNumber }, "pings answered", () => (caller) =>
      new Promise((resolve) => {
        let pongs = 0
        const done = () => {
          caller.socket.off("pong", onPong).off("close", done)
          clearTimeout(timer)
          resolve(pongs)
        }
        const onPong = () => {
          if (++pongs === atOnce) done()
        }
        const timer = setTimeout(done, siege.millisLeft())
        caller.socket.on("pong", onPong).once("close", done)
        connectionOf(caller).write(frames)
      }))
  }
}

/** A name a little shorter than MAX_MESSAGE_BYTES allows. */
const markName = "m".repeat(60_000)

const longMarks = (name: string, to: string): Attack => ({
  name: `marks with long names, to ${name}`,
  strength: "60 KB each, as fast as they go",
  env: { AGENT_NUMBERS: `${agentNumber}=receptionist` },
  run: (siege) =>
    attackStreams(siege, { from, to }, "marks", () => async (caller) => {
      const { socket, streamSid } = caller
      const sequenceNumber = String(++caller.sequence)
      await new Promise<void>((resolve) => socket.send(JSON.stringify({ event: "mark", sequenceNumber, streamSid, mark: { name: markName } }), () => resolve()))
      return 1
    })
})

/** WebSocket control frames and marks. Unlike a caller's sound, they do not come at the rate of real time. */
export const controls = [flood("ping", 200_000), flood("pong", 200_000), politePings, longMarks("the echo", echoNumber), longMarks("an agent", agentNumber)]
