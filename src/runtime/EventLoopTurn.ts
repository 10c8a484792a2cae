/**
 * Lets sockets and timers have their turn. `Effect.yieldNow` does not: fibers go on in the same turn of the event loop (docs/adr/0010), and
 * work that takes long, step by step, would keep all other calls waiting.
 */
import { Effect } from "effect"

export const eventLoopTurn: Effect.Effect<void> = Effect.callback((resume) => {
  const handle = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(handle))
})
