/** The test's time. */
import { Effect } from "effect"
import { TestClock } from "effect/testing"

/** Lets every fiber run until it waits for time to pass. */
export const settle: Effect.Effect<void> = Effect.andThen(
  TestClock.adjust("0 millis"),
  Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })
)
