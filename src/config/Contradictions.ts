/**
 * Checks settings that are valid alone but wrong together. With settings that can't work, the service does not start. For a setting that has
 * no effect, or an effect that the operator probably did not intend, the service logs a warning. Each problem is one line, which begins with the
 * variable's name.
 */
import { Duration, Option, Redacted, Result } from "effect"
import * as GuessableKeys from "./GuessableKeys.ts"
import { intendedVariable } from "./Environment.ts"
import { isIP } from "node:net"
import { isEverything } from "./Networks.ts"
import { isPrivate } from "./PrivateAddresses.ts"
import type { Settings } from "./Settings.ts"
import * as WebhookAddress from "./WebhookAddress.ts"

/** The secrets of `.env.example`, which everybody knows. `encryptionKey`: the beginning of that key in base64, where its `-` is `+`. */
const examples = { apiKey: GuessableKeys.example, authToken: "0123456789abcdef0123456789abcdef", webhookSecret: "whsec_ZXhhbXBsZSBvZiAuZW52LmV4YW1wbGU6IG5vdCBhIHNlY3JldA==", encryptionKey: "replace+me+with" }

/** Host names that public DNS does not have: names without a dot, and names that are reserved for local networks (RFC 6761, 6762, 8375). */
const isLocalName = (host: string) => !host.includes(".") || /\.(?:localhost|local|internal|home\.arpa)\.?$/i.test(host)

/** Whether a URL's host is this machine or is in a private network, so that Twilio can't reach it. Names are not looked up. */
const isLocalUrl = (url: URL) => {
  const host = WebhookAddress.hostOf(url)
  return isIP(host) === 0 ? isLocalName(host) : isPrivate(host)
}

const isPlain = (url: URL) => url.protocol === "http:"

const isTwilio = ({ hostname }: URL) => hostname === "twilio.com" || hostname.endsWith(".twilio.com")

/** Whether calls come from Twilio itself. Otherwise a simulator stands in for Twilio, and everything may be on one machine. */
export const isRealTwilio = ({ account, apiBaseUrl }: Settings["twilio"]): boolean =>
  Option.isSome(account) && Option.match(apiBaseUrl, { onNone: () => true, onSome: isTwilio })

/** Whether other machines can reach the service: it has a `PUBLIC_URL`, or it does not listen on a loopback address. */
export const isReachableFromOutside = ({ host, publicUrl }: Settings["server"]) =>
  Option.isSome(publicUrl) || !/^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?|\[?::ffff:127(?:\.\d{1,3}){3}\]?)$/i.test(host)

/** A line about the API key if it can be guessed. */
const apiKeyProblems = (apiKey: Settings["apiKey"]): ReadonlyArray<string> => {
  const weakness = Option.isNone(apiKey) ? undefined : GuessableKeys.weakness(Redacted.value(apiKey.value))
  return weakness === undefined ? [] : [`API_KEY ${weakness}. Anybody who guesses the key can place calls. ${GuessableKeys.advice}`]
}

/** A line for each combination of settings that can't work or must not be used. */
export const problems = ({ apiKey, server, store, twilio, webhooks }: Settings): ReadonlyArray<string> => {
  const lines: Array<string> = []
  // The first four checks are only for the real Twilio.
  const isReal = isRealTwilio(twilio)
  const forSimulator = "For the simulator, set TWILIO_API_BASE_URL to its address."
  if (isReal && Option.exists(server.publicUrl, isPlain)) {
    lines.push(
      `PUBLIC_URL begins with http://, but TWILIO_ACCOUNT_SID is set, and Twilio sends a call's sound only over wss://. Set PUBLIC_URL to an https:// address. ${forSimulator}`
    )
  }
  if (isReal && Option.exists(server.publicUrl, isLocalUrl)) {
    lines.push(
      `PUBLIC_URL is an address of this machine or its network, but TWILIO_ACCOUNT_SID is set, and Twilio can't reach it. Set PUBLIC_URL to a public address. ${forSimulator}`
    )
  }
  if (isReal && Option.exists(twilio.fallbackUrl, isLocalUrl)) {
    lines.push("TWILIO_FALLBACK_URL is an address of this machine or its network, and Twilio can't reach it. Set it to a public address, such as a TwiML Bin's.")
  }
  if (isReal && Option.exists(twilio.account, ({ authTokens }) => authTokens.some((token) => Redacted.value(token) === examples.authToken))) {
    lines.push("TWILIO_AUTH_TOKEN is still the example of .env.example. Set it to the account's auth token, which Twilio's console shows.")
  }
  if (isReachableFromOutside(server)) lines.push(...apiKeyProblems(apiKey))
  if (Option.exists(webhooks.secrets, (secrets) => secrets.some((secret) => Redacted.value(secret) === examples.webhookSecret))) {
    lines.push("WEBHOOK_SECRET is still the example of .env.example, so everybody could make webhooks that look like this service's. Set a secret of your own.")
  }
  if (Option.exists(store.encryption, (keys) => keys.some(({ key }) => Buffer.from(Redacted.value(key)).toString("base64").startsWith(examples.encryptionKey)))) {
    lines.push("STORE_ENCRYPTION_KEYS is still the example of .env.example, so everybody could open the sealed data. Make a key: openssl rand -base64 32")
  }
  if (Option.isSome(webhooks.url)) {
    const address = WebhookAddress.read(webhooks.url.value.href, webhooks.isPrivateAllowed)
    if (Result.isFailure(address)) lines.push(`WEBHOOK_URL ${address.failure.message}.`)
  }
  return lines
}

/** The warning if the service records calls and {@link keepsRecordingsToItself} is true. */
export const unsharedRecordings =
  "RECORDING_DIR and S3_BUCKET are not set, but DATABASE_URL is: only the process that made a recording can serve it. Several processes need a shared folder or a bucket."

/** Whether the other processes of the same store can't read the recordings of this process. */
export const keepsRecordingsToItself = ({ recording, store }: Pick<Settings, "recording" | "store">): boolean =>
  Option.isSome(store.database) && Option.isNone(recording.dir) && Option.isNone(recording.bucket)

/** The path of this service's own page at the end of `PUBLIC_URL`, if there is one. People copy a webhook's address instead of the service's. */
const ownPathIn = (pathname: string): string | undefined => /\/(?:twiml|ws|health|twilio(?:\/[a-z]+)?|call\/outbound)\/?$/i.exec(pathname)?.[0]

const stages = [["STT", "speechToText"], ["LLM", "replyModel"], ["TTS", "textToSpeech"]] as const

/**
 * A line for each setting that has no effect, or an effect that the operator probably did not intend.
 *
 * @param given the names of all variables that have a value, including those of other programs
 * @param known the names of all variables of this service
 */
export const warnings = (settings: Settings, given: ReadonlyArray<string>, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { apiKey, engines, eventsDir, limits, recording, server, store, twilio, webhooks } = settings
  const lines: Array<string> = []
  for (const [prefix, stage] of stages) {
    if (engines[stage].some(({ _tag }) => _tag === "Server")) continue
    for (const name of given) {
      if (known.includes(name) && name.startsWith(`${prefix}_`) && name !== `${prefix}_URL`) {
        lines.push(`${name} does nothing: it configures a server, and ${prefix}_URL names no server.`)
      }
    }
  }
  // This is only a warning. If other machines can reach the service, `problems` prevents the start with a weak key.
  lines.push(...apiKeyProblems(apiKey))
  if (server.trustedProxies.some(isEverything)) {
    lines.push("TRUSTED_PROXIES trusts every address, so every client can forge its own address and the URL that it called. Name only the addresses of the proxies.")
  }
  if (Option.isSome(webhooks.url) && Option.isNone(webhooks.secrets) && Option.isSome(store.database)) {
    lines.push("WEBHOOK_SECRET is not set, so each process signs webhooks with a secret of its own. If several processes share DATABASE_URL, give all of them the same secret.")
  }
  const ownPath = Option.getOrUndefined(Option.map(server.publicUrl, ({ pathname }) => ownPathIn(pathname)))
  if (ownPath !== undefined) {
    lines.push(`PUBLIC_URL ends with ${ownPath}, which is the path of a page of this service. Set PUBLIC_URL to the address before this path.`)
  }
  if (given.includes("ADMIN_HOST") && Option.isNone(server.admin)) {
    lines.push("ADMIN_HOST does nothing: there is no second address, because ADMIN_PORT is not set.")
  }
  if (Option.isSome(twilio.phoneNumber) && Option.isNone(twilio.account) && Option.isNone(twilio.apiBaseUrl)) {
    lines.push("TWILIO_PHONE_NUMBER does nothing: calls are placed only with TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.")
  }
  if (Option.exists(twilio.fallbackUrl, ({ host }) => Option.exists(server.publicUrl, (own) => own.host === host))) {
    lines.push("TWILIO_FALLBACK_URL is an address of this service (PUBLIC_URL), but Twilio requests it when this service does not answer. Set it to the URL of another server, such as a TwiML Bin.")
  }
  if (store.retention.wordsDays > store.retention.figuresDays) {
    lines.push("STORE_WORDS_DAYS does nothing: everything about a call is removed after STORE_FIGURES_DAYS.")
  }
  if (store.numbers === "hashed" && Option.isSome(store.database) && Option.isNone(store.key)) {
    lines.push("STORE_NUMBERS is hashed and STORE_KEY is not set: each process makes a key of its own and can't find numbers that another process has hashed. Set STORE_KEY.")
  }
  if (Option.isSome(eventsDir) && Option.isSome(store.encryption)) {
    lines.push("EVENTS_DIR is set, and its files are not sealed: each call's words are readable in them, in spite of STORE_ENCRYPTION_KEYS. Set EVENTS_DIR only while you look for a fault.")
  }
  if (Option.isNone(recording.bucket)) {
    const unused = given.filter((name) => name.startsWith("S3_") && known.includes(name))
    for (const name of unused) lines.push(`${name} does nothing: it configures a bucket, and S3_BUCKET names no bucket.`)
  }
  if (recording.recordsAllCalls && keepsRecordingsToItself(settings)) lines.push(unsharedRecordings)
  if (limits.callsPerCaller > limits.calls) {
    lines.push("MAX_CALLS_PER_CALLER does nothing: all callers together have MAX_CALLS at most.")
  }
  for (const [name, limit] of [["START_TIMEOUT", limits.startTimeout], ["MEDIA_TIMEOUT", limits.mediaTimeout]] as const) {
    if (Duration.isGreaterThanOrEqualTo(limit, limits.callDuration)) {
      lines.push(`${name} does nothing: a call may last no longer than MAX_CALL_DURATION.`)
    }
  }
  if (Option.exists(twilio.apiBaseUrl, (url) => isPlain(url) && isTwilio(url))) {
    lines.push("TWILIO_API_BASE_URL begins with http://: the auth token would go over the network unencrypted. Set https://.")
  }
  for (const name of given) {
    const variable = intendedVariable(name, known)
    if (variable !== undefined && !given.includes(variable)) lines.push(`${name} is not a variable of this service. Did you mean ${variable}?`)
  }
  return lines
}
