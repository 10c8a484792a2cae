/**
 * How long a stream may be waited for: a bound on each of its elements, kept by one timer for all of them. A race for
 * each element costs more than the element where a hundred calls hear speech and read text that comes in pieces.
 */
import { Clock, Effect, Stream } from "effect"
import { StageBudget } from "./StageBudget.ts"

export interface StreamTimeout {
  /** The next element is waited for from now on. */
  readonly wait: () => void
  /** It has come. The time that is taken to deal with it does not count. */
  readonly rest: () => void
  /** Ends when one has been waited for too long. */
  readonly late: Effect.Effect<void>
}

/** `millis`: the longest wait for one element. Nothing is waited for yet. */
export const make = (millis: number): Effect.Effect<StreamTimeout> =>
  Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let since: number | undefined
    const late: Effect.Effect<void> = Effect.suspend(() => {
      const left = since === undefined ? millis : since + millis - now()
      return left <= 0 ? Effect.void : Effect.andThen(Effect.sleep(left), late)
    })
    return {
      wait: () => {
        since = now()
      },
      rest: () => {
        since = undefined
      },
      late
    }
  })

/**
 * Runs a stream for what is done with its elements, and fails when the next one, or the end, is more than `millis` away. The stream
 * finds that in `StageBudget`.
 */
export const runForEach = <A, E, R, E2, R2, E3>(
  stream: Stream.Stream<A, E, R>,
  options: { readonly millis: number; readonly onLate: () => E2; readonly each: (element: A) => Effect.Effect<unknown, E3, R2> }
): Effect.Effect<void, E | E2 | E3, R | R2> =>
  Effect.flatMap(make(options.millis), ({ late, rest, wait }) => {
    wait()
    const run = Stream.runForEachArray(stream, (elements) => {
      rest()
      const done = elements.length === 1 ? options.each(elements[0]) : Effect.forEach(elements, options.each, { discard: true })
      return Effect.map(done, wait)
    })
    return Effect.raceFirst(Effect.provideService(run, StageBudget, options.millis), Effect.andThen(late, Effect.suspend(() => Effect.fail(options.onLate()))))
  })
