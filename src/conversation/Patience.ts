/**
 * How long a stream may be waited for: a bound on each of its elements, kept by one timer for all of them. A race for
 * each element costs more than the element where a hundred calls hear speech and read text that comes in pieces.
 */
import { Clock, Effect, Stream } from "effect"

/**
 * Runs a stream for what is done with its elements, and fails when the next one (or the end) is more than `millis` away.
 * The time that is taken to do something with an element does not count.
 */
export const runForEach = <A, E, R, E2, R2, E3>(
  stream: Stream.Stream<A, E, R>,
  options: { readonly millis: number; readonly onLate: () => E2; readonly each: (element: A) => Effect.Effect<unknown, E3, R2> }
): Effect.Effect<void, E | E2 | E3, R | R2> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    /** Since when the next element is waited for; none while one is dealt with. */
    let waitingSince: number | undefined = now()

    const run = Stream.runForEachArray(stream, (elements) => {
      waitingSince = undefined
      const last = elements.length - 1
      let dealt: Effect.Effect<unknown, E3, R2> = options.each(elements[0])
      for (let index = 1; index <= last; index++) dealt = Effect.andThen(dealt, Effect.suspend(() => options.each(elements[index])))
      return Effect.andThen(
        dealt,
        Effect.sync(() => {
          waitingSince = now()
        })
      )
    })

    const late: Effect.Effect<never, E2> = Effect.suspend(() => {
      const left = waitingSince === undefined ? options.millis : waitingSince + options.millis - now()
      return left <= 0 ? Effect.fail(options.onLate()) : Effect.andThen(Effect.sleep(left), late)
    })

    return Effect.raceFirst(run, late)
  })
