/**
 * Limits the wait for each element of a stream, with one timer for all elements.
 *
 * A race of each element against a timer would cost more than the element itself, since text and speech come in small pieces.
 */
import { Clock, Effect, Stream } from "effect"
import { StageBudget } from "./StageBudget.ts"

interface StreamTimeout {
  /** The wait for the next element begins. */
  readonly startWait: () => void
  /** The element has come. The time of its processing does not count. */
  readonly endWait: () => void
  /** Ends when a wait has lasted too long. */
  readonly late: Effect.Effect<void>
}

/** `millis`: the longest wait for one element. No wait has begun yet. */
export const make = (millis: number): Effect.Effect<StreamTimeout> =>
  Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let since: number | undefined
    const late: Effect.Effect<void> = Effect.suspend(() => {
      const left = since === undefined ? millis : since + millis - now()
      return left <= 0 ? Effect.void : Effect.andThen(Effect.sleep(left), late)
    })
    return {
      startWait: () => {
        since = now()
      },
      endWait: () => {
        since = undefined
      },
      late
    }
  })

/**
 * Runs a stream and processes its elements in order. It fails with `onLate` when the next element, or the end, does not come within
 * `millis`. The stream's effects find `millis` in `StageBudget`.
 */
export const runForEach = <A, E, R, E2, R2, E3>(
  stream: Stream.Stream<A, E, R>,
  options: { readonly millis: number; readonly onLate: () => E2; readonly each: (element: A) => Effect.Effect<unknown, E3, R2> }
): Effect.Effect<void, E | E2 | E3, R | R2> =>
  Effect.flatMap(make(options.millis), ({ endWait, late, startWait }) => {
    startWait()
    const run = Stream.runForEachArray(stream, (elements) => {
      endWait()
      const done = elements.length === 1 ? options.each(elements[0]) : Effect.forEach(elements, options.each, { discard: true })
      return Effect.map(done, startWait)
    })
    return Effect.raceFirst(Effect.provideService(run, StageBudget, options.millis), Effect.andThen(late, Effect.suspend(() => Effect.fail(options.onLate()))))
  })
