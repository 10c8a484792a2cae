/**
 * Twilio's request signature: accepts what the `twilio` package accepts, at a bounded cost.
 *
 * `base64(HMAC-SHA1(auth token, URL + every form parameter, sorted by name, name and value))`. A WebSocket upgrade is signed over its
 * `wss://` URL alone. Several tokens are checked, so that the primary token can be rotated without a gap. Signatures are compared in
 * constant time.
 *
 * The package serialises the parameters again for each spelling of the URL: for a stranger's form of 15,000 parameters that takes 40 ms.
 * Here they are serialised once, and each spelling costs one hash. A property test checks that each signature that the package accepts is
 * accepted here.
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

/** The header that carries the signature, in the lower case that Node gives. */
export const header = "x-twilio-signature"

/** The signature that Twilio would send; for the simulator and the tests. */
export const sign = (authToken: Redacted.Redacted, url: string, parameters: Parameters): string =>
  webhooks.getExpectedTwilioSignature(Redacted.value(authToken), url, parameters as Record<string, any>)

/** 20 bytes in base64: 28 characters, of which the last but one holds four bits. */
const signatureForm = /^[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=$/

/** Whether a header has the form of a signature. If not, the request is not Twilio's, and nothing else of it need be read. */
export const isShaped = (signature: string): boolean => signatureForm.test(signature)

// -- The spellings of a URL ---------------------------------------------------------------------

/** Scheme, user, host, port, and the rest. */
const urlParts = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)(:[^/?#]*)?([^]*)$/i

const standardPorts: Readonly<Record<string, string>> = { "https://": ":443", "wss://": ":443" }

/** The URL without its port, and with one: its own, or else the scheme's standard port. */
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

/** The URL with a slash at the end of its path, or without the one that it has. */
const withOtherSlash = (url: string): string => {
  const [path, query] = splitQuery(url)
  return (path.endsWith("/") ? path.slice(0, -1) : `${path}/`) + query
}

/** The URL with its query as Node's older `querystring` writes it (`%27` for `'`): some of Twilio's back ends have signed that. */
const withLegacyQuery = (url: string): string => {
  const [path, query] = splitQuery(url)
  return query.length < 2 ? url : `${path}?${stringify(parse(query.slice(1)))}`
}

/**
 * The spellings of one URL that Twilio may have signed, each once and the likeliest first. First come the unchanged URL, the URL with a
 * slash more or less, and with or without the standard port. Then come the forms that a URL parser and `querystring` write. These two forms
 * add nothing for a query without special characters. The last spelling has the connection overrides that Twilio was given. Twilio sends no
 * fragment, so it should sign none. But its pages do not say so, and the `twilio` package signs any text. A wrong guess would end every
 * call.
 *
 * Three differences from the package: it takes `:80` for the standard port of `wss`, where this code takes 443. It tries neither the slash
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
  for (const one of slashed) yield* yieldNew(one)
  for (const one of slashed) for (const spelling of withAndWithoutPort(one)) yield* yieldNew(spelling)
  const normalized = slashed.flatMap((one) => URL.parse(one)?.href ?? [])
  for (const one of normalized) for (const spelling of withAndWithoutPort(one)) yield* yieldNew(spelling)
  for (const one of normalized) for (const spelling of withAndWithoutPort(one)) yield* yieldNew(withLegacyQuery(spelling))
  // A fragment is not sent, so the request does not show it.
  if (/^http/i.test(url)) yield* yieldNew(url + ConnectionOverrides.fragment)
}

// -- The check ----------------------------------------------------------------------------------

/** All parameters as they are signed. A value that was sent several times under one name counts once. */
const serialize = (parameters: Parameters): string => {
  let text = ""
  for (const name of Object.keys(parameters).sort()) {
    const value = parameters[name]
    if (typeof value === "string") text += name + value
    else for (const one of [...new Set(value)].sort()) text += name + one
  }
  return text
}

interface Check {
  /** Bytes that are hashed for one spelling, without those of the URL. */
  readonly bytes: number
  /** Whether the signature was made with one of the tokens over exactly this URL. */
  readonly matches: (url: string) => boolean
}

/** Prepares the check of a signature over these parameters; `undefined` if the header does not have the form of a signature. */
export const check = (options: {
  readonly authTokens: Array.NonEmptyReadonlyArray<Redacted.Redacted>
  readonly signature: string
  readonly parameters: Parameters
}): Check | undefined => {
  if (!isShaped(options.signature)) return undefined
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
  const checked = check({ authTokens: options.authTokens, signature, parameters })
  if (checked === undefined) return false
  for (const spelling of spellings(options.url)) if (checked.matches(spelling)) return true
  return false
}
