/**
 * Twilio's request signature: what the `twilio` package accepts, at a bounded price.
 *
 * `base64(HMAC-SHA1(auth token, URL + every form parameter, sorted by name, name and value))`. A
 * WebSocket upgrade is signed over its `wss://` URL alone. A validator holds several tokens so that
 * the primary token can be rotated without a gap. Signatures are compared in constant time.
 *
 * The package's own validation writes the parameters down anew for each spelling of the URL: for a stranger's form of 15,000
 * parameters that is 40 ms. Here they are written down once, and each spelling costs one hash. A property holds the
 * two together: whatever the package accepts is accepted here.
 *
 * https://www.twilio.com/docs/usage/security#validating-requests
 */
import { Array, Redacted } from "effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import { parse, stringify } from "node:querystring"
import webhooks from "twilio/lib/webhooks/webhooks.js"

/** The form parameters of a webhook; a name that was sent twice has an array. */
export type Parameters = Readonly<Record<string, string | ReadonlyArray<string>>>

/** The header that carries the signature, in the lower case that Node gives. */
export const header = "x-twilio-signature"

/** The signature that Twilio would send: what the simulator uses, and the tests. */
export const sign = (authToken: Redacted.Redacted, url: string, parameters: Parameters): string =>
  webhooks.getExpectedTwilioSignature(Redacted.value(authToken), url, parameters as Record<string, any>)

/** 20 bytes in base64: 28 characters, of which the last but one holds four bits. */
const shape = /^[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=$/

/** Whether a header may be a signature at all. What is none is a stranger's, and nothing else of its request need be read. */
export const isShaped = (signature: string): boolean => shape.test(signature)

// -- The spellings of a URL ---------------------------------------------------------------------

const parts = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)(:[^/?#]*)?([^]*)$/i

const standardPorts: Readonly<Record<string, string>> = { "https://": ":443", "wss://": ":443" }

/** Without its port; and with the scheme's own, where it has none. */
const withAndWithoutPort = (url: string): ReadonlyArray<string> => {
  const match = parts.exec(url)
  if (match === null) return [url]
  const [, scheme, user = "", host, port = "", rest] = match
  const authority = `${scheme}${user}${host}`
  return [authority + rest, port === "" ? `${authority}${standardPorts[scheme.toLowerCase()] ?? ":80"}${rest}` : url]
}

const splitQuery = (url: string): readonly [path: string, query: string] => {
  const at = url.indexOf("?")
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at)]
}

/** With a slash before the query, or without the one that is there. */
const withOtherSlash = (url: string): string => {
  const [path, query] = splitQuery(url)
  return (path.endsWith("/") ? path.slice(0, -1) : `${path}/`) + query
}

/** As Node's older `querystring` writes the query: some back ends of Twilio's have signed that (`%27` for `'`). */
const withLegacyQuery = (url: string): string => {
  const [path, query] = splitQuery(url)
  return query.length < 2 ? url : `${path}?${stringify(parse(query.slice(1)))}`
}

/**
 * The spellings of one URL that a Twilio signature may have been made over, the likeliest first: as it came, with a slash
 * more or less, with and without the standard port; then as a URL parser and an older one write it. For a URL without odd
 * characters in its query the last two are no others.
 *
 * The package takes `:80` for the standard port of `wss`; here it is 443. And the package tries no slash.
 */
export const spellings = function*(url: string): Generator<string> {
  const told = new Set<string>()
  const tellNew = function*(url: string) {
    if (told.has(url)) return
    told.add(url)
    yield url
  }
  const slashed = [url, withOtherSlash(url)]
  for (const one of slashed) yield* tellNew(one)
  for (const one of slashed) for (const spelling of withAndWithoutPort(one)) yield* tellNew(spelling)
  const normal = slashed.flatMap((one) => URL.parse(one)?.href ?? [])
  for (const one of normal) for (const spelling of withAndWithoutPort(one)) yield* tellNew(spelling)
  for (const one of normal) for (const spelling of withAndWithoutPort(one)) yield* tellNew(withLegacyQuery(spelling))
}

// -- The check ----------------------------------------------------------------------------------

/** All parameters as they are signed. A value that was sent twice under one name counts once. */
const writtenDown = (parameters: Parameters): string => {
  let text = ""
  for (const name of Object.keys(parameters).sort()) {
    const value = parameters[name]
    if (typeof value === "string") text += name + value
    else for (const one of [...new Set(value)].sort()) text += name + one
  }
  return text
}

export interface Check {
  /** Bytes that one spelling costs to hash, beside the URL's own. */
  readonly bytes: number
  /** Whether the signature was made with one of the tokens over exactly this URL. */
  readonly matches: (url: string) => boolean
}

/** What checks a signature over these parameters; `undefined` for what can be none. */
export const check = (options: {
  readonly authTokens: Array.NonEmptyReadonlyArray<Redacted.Redacted>
  readonly signature: string
  readonly parameters: Parameters
}): Check | undefined => {
  if (!isShaped(options.signature)) return undefined
  const claimed = Buffer.from(options.signature, "base64")
  const written = Buffer.from(writtenDown(options.parameters))
  const tokens = options.authTokens.map(Redacted.value)
  return {
    bytes: written.length * tokens.length,
    matches: (url) =>
      tokens.some((token) => timingSafeEqual(createHmac("sha1", token).update(url).update(written).digest(), claimed))
  }
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
  const { parameters, signature } = options
  if (signature === undefined) return false
  const checked = check({ authTokens: options.authTokens, signature, parameters })
  if (checked === undefined) return false
  for (const spelling of spellings(options.url)) if (checked.matches(spelling)) return true
  return false
}
