/**
 * Twilio's time limits and retries for a webhook: the defaults, and the changes in the fragment of the webhook's URL.
 *
 * `https://calls.example.com/twiml#rc=3&rp=ct,5xx&rt=2000`: pairs of a key and a value. The fragment is neither sent nor signed.
 * Twilio does not document how it treats a value out of range; here such a value is ignored.
 *
 * https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
 */

/**
 * The failures that can be retried: no connection (`ct`), no answer or a broken one (`rt`), an answer with a status of 400 or 500 and
 * above. Twilio documents `rt` as the read timeout; that it includes a broken connection is our guess.
 */
export type RetriedFailure = "ct" | "rt" | "4xx" | "5xx"

export interface ConnectionOverrides {
  /** The limit for the connection, TLS included. */
  readonly connectMillis: number
  /** The limit for the first byte of the answer, and from each byte to the next. */
  readonly readMillis: number
  /** The limit for all requests together. */
  readonly totalMillis: number
  /** How many times the request is repeated. */
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

const retriedBy = (text: string | null): ConnectionOverrides["retried"] => {
  const names = (text ?? "").split(",").map((name) => name.trim())
  if (names.includes("all")) return "all"
  return text !== null && names.every(isPolicy) ? new Set(names) : defaults.retried
}

/** Splits a webhook's URL into the URL that is requested and signed, and its overrides. */
export const parse = (text: string): { readonly url: string; readonly overrides: ConnectionOverrides } => {
  const at = text.indexOf("#")
  if (at < 0) return { url: text, overrides: defaults }
  const pairs = new URLSearchParams(text.slice(at + 1))
  const whole = (key: string, least: number, most: number, fallback: number): number => {
    const value = pairs.get(key)
    return value !== null && /^\d{1,6}$/.test(value) && Number(value) >= least && Number(value) <= most ? Number(value) : fallback
  }
  return {
    url: text.slice(0, at),
    overrides: {
      connectMillis: whole("ct", 100, 10_000, defaults.connectMillis),
      readMillis: whole("rt", 100, 15_000, defaults.readMillis),
      totalMillis: whole("tt", 100, 15_000, defaults.totalMillis),
      retries: whole("rc", 0, 5, defaults.retries),
      retried: retriedBy(pairs.get("rp"))
    }
  }
}
