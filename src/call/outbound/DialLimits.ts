/**
 * How often is dialled in any 24 hours, in all and to one number: what keeps a stolen key, or a loop in a client, from dialling
 * without end.
 *
 * A dial is counted when it is begun, so that dials that wait for their turn count too. One of which no phone rang is given back.
 * What is kept is in this process's memory: another process, and the same one after a new start, begins at none.
 */
import { Option, Result } from "effect"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"

const dayMillis = 24 * 60 * 60 * 1000

export interface LimitReached {
  readonly limit: "DIAL_MAX_PER_DAY" | "DIAL_MAX_PER_NUMBER"
  /** ms until a dial is allowed again. */
  readonly waitMillis: number
}

export interface DialLimits {
  /**
   * Counts a dial, if it may be: gives what takes it back, for a dial that did not happen.
   *
   * @param now monotonic ms
   */
  readonly take: (number: PhoneNumber, now: number) => Result.Result<() => void, LimitReached>
}

interface Dial {
  readonly number: PhoneNumber
  readonly at: number
}

/** None of a limit: no limit. */
export const make = (limits: {
  readonly maxPerDay: Option.Option<number>
  readonly maxPerNumber: Option.Option<number>
}): DialLimits => {
  const perDay = Option.getOrElse(limits.maxPerDay, () => Infinity)
  const perNumber = Option.getOrElse(limits.maxPerNumber, () => Infinity)
  /** Those of the last 24 hours, the oldest first. */
  const dials = new Set<Dial>()
  /** The same by their number. */
  const byNumber = new Map<PhoneNumber, Set<Dial>>()

  const drop = (dial: Dial) => {
    dials.delete(dial)
    const same = byNumber.get(dial.number)
    if (same?.delete(dial) === true && same.size === 0) byNumber.delete(dial.number)
  }

  const forgetOld = (now: number) => {
    for (const dial of dials) {
      if (now - dial.at < dayMillis) return
      drop(dial)
    }
  }

  const reached = (limit: LimitReached["limit"], counted: Iterable<Dial>, now: number): Result.Result<never, LimitReached> => {
    const [oldest] = counted
    return Result.fail({ limit, waitMillis: oldest.at + dayMillis - now })
  }

  return {
    take: (number, now) => {
      if (perDay === Infinity && perNumber === Infinity) return Result.succeed(() => {})
      forgetOld(now)
      const same = byNumber.get(number) ?? new Set<Dial>()
      if (same.size >= perNumber) return reached("DIAL_MAX_PER_NUMBER", same, now)
      if (dials.size >= perDay) return reached("DIAL_MAX_PER_DAY", dials, now)
      const dial: Dial = { number, at: now }
      dials.add(dial)
      byNumber.set(number, same.add(dial))
      return Result.succeed(() => drop(dial))
    }
  }
}
