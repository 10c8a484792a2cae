/** Lets a test's time and fibers pass. */
import { Effect } from "effect"
import { TestClock } from "effect/testing"

/** Lets every fiber run until it waits for time to pass. */
export const settle: Effect.Effect<void> = Effect.andThen(
  TestClock.adjust("0 millis"),
  Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })
)

/** Lets fibers run until `holds` returns true, while no time passes. Gives up after 100,000 steps, so that the test's assertion fails. */
export const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let step = 0; step < 100_000 && !holds(); step++) yield* Effect.yieldNow
  })

/** Lets all fibers run, then lets time pass. */
export const pass = (millis: number): Effect.Effect<void> =>
  Effect.andThen(settle, Effect.andThen(TestClock.adjust(millis), settle))
