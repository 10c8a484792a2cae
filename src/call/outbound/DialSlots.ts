/** Decides when the next call may be dialled: dials are evenly spaced by `CALLS_PER_SECOND`. Unused slots are not saved up. */
import { Data, Duration, Result } from "effect"

/** Too many calls wait for a dial slot already. */
export class TooManyWaiting extends Data.TaggedError("TooManyWaiting")<{ readonly retryAfter: Duration.Duration }> {
  override get message() {
    return `Calls are placed at CALLS_PER_SECOND, and the next free slot is ${
      Duration.format(this.retryAfter)
    } away. Try again then, or raise CALLS_PER_SECOND if the account allows it.`
  }
}

/** The longest wait of a request for its slot, ms. */
const maxWaitMillis = 10_000

export interface DialSlots {
  /**
   * Takes the next free slot. Returns how long (ms) to wait for the slot.
   *
   * @param now monotonic ms, which may be negative
   */
  readonly take: (now: number) => Result.Result<number, TooManyWaiting>
}

export const make = (callsPerSecond: number): DialSlots => {
  /** Monotonic ms. */
  let nextSlot = -Infinity
  return {
    take: (now) => {
      const slot = Math.max(now, nextSlot)
      const wait = slot - now
      if (wait > maxWaitMillis) return Result.fail(new TooManyWaiting({ retryAfter: Duration.millis(wait) }))
      nextSlot = slot + 1000 / callsPerSecond
      return Result.succeed(wait)
    }
  }
}
