/**
 * Connection overrides: how often Twilio repeats a webhook that was not answered. They stand in the fragment of the webhook's URL.
 *
 * Twilio reads the fragment and does not send it. By default it repeats a request once, and only if the connection was not made within
 * 5 s. If one process of several goes away, the next attempt reaches another process. Whether Twilio waits between two attempts is not
 * documented, so a service of one process needs `TWILIO_FALLBACK_URL` as well (docs/survival.md).
 *
 * https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
 */

/**
 * `rc`: five more attempts, the most that Twilio allows. `rp`: after any kind of failure. `ct`: 2000 ms for each connection, so that six
 * attempts end before Twilio's bound of 15 s for all of them.
 */
export const fragment = "#rc=5&rp=all&ct=2000"

/** The URL with connection overrides. Its requests may come twice, so use it only for URLs whose requests are safe to repeat. */
export const withRetries = (url: string): string => `${url}${fragment}`
