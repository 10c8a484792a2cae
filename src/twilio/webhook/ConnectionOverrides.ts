/**
 * Connection overrides set how often Twilio repeats a webhook that was not answered. They are in the fragment of the webhook's URL.
 *
 * Twilio reads the fragment and does not send it. By default, Twilio repeats a request once, and only if it could not connect within 5 s. If
 * one of several processes dies, the next attempt reaches another process. A service with one process needs `TWILIO_FALLBACK_URL` as well
 * (docs/survival.md): Twilio does not document whether it waits between two attempts, so all of them may come before the process is back.
 *
 * https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
 */

/**
 * `rc`: five more attempts, the most that Twilio allows. `rp`: they follow any kind of failure. `ct`: 2000 ms for each connection, so that
 * six attempts end before Twilio's limit of 15 s for all attempts.
 */
export const fragment = "#rc=5&rp=all&ct=2000"

/** The URL with connection overrides. Twilio may send a request several times, so use it only for URLs whose requests are safe to repeat. */
export const withRetries = (url: string): string => `${url}${fragment}`
