/**
 * Limits the wait for each element of a stream, with one timer for all elements.
 *
 * A race of each element against a timer would cost more than the element itself, since text and speech come in small pieces.
 */
import { Clock, Effect, Stream } from "effect"
import { StageBudget } from "./StageBudget.ts"

interface StreamTimeout {
  /** Begins the wait for the next element. */
  readonly startWait: () => void
  /** Ends the wait, because the element has come. The time of its processing does not count. */
  readonly endWait: () => void
  /** Ends when a wait has lasted too long. */
  readonly timedOut: Effect.Effect<void>
}

/** `millis`: the longest wait for one element. No wait has begun yet. */
export const make = (millis: number): Effect.Effect<StreamTimeout> =>
  Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let since: number | undefined
    const timedOut: Effect.Effect<void> = Effect.suspend(() => {
      const remaining = since === undefined ? millis : since + millis - now()
      return remaining <= 0 ? Effect.void : Effect.andThen(Effect.sleep(remaining), timedOut)
    })
    return {
      startWait: () => {
        since = now()
      },
      endWait: () => {
        since = undefined
      },
      timedOut
    }
  })

/**
 * Runs a stream and processes its elements in order. If the next element or the stream's end does not come within `millis`, the effect
 * fails with the result of `onTimeout`. The stream's effects find `millis` in `StageBudget`.
 */
export const runForEach = <A, E, R, E2, R2, E3>(
  stream: Stream.Stream<A, E, R>,
  options: { readonly millis: number; readonly onTimeout: () => E2; readonly each: (element: A) => Effect.Effect<unknown, E3, R2> }
): Effect.Effect<void, E | E2 | E3, R | R2> =>
  Effect.flatMap(make(options.millis), ({ endWait, startWait, timedOut }) => {
    startWait()
    const run = Stream.runForEachArray(stream, (elements) => {
      endWait()
      const done = elements.length === 1 ? options.each(elements[0]) : Effect.forEach(elements, options.each, { discard: true })
      return Effect.map(done, startWait)
    })
    return Effect.raceFirst(Effect.provideService(run, StageBudget, options.millis), Effect.andThen(timedOut, Effect.suspend(() => Effect.fail(options.onTimeout()))))
  })
