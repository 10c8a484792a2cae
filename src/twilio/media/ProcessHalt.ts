/**
 * Waits that mean "nothing came", in a process that may itself have been halted: by SIGSTOP, a suspended machine, a debugger.
 *
 * After a halt, messages that came meanwhile still wait in the sockets, and timers run before the sockets are read. So a wait that ends
 * much too late is prolonged until the sockets have been read.
 */
import { Clock, Duration, Effect } from "effect"

/** A wait that ends this late (ms) shows a halt. The event loop is some ms late now and then. */
const haltMillis = 250

/** Time (ms) to read the sockets after a halt: sound is read in some ms, a webhook takes some turns of the event loop. */
const graceMillis = 1000

const monotonicMillis = Effect.map(Clock.Clock, (clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e6)

/**
 * Runs `wait`, which should take at most `millis`. If it took much longer, adds time to read what came during the halt.
 */
export const waitAndCatchUp = <A, E, R>(millis: number, wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const begun = yield* monotonicMillis
    const result = yield* wait
    let due = begun + millis
    while (true) {
      const now = yield* monotonicMillis
      if (now - due <= haltMillis) return result
      due = now + graceMillis
      yield* Effect.sleep(graceMillis)
    }
  })

/** Sleeps, and longer if the process was halted meanwhile. */
export const sleep = (duration: Duration.Duration): Effect.Effect<void> =>
  waitAndCatchUp(Duration.toMillis(duration), Effect.sleep(duration))

/** How long (ms) the process was halted in a wait that should have taken `dueMillis` and took `takenMillis`. */
export const haltIn = (dueMillis: number, takenMillis: number): number =>
  takenMillis - dueMillis > haltMillis ? takenMillis - dueMillis : 0
