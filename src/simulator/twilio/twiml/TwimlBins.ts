/**
 * TwiML Bins: documents that Twilio itself serves, so that they are available even when the service is not. The simulator serves them at
 * `/bins/`, beside its REST API.
 *
 * https://www.twilio.com/docs/serverless/twiml-bins
 */

/** Documents by their names. */
export type Bins = Readonly<Record<string, string>>

const folder = "/bins/"

/** The path of a bin, below the simulator's base URL. */
export const pathOf = (name: string): string => `${folder}${encodeURIComponent(name)}`

/** The document at a path. `undefined` if no document is there. */
export const find = (bins: Bins, path: string): string | undefined => {
  const name = Object.keys(bins).find((name) => pathOf(name) === path)
  return name === undefined ? undefined : bins[name]
}

/** Whether a path is in the folder of the bins. */
export const isBin = (path: string): boolean => path.startsWith(folder)

const escapeXml = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/**
 * A document that waits a moment and then redirects to the service. As a fallback, it keeps a call alive until the service is back: if the
 * redirect fails, Twilio requests the fallback again.
 */
export const pauseAndRedirect = (url: string, seconds = 1): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Pause length="${seconds}"/><Redirect method="POST">${escapeXml(url)}</Redirect></Response>`
