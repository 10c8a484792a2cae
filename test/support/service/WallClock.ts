/** A clock whose time of day can be set, while its monotonic time goes on. */
import { Clock, Effect } from "effect"

export interface WallClock {
  readonly clock: Clock.Clock
  /** Moves the time of day by so much (ms), as an administrator or a time server does. */
  readonly move: (millis: number) => void
}

/** Made from the test's clock, which decides how time passes. */
export const make: Effect.Effect<WallClock> = Effect.map(Clock.Clock, (clock) => {
  let moved = 0
  const millis = () => clock.currentTimeMillisUnsafe() + moved
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(moved) * 1_000_000n
  return {
    clock: {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: clock.monotonicTimeNanos,
      sleep: (duration) => clock.sleep(duration)
    },
    move: (by) => {
      moved += by
    }
  }
})
