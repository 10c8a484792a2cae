/**
 * Twilio's webhooks: their paths, and the URLs that this service gives Twilio.
 */

export const paths = ["/twiml", "/twilio/continue", "/twilio/status", "/twilio/stream"] as const

/**
 * @param base where Twilio reaches the service: `https://…`, without a slash at its end
 * @param query the URL's query, which Twilio sends back in its request; fields that are `undefined` are left out
 */
export const of = (base: string, path: typeof paths[number], query: Readonly<Record<string, string | undefined>> = {}): string => {
  const fields = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `${base}${path}${fields.length === 0 ? "" : `?${new URLSearchParams(fields)}`}`
}
