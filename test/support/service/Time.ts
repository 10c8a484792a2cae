/** The test's time. */
import { Effect } from "effect"
import { TestClock } from "effect/testing"

/** Lets every fiber run until it waits for time to pass. */
export const settle: Effect.Effect<void> = Effect.andThen(
  TestClock.adjust("0 millis"),
  Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })
)

/** Lets fibers run, no time passing, until this holds; gives up after very many steps, for the test's assertion to fail. */
export const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let step = 0; step < 100_000 && !holds(); step++) yield* Effect.yieldNow
  })

/** Lets what can happen now happen, then time pass. */
export const pass = (millis: number): Effect.Effect<void> =>
  Effect.andThen(settle, Effect.andThen(TestClock.adjust(millis), settle))
