/**
 * Timeouts for messages, in a process that may have been halted: by SIGSTOP, a suspended machine or a debugger.
 *
 * Messages that come during a halt wait in the sockets. After the halt, timers run before the sockets are read. So a timeout that ends much
 * too late is extended by the time to read the sockets.
 */
import { Clock, Duration, Effect } from "effect"

/** If a wait ends this late (ms), the process was halted. The event loop alone is at most some ms late. */
const minHaltMillis = 250

/** The time (ms) to read the sockets after a halt. Sound is read in some ms, and a webhook takes some turns of the event loop. */
const graceMillis = 1000

const monotonicMillis = Effect.map(Clock.Clock, (clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e6)

/**
 * Runs `wait`, which should take at most `millis`. If it took much longer, adds time to read the messages that came during the halt.
 */
export const waitAndCatchUp = <A, E, R>(millis: number, wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const startedAt = yield* monotonicMillis
    const result = yield* wait
    let dueAt = startedAt + millis
    while (true) {
      const now = yield* monotonicMillis
      if (now - dueAt <= minHaltMillis) return result
      dueAt = now + graceMillis
      yield* Effect.sleep(graceMillis)
    }
  })

/** Sleeps. If the process was halted during the sleep, it sleeps longer. */
export const sleep = (duration: Duration.Duration): Effect.Effect<void> =>
  waitAndCatchUp(Duration.toMillis(duration), Effect.sleep(duration))

/** How long (ms) the process was halted in a wait that should have taken `dueMillis` and took `takenMillis`. */
export const haltIn = (dueMillis: number, takenMillis: number): number =>
  takenMillis - dueMillis > minHaltMillis ? takenMillis - dueMillis : 0
