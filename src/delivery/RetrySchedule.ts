/**
 * Decides after an attempt whether a webhook is delivered, is tried again, or has failed.
 */
import { Duration, Option } from "effect"

/** The wait after each failed attempt. Together the waits are a day. */
export const delays: ReadonlyArray<Duration.Duration> = [
  Duration.seconds(5),
  Duration.minutes(5),
  Duration.minutes(30),
  Duration.hours(2),
  Duration.hours(5),
  Duration.hours(10),
  Duration.minutes(385)
]

/** The longest wait that a receiver may request, ms. */
const maxRetryAfterMillis = Duration.toMillis(Duration.hours(10))

/** Each wait is lengthened at random, at most by this share. So webhooks that failed together are not tried again together. */
const maxJitter = 0.1

export type Verdict =
  | { readonly _tag: "Delivered" }
  | { readonly _tag: "Retry"; readonly afterMillis: number; readonly why: string }
  | { readonly _tag: "Failed"; readonly why: string }

/** The result of an attempt: a status with `Retry-After`, or no answer. */
export type Attempt =
  | { readonly _tag: "Answered"; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly _tag: "NoAnswer"; readonly why: string; readonly isPermanent: boolean }

/** The wait (ms) in a header `Retry-After`, which has seconds or a date (RFC 9110, 10.2.3). `now`: ms since 1970. */
export const retryAfterMillis = (header: string | undefined, now: number): Option.Option<number> => {
  const text = header?.trim() ?? ""
  if (/^\d{1,9}$/.test(text)) return Option.some(Number(text) * 1000)
  const date = Date.parse(text)
  return Number.isNaN(date) ? Option.none() : Option.some(Math.max(0, date - now))
}

/**
 * @param attempts the number of attempts so far, this one included
 * @param requestedMillis the wait that the receiver requested
 */
const retry = (why: string, attempts: number, requestedMillis: number, random: number, schedule: ReadonlyArray<Duration.Duration>): Verdict => {
  const delay = schedule[attempts - 1]
  if (delay === undefined) return { _tag: "Failed", why }
  const waitMillis = Math.max(Duration.toMillis(delay), Math.min(requestedMillis, maxRetryAfterMillis))
  return { _tag: "Retry", afterMillis: Math.round(waitMillis * (1 + maxJitter * random)), why }
}

/**
 * @param attempts the number of attempts so far, this one included
 * @param random from 0 to 1
 */
export const judge = (attempt: Attempt, attempts: number, now: number, random: number, schedule = delays): Verdict => {
  if (attempt._tag === "NoAnswer") {
    return attempt.isPermanent ? { _tag: "Failed", why: attempt.why } : retry(attempt.why, attempts, 0, random, schedule)
  }
  const { retryAfter, status } = attempt
  if (status >= 200 && status < 300) return { _tag: "Delivered" }
  if (status === 410) return { _tag: "Failed", why: "it answered 410: it does not want this webhook any more" }
  const why = status >= 300 && status < 400 ? `it answered ${status}, and redirects are not followed` : `it answered ${status}`
  return retry(why, attempts, Option.getOrElse(retryAfterMillis(retryAfter, now), () => 0), random, schedule)
}
