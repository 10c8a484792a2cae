/** Decides when the next call may be dialled: dials are evenly spaced by `CALLS_PER_SECOND`. Unused turns are not saved up. */
import { Data, Duration, Result } from "effect"

/** So many calls wait for their turn that the next free turn is more than `maxWaitMillis` away. */
export class TooManyWaiting extends Data.TaggedError("TooManyWaiting")<{ readonly retryAfter: Duration.Duration }> {
  override get message() {
    return `CALLS_PER_SECOND limits how fast calls are placed, and the next free turn is in ${
      Duration.format(this.retryAfter)
    }. Try again then, or raise CALLS_PER_SECOND if the Twilio account allows it.`
  }
}

/** The longest time that a request waits for its turn, ms. */
const maxWaitMillis = 10_000

export interface DialTurns {
  /**
   * Takes the next free turn. Returns how long (ms) to wait for it.
   *
   * @param now monotonic ms, which may be negative
   */
  readonly take: (now: number) => Result.Result<number, TooManyWaiting>
}

export const make = (callsPerSecond: number): DialTurns => {
  /** Monotonic ms. */
  let nextTurn = -Infinity
  return {
    take: (now) => {
      const turn = Math.max(now, nextTurn)
      const wait = turn - now
      if (wait > maxWaitMillis) return Result.fail(new TooManyWaiting({ retryAfter: Duration.millis(wait) }))
      nextTurn = turn + 1000 / callsPerSecond
      return Result.succeed(wait)
    }
  }
}
