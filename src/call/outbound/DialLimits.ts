/**
 * Limits how many calls are dialled in any 24 hours, in all and to one number. So a stolen API key, or a loop in a client, can't dial
 * without end.
 *
 * A dial counts from its beginning, so a dial that waits for its slot counts too. A dial that rang no phone is uncounted. Each process
 * counts its own dials, from zero after a restart.
 */
import { Data, Duration, Option, Result } from "effect"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"

const dayMillis = 24 * 60 * 60 * 1000

/** The limit of calls in 24 hours is reached. */
export class DialLimitReached extends Data.TaggedError("DialLimitReached")<{
  readonly limit: "DIAL_MAX_PER_DAY" | "DIAL_MAX_PER_NUMBER"
  /** The time until a dial is allowed again. */
  readonly retryAfter: Duration.Duration
}> {
  override get message() {
    const dials = this.limit === "DIAL_MAX_PER_DAY" ? "In the last 24 hours" : "To this number, in the last 24 hours,"
    return `${dials} as many calls were placed as ${this.limit} allows (rule ${this.limit}). Try again when the oldest of these calls is a day old, `
      + `or raise ${this.limit} and start the service again.`
  }
}

interface DialLimits {
  /**
   * Counts a dial if the limits allow it. Returns a function that uncounts the dial, for a dial that rang no phone.
   *
   * @param now monotonic ms
   */
  readonly count: (number: PhoneNumber, now: number) => Result.Result<() => void, DialLimitReached>
}

interface Dial {
  readonly number: PhoneNumber
  /** Monotonic ms. */
  readonly at: number
}

/** `None` allows any number of dials. */
export const make = (limits: {
  readonly maxPerDay: Option.Option<number>
  readonly maxPerNumber: Option.Option<number>
}): DialLimits => {
  const perDay = Option.getOrElse(limits.maxPerDay, () => Infinity)
  const perNumber = Option.getOrElse(limits.maxPerNumber, () => Infinity)
  /** The dials of the last 24 hours, the oldest first. */
  const dials = new Set<Dial>()
  /** The same dials, by the called number. */
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

  const refuse = (limit: DialLimitReached["limit"], counted: Iterable<Dial>, now: number) => {
    const [oldest] = counted
    return Result.fail(new DialLimitReached({ limit, retryAfter: Duration.millis(oldest.at + dayMillis - now) }))
  }

  return {
    count: (number, now) => {
      if (perDay === Infinity && perNumber === Infinity) return Result.succeed(() => {})
      forgetOld(now)
      const sameNumber = byNumber.get(number) ?? new Set<Dial>()
      if (sameNumber.size >= perNumber) return refuse("DIAL_MAX_PER_NUMBER", sameNumber, now)
      if (dials.size >= perDay) return refuse("DIAL_MAX_PER_DAY", dials, now)
      const dial: Dial = { number, at: now }
      dials.add(dial)
      byNumber.set(number, sameNumber.add(dial))
      return Result.succeed(() => drop(dial))
    }
  }
}
