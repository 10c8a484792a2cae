/**
 * Twilio's request signature, by the `twilio` package's own validation.
 *
 * `base64(HMAC-SHA1(auth token, URL + every form parameter, sorted by name, name and value))`. A
 * WebSocket upgrade is signed over its `wss://` URL alone. A validator holds several tokens so that
 * the primary token can be rotated without a gap. The package compares in constant time.
 *
 * https://www.twilio.com/docs/usage/security#validating-requests
 */
import { Array, Redacted } from "effect"
import webhooks from "twilio/lib/webhooks/webhooks.js"

/** The form parameters of a webhook; a name that was sent twice has an array. */
export type Parameters = Readonly<Record<string, string | ReadonlyArray<string>>>

/** The header that carries the signature, in the lower case that Node gives. */
export const header = "x-twilio-signature"

/** The signature that Twilio would send: what the simulator uses, and the tests. */
export const sign = (authToken: Redacted.Redacted, url: string, parameters: Parameters): string =>
  webhooks.getExpectedTwilioSignature(Redacted.value(authToken), url, parameters as Record<string, any>)

/**
 * The spellings of one URL that a Twilio signature may have been made over.
 *
 * The package itself tries the URL with and without port for `https`; for `wss` it takes 80 for the
 * standard port, and it tries no slash. Both are made good here: an explicit `:443` for `wss`, and a
 * trailing slash more or less.
 */
export const candidates = (url: string): ReadonlyArray<string> => {
  const queryAt = url.indexOf("?")
  const path = queryAt < 0 ? url : url.slice(0, queryAt)
  const query = queryAt < 0 ? "" : url.slice(queryAt)
  const slashed = path.endsWith("/") ? path.slice(0, -1) : `${path}/`
  const spellings = [path + query, slashed + query]
  const secure = /^wss:\/\/([^/:]+|\[[^\]]+\])(?=\/|$)/i
  return secure.test(url)
    ? [...spellings, ...spellings.map((spelling) => spelling.replace(secure, "wss://$1:443"))]
    : spellings
}

/**
 * Whether `signature` was made with one of the tokens over one of the URL's spellings.
 *
 * @param url absolute, as Twilio was given it (`https://…` for webhooks, `wss://…` for an upgrade)
 */
export const isValid = (options: {
  readonly authTokens: Array.NonEmptyReadonlyArray<Redacted.Redacted>
  readonly signature: string | undefined
  readonly url: string
  readonly parameters: Parameters
}): boolean => {
  const { signature } = options
  if (signature === undefined || signature.length === 0) return false
  const urls = candidates(options.url)
  return options.authTokens.some((token) =>
    urls.some((url) =>
      webhooks.validateRequest(Redacted.value(token), signature, url, options.parameters as Record<string, any>)
    )
  )
}
