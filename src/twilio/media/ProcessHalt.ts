/**
 * Waits that mean "nothing came", in a process that may itself have been halted: by SIGSTOP, a suspended machine, a debugger.
 *
 * Whoever wakes up far too late has not heard nothing: what came meanwhile still lies in the sockets, and timers run before those are
 * read. So a wait that ends late is a little longer, and judges what has been read by then.
 */
import { Clock, Duration, Effect } from "effect"

/** ms by which a wait must end late to tell of a halt. The event loop is late by some ms now and then. */
const lateMillis = 250

/** For what lies in the sockets: sound is read in some ms, a webhook takes some turns of the event loop. */
const graceMillis = 1000

const monotonicMillis = Effect.map(Clock.Clock, (clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e6)

/** Runs what should end after so long at most (ms), and what came during a halt is read when this ends. */
export const readBehind = <A, E, R>(millis: number, wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const begun = yield* monotonicMillis
    const result = yield* wait
    let due = begun + millis
    while (true) {
      const now = yield* monotonicMillis
      if (now - due <= lateMillis) return result
      due = now + graceMillis
      yield* Effect.sleep(graceMillis)
    }
  })

/** Sleeps, and longer where the process was halted meanwhile. */
export const sleep = (duration: Duration.Duration): Effect.Effect<void> =>
  readBehind(Duration.toMillis(duration), Effect.sleep(duration))

/** How long (ms) the process was halted in a wait of `due` ms that took `taken` ms. */
export const haltIn = (due: number, taken: number): number => taken - due > lateMillis ? taken - due : 0
