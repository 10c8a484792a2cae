/**
 * Waits for the next turn of the event loop, so that sockets and timers are served. For work that takes long, step by step.
 * `Effect.yieldNow` does not: fibers continue in the same turn (docs/adr/0010), and all other calls would wait.
 */
import { Effect } from "effect"

export const eventLoopTurn: Effect.Effect<void> = Effect.callback((resume) => {
  const handle = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(handle))
})
