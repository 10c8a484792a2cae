/**
 * How often Twilio asks again when a webhook of ours is not answered: connection overrides, which stand in the fragment of a URL.
 *
 * Twilio reads the fragment and does not send it. By default it asks once more, and only if the connection was not made within 5 s. While
 * one process of several goes away, the next attempt reaches another one. Whether Twilio waits between two attempts is not documented, so
 * a service of one process needs `TWILIO_FALLBACK_URL` as well (docs/survival.md).
 *
 * https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
 */

/**
 * `rc`: five more attempts, the most that Twilio allows. `rp`: after every kind of failure. `ct`: 2000 ms for each connection, so that six
 * attempts end before Twilio's bound of 15 s for all of them.
 */
export const fragment = "#rc=5&rp=all&ct=2000"

/** The URL as Twilio is given it. The requests to it may come twice, so only URLs whose requests are safe to repeat are given so. */
export const withRetries = (url: string): string => `${url}${fragment}`
