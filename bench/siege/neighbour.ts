/**
 * The neighbour's process: a live echo call that sends a frame every 20 ms, and measures the longest gap between two frames of the echo.
 *
 * Its parent sends `from` when the siege begins and `until` when it is over. Then the process answers with `Seen`.
 */
import type { Load } from "../line/load.ts"
import { sendTimedFrame, hangUp, open } from "../line/load.ts"

export interface Seen {
  /** The longest gap between two frames of the echo, ms. */
  readonly longestGap: number
  readonly frames: number
  /** The longest delay of a frame that this process sent, ms: its own share of the gap. */
  readonly lateness: number
  /** Whether the call's WebSocket is still open. */
  readonly isOpen: boolean
}

process.once("message", async (load: Load) => {
  const caller = await open(load, 0)
  let isCounting = false
  let last = performance.now()
  let frames = 0
  let longestGap = 0
  let lateness = 0
  const noteGap = (now: number) => {
    if (isCounting) longestGap = Math.max(longestGap, now - last)
  }
  caller.socket.on("message", (data: Buffer) => {
    // The event's name begins at byte 10; only "media" begins with "me".
    if (data[10] !== 0x6d || data[11] !== 0x65) return
    const now = performance.now()
    noteGap(now)
    if (isCounting) frames++
    last = now
  })
  const begin = performance.now()
  let sent = 0
  setInterval(() => {
    const elapsed = performance.now() - begin
    while (sent * 20 <= elapsed) {
      if (isCounting) lateness = Math.max(lateness, elapsed - sent * 20)
      if (caller.socket.readyState === 1) sendTimedFrame(caller)
      sent++
    }
  }, 2)
  process.on("message", (word) => {
    if (word === "from") {
      isCounting = true
      last = performance.now()
    } else {
      noteGap(performance.now())
      isCounting = false
      const seen: Seen = { longestGap, frames, lateness, isOpen: caller.socket.readyState === 1 }
      if (seen.isOpen) hangUp(load, caller)
      process.send!(seen, () => setTimeout(() => process.exit(0), 500))
    }
  })
  process.send!("ready")
})
