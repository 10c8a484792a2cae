/**
 * Limits how many calls are dialled in any 24 hours, in all and to one number. A stolen key, or a loop in a client, can't dial without
 * end.
 *
 * A dial is counted when it begins, so that dials that wait for their turn count too. A dial that rang no phone is taken back.
 * Each process counts by itself, and begins at zero after a restart.
 */
import { Data, Duration, Option, Result } from "effect"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"

const dayMillis = 24 * 60 * 60 * 1000

/** A limit of calls in 24 hours is reached. */
export class DialLimitReached extends Data.TaggedError("DialLimitReached")<{
  readonly limit: "DIAL_MAX_PER_DAY" | "DIAL_MAX_PER_NUMBER"
  /** Until a dial is allowed again. */
  readonly retryAfter: Duration.Duration
}> {
  override get message() {
    const dials = this.limit === "DIAL_MAX_PER_DAY" ? "In the last 24 hours" : "To this number, in the last 24 hours,"
    return `${dials} as many calls were placed as ${this.limit} allows (rule ${this.limit}). Try again when the oldest is a day ago, `
      + `or raise ${this.limit} and start the service again.`
  }
}

interface DialLimits {
  /**
   * Counts a dial if the limits allow it. Gives a function that takes the dial back, for one that did not happen.
   *
   * @param now monotonic ms
   */
  readonly take: (number: PhoneNumber, now: number) => Result.Result<() => void, DialLimitReached>
}

interface Dial {
  readonly number: PhoneNumber
  /** Monotonic ms. */
  readonly at: number
}

/** A limit that is absent allows any number of dials. */
export const make = (limits: {
  readonly maxPerDay: Option.Option<number>
  readonly maxPerNumber: Option.Option<number>
}): DialLimits => {
  const perDay = Option.getOrElse(limits.maxPerDay, () => Infinity)
  const perNumber = Option.getOrElse(limits.maxPerNumber, () => Infinity)
  /** Dials of the last 24 hours, the oldest first. */
  const dials = new Set<Dial>()
  /** The same by their number. */
  const byNumber = new Map<PhoneNumber, Set<Dial>>()

  const drop = (dial: Dial) => {
    dials.delete(dial)
    const sameNumber = byNumber.get(dial.number)
    if (sameNumber?.delete(dial) === true && sameNumber.size === 0) byNumber.delete(dial.number)
  }

  const forgetOld = (now: number) => {
    for (const dial of dials) {
      if (now - dial.at < dayMillis) return
      drop(dial)
    }
  }

  const reached = (limit: DialLimitReached["limit"], counted: Iterable<Dial>, now: number) => {
    const [oldest] = counted
    return Result.fail(new DialLimitReached({ limit, retryAfter: Duration.millis(oldest.at + dayMillis - now) }))
  }

  return {
    take: (number, now) => {
      if (perDay === Infinity && perNumber === Infinity) return Result.succeed(() => {})
      forgetOld(now)
      const sameNumber = byNumber.get(number) ?? new Set<Dial>()
      if (sameNumber.size >= perNumber) return reached("DIAL_MAX_PER_NUMBER", sameNumber, now)
      if (dials.size >= perDay) return reached("DIAL_MAX_PER_DAY", dials, now)
      const dial: Dial = { number, at: now }
      dials.add(dial)
      byNumber.set(number, sameNumber.add(dial))
      return Result.succeed(() => drop(dial))
    }
  }
}
