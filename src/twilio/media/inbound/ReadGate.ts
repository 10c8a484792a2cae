/**
 * Pauses a socket while there is a reason not to read it. The bytes then stay with the sender (TCP).
 */
import type { WebSocket } from "ws"

/** `controlWaits`: the `ControlQueue` is full. `turnIsFull`: enough `SlowMessages` were read in this turn of the event loop. */
type Reason = "controlWaits" | "turnIsFull"

export interface ReadGate {
  readonly close: (reason: Reason) => void
  /** Removes the reason. The socket is read again when no reason is left. */
  readonly open: (reason: Reason) => void
}

export const make = (socket: Pick<WebSocket, "isPaused" | "pause" | "resume">): ReadGate => {
  const reasons = new Set<Reason>()
  return {
    close: (reason) => {
      reasons.add(reason)
      socket.pause()
    },
    open: (reason) => {
      reasons.delete(reason)
      if (socket.isPaused && reasons.size === 0) socket.resume()
    }
  }
}
