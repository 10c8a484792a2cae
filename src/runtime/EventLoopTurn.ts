/**
 * Waits for the next turn of the event loop, so that sockets and timers are served between the steps of long work. `Effect.yieldNow` is not
 * enough: after it, the fiber continues in the same turn (docs/adr/0010), and all other calls wait.
 */
import { Effect } from "effect"

export const eventLoopTurn: Effect.Effect<void> = Effect.callback((resume) => {
  const handle = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(handle))
})
