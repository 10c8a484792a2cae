/**
 * Checks Twilio's request signature as the `twilio` package does, but at a limited cost. `spellings` names the few differences.
 *
 * The signature is `base64(HMAC-SHA1(auth token, URL + every form parameter, sorted by name, name and value))`. The signature of a
 * WebSocket upgrade covers only the `wss://` URL. Several tokens are checked, so that the primary token can be rotated without a gap.
 * Signatures are compared in constant time.
 *
 * The package serialises the parameters again for each spelling of the URL. For a form of 15,000 parameters from a stranger that takes 40 ms.
 * Here the parameters are serialised once, and each spelling costs one hash. A property test compares this module with the package.
 *
 * https://www.twilio.com/docs/usage/security#validating-requests
 */
import { Array, Redacted } from "effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import { parse, stringify } from "node:querystring"
import webhooks from "twilio/lib/webhooks/webhooks.js"
import * as ConnectionOverrides from "./ConnectionOverrides.ts"

/** The form parameters of a webhook. A name that was sent several times has an array. */
export type Parameters = Readonly<Record<string, string | ReadonlyArray<string>>>

/** The name of the header with the signature, in lower case as in Node's `headers`. */
export const header = "x-twilio-signature"

/** The signature that Twilio would send. For the simulator and the tests. */
export const sign = (authToken: Redacted.Redacted, url: string, parameters: Parameters): string =>
  webhooks.getExpectedTwilioSignature(Redacted.value(authToken), url, parameters as Record<string, any>)

/** 20 bytes in base64 are 28 characters. The last one is `=`, and the one before it holds only four bits. */
const signatureForm = /^[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=$/

/** Whether a header has the form of a signature. If not, the request is not from Twilio, and the rest of the request need not be read. */
export const isWellFormed = (signature: string): boolean => signatureForm.test(signature)

// -- The spellings of a URL ---------------------------------------------------------------------

/** Scheme, user, host, port, and path with query. */
const urlParts = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)(:[^/?#]*)?([^]*)$/i

const standardPorts: Readonly<Record<string, string>> = { "https://": ":443", "wss://": ":443" }

/** The URL without a port, and the URL with its own port or the standard port of its scheme. */
const withAndWithoutPort = (url: string): ReadonlyArray<string> => {
  const match = urlParts.exec(url)
  if (match === null) return [url]
  const [, scheme, user = "", host, port = "", pathAndQuery] = match
  const authority = `${scheme}${user}${host}`
  return [authority + pathAndQuery, port === "" ? `${authority}${standardPorts[scheme.toLowerCase()] ?? ":80"}${pathAndQuery}` : url]
}

const splitQuery = (url: string): readonly [path: string, query: string] => {
  const at = url.indexOf("?")
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at)]
}

/** Adds a slash at the end of the URL's path, or removes the slash that is there. */
const withOtherSlash = (url: string): string => {
  const [path, query] = splitQuery(url)
  return (path.endsWith("/") ? path.slice(0, -1) : `${path}/`) + query
}

/** The URL with its query as Node's older `querystring` writes it (`%27` for `'`). Some back ends of Twilio have signed this form. */
const withLegacyQuery = (url: string): string => {
  const [path, query] = splitQuery(url)
  return query.length < 2 ? url : `${path}?${stringify(parse(query.slice(1)))}`
}

/**
 * The spellings of one URL that Twilio may have signed, each once and the likeliest first:
 *
 * - the unchanged URL, then the URL with a slash added or removed at the end of its path, then both with and without a port;
 * - the forms that a URL parser and `querystring` write. For a query without special characters they add no new spelling;
 * - the URL with the connection overrides that Twilio was given. Twilio sends no fragment, so it should not sign one. But Twilio's pages do not
 *   say so, and the `twilio` package signs any text. Without this spelling, every call would fail if Twilio signed the fragment.
 *
 * The package differs in three points. It takes 80 as the standard port of `wss`, while this code takes 443. It tries neither another slash
 * nor the connection overrides.
 */
export const spellings = function*(url: string): Generator<string> {
  const yielded = new Set<string>()
  const yieldNew = function*(spelling: string) {
    if (yielded.has(spelling)) return
    yielded.add(spelling)
    yield spelling
  }
  const slashed = [url, withOtherSlash(url)]
  for (const form of slashed) yield* yieldNew(form)
  for (const form of slashed) for (const spelling of withAndWithoutPort(form)) yield* yieldNew(spelling)
  const normalized = slashed.flatMap((form) => URL.parse(form)?.href ?? [])
  for (const form of normalized) for (const spelling of withAndWithoutPort(form)) yield* yieldNew(spelling)
  for (const form of normalized) for (const spelling of withAndWithoutPort(form)) yield* yieldNew(withLegacyQuery(spelling))
  // A request has no fragment, so the connection overrides are added here. The URL of a WebSocket has none.
  if (/^http/i.test(url)) yield* yieldNew(url + ConnectionOverrides.fragment)
}

// -- The check ----------------------------------------------------------------------------------

/** All parameters as they are signed. A value that was sent several times under one name counts once. */
const serialize = (parameters: Parameters): string => {
  let text = ""
  for (const name of Object.keys(parameters).sort()) {
    const value = parameters[name]
    if (typeof value === "string") text += name + value
    else for (const part of [...new Set(value)].sort()) text += name + part
  }
  return text
}

interface Check {
  /** How many bytes are hashed for one spelling, without the URL's bytes. */
  readonly bytes: number
  /** Whether the signature was made with one of the tokens over exactly this URL. */
  readonly matches: (url: string) => boolean
}

/** Prepares the check of a signature over these parameters. `undefined`: the header does not have the form of a signature. */
export const prepareCheck = (options: {
  readonly authTokens: Array.NonEmptyReadonlyArray<Redacted.Redacted>
  readonly signature: string
  readonly parameters: Parameters
}): Check | undefined => {
  if (!isWellFormed(options.signature)) return undefined
  const claimed = Buffer.from(options.signature, "base64")
  const serialized = Buffer.from(serialize(options.parameters))
  const tokens = options.authTokens.map(Redacted.value)
  return {
    bytes: serialized.length * tokens.length,
    matches: (url) =>
      tokens.some((token) => timingSafeEqual(createHmac("sha1", token).update(url).update(serialized).digest(), claimed))
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
  const check = prepareCheck({ authTokens: options.authTokens, signature, parameters })
  if (check === undefined) return false
  for (const spelling of spellings(options.url)) if (check.matches(spelling)) return true
  return false
}
