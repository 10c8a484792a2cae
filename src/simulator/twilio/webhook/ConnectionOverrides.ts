/**
 * Twilio's time limits and retries for a webhook: the defaults, and the overrides in the fragment of the webhook's URL.
 *
 * The fragment has pairs of a key and a value: `https://calls.example.com/twiml#rc=3&rp=ct,5xx&rt=2000`. It is neither sent nor signed.
 * Twilio does not document how it treats a value out of range. Here a value out of range is ignored.
 *
 * https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
 */

/**
 * The failures that can be retried: no connection (`ct`), no answer or a broken connection (`rt`), an answer with a status from 400 to 499
 * (`4xx`) or from 500 on (`5xx`). Twilio documents `rt` as the read timeout. We guess that it includes a broken connection.
 */
export type RetriedFailure = "ct" | "rt" | "4xx" | "5xx"

export interface ConnectionOverrides {
  /** The time limit for the connection, including TLS. */
  readonly connectMillis: number
  /** The time limit for the first byte of the answer, and for each further piece of it. */
  readonly readMillis: number
  /** The time limit for all requests together. */
  readonly totalMillis: number
  /** The most times that the request is repeated. */
  readonly retries: number
  /** Which failures are retried. */
  readonly retried: ReadonlySet<RetriedFailure> | "all"
}

export const defaults: ConnectionOverrides = {
  connectMillis: 5000,
  readMillis: 15_000,
  totalMillis: 15_000,
  retries: 1,
  retried: new Set(["ct"])
}

const policies: ReadonlySet<string> = new Set<RetriedFailure>(["ct", "rt", "4xx", "5xx"])

const isPolicy = (name: string): name is RetriedFailure => policies.has(name)

const parseRetried = (text: string | null): ConnectionOverrides["retried"] => {
  const names = (text ?? "").split(",").map((name) => name.trim())
  if (names.includes("all")) return "all"
  return text !== null && names.every(isPolicy) ? new Set(names) : defaults.retried
}

/** Splits a webhook's URL into the URL that is requested and signed, and its overrides. */
export const parse = (text: string): { readonly url: string; readonly overrides: ConnectionOverrides } => {
  const at = text.indexOf("#")
  if (at < 0) return { url: text, overrides: defaults }
  const pairs = new URLSearchParams(text.slice(at + 1))
  const wholeNumber = (key: string, minimum: number, maximum: number, fallback: number): number => {
    const value = pairs.get(key)
    return value !== null && /^\d{1,6}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum ? Number(value) : fallback
  }
  return {
    url: text.slice(0, at),
    overrides: {
      connectMillis: wholeNumber("ct", 100, 10_000, defaults.connectMillis),
      readMillis: wholeNumber("rt", 100, 15_000, defaults.readMillis),
      totalMillis: wholeNumber("tt", 100, 15_000, defaults.totalMillis),
      retries: wholeNumber("rc", 0, 5, defaults.retries),
      retried: parseRetried(pairs.get("rp"))
    }
  }
}
