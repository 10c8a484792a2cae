/** Decides when the next call may be dialled: dials are evenly spaced by `CALLS_PER_SECOND`. Unused turns are not saved up. */
import { Data, Duration, Result } from "effect"

/** Too many calls wait for their turn at Twilio already. */
export class TooManyWaiting extends Data.TaggedError("TooManyWaiting")<{ readonly retryAfter: Duration.Duration }> {
  override get message() {
    return `Calls are placed at CALLS_PER_SECOND, and the next free turn is ${
      Duration.format(this.retryAfter)
    } away. Try again then, or raise CALLS_PER_SECOND if the account allows it.`
  }
}

/** How long a request waits for its turn at most, ms. */
const maxWaitMillis = 10_000

export interface DialSlots {
  /**
   * Takes the next free turn. Returns how long (ms) to wait for it.
   *
   * @param now monotonic ms, which may be negative
   */
  readonly take: (now: number) => Result.Result<number, TooManyWaiting>
}

export const make = (callsPerSecond: number): DialSlots => {
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
