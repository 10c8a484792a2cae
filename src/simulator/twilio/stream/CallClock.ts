/**
 * The time of one call: the monotonic clock, counted from the moment when the call was answered.
 *
 * Moments are in nanoseconds of the monotonic clock. Sound is counted in samples (1/8 ms) since the answer.
 */
import { type Clock, Duration, Effect } from "effect"
import { nanosPerSample, toSamples } from "../../report/Timeline.ts"

export class CallClock {
  readonly #clock: Clock.Clock
  readonly #answeredAt: bigint

  constructor(clock: Clock.Clock, answeredAt: bigint) {
    this.#clock = clock
    this.#answeredAt = answeredAt
  }

  /** The current moment. */
  now(): bigint {
    return this.#clock.monotonicTimeNanosUnsafe()
  }

  /** Converts a moment to ms since the call was answered. */
  millis(moment: bigint): number {
    return Number(moment - this.#answeredAt) / 1_000_000
  }

  /** Converts a moment to samples (8 kHz) since the call was answered. */
  samples(moment: bigint): number {
    return toSamples(moment - this.#answeredAt)
  }

  /** The moment at which a sample is played. `sample`: the sample's number since the answer. */
  momentOf(sample: number): bigint {
    return this.#answeredAt + BigInt(Math.ceil(sample * nanosPerSample))
  }

  /** Sleeps until a moment, and never wakes before it. Timers count whole milliseconds, and some fire early. */
  sleepUntil(moment: bigint): Effect.Effect<void> {
    return Effect.suspend(() => {
      const remainingMillis = Number(moment - this.now()) / 1_000_000
      return remainingMillis > 0
        ? Effect.andThen(Effect.sleep(Duration.millis(Math.ceil(remainingMillis))), this.sleepUntil(moment))
        : Effect.void
    })
  }
}
