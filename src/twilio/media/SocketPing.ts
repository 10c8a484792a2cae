/**
 * Pings of a WebSocket (RFC 6455, section 5.5.3). When a pong arrives, all messages that the peer sent before it have arrived.
 */
import { Effect, type Scope } from "effect"
import type { WebSocket } from "ws"

const open = 1

/** Makes an effect that sends a ping and waits for its pong. Run one ping at a time. If the socket is gone, the effect never ends. */
export const make = Effect.fnUntraced(function*(socket: WebSocket): Effect.fn.Return<Effect.Effect<void>, never, Scope.Scope> {
  /** The payload of the newest ping. Each ping has its own, because the pong of an older ping says nothing about later messages. */
  let count = 0
  let onPong: ((payload: string) => void) | undefined
  const onPongFrame = (data: Buffer) => onPong?.(data.toString("latin1"))
  yield* Effect.acquireRelease(
    Effect.sync(() => void socket.on("pong", onPongFrame)),
    () => Effect.sync(() => void socket.off("pong", onPongFrame))
  )
  return Effect.callback((resume) => {
    const payload = `${++count}`
    onPong = (answer) => {
      if (answer === payload) resume(Effect.void)
    }
    if (socket.readyState === open) socket.ping(payload)
    return Effect.sync(() => {
      onPong = undefined
    })
  })
})
