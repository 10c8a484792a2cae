/**
 * Checks an address for webhooks that a setting, an agent's file or a request names.
 *
 * A host name is looked up only when a webhook is sent. `delivery/ReceiverLookup` then checks the IP addresses of the host.
 */
import { Data, Result } from "effect"
import { isIP } from "node:net"
import { isPrivate } from "./PrivateAddresses.ts"

const maxLength = 2048

const refusalClauses = {
  noUrl: "is not an http or https URL",
  tooLong: `has more than ${maxLength} characters`,
  credentials: "has a user name or a password, and proxies may log these. Put a token into its path or its query, and check the signature",
  plain: "begins with http://, and the words of calls must not go over a network unencrypted. Use https://, or set WEBHOOK_PRIVATE_ADDRESSES=on",
  private: "is in a private network or on this machine. Use a public address, or set WEBHOOK_PRIVATE_ADDRESSES=on"
} as const

/** No webhook may be sent to this address. The message is a clause that follows the setting's name. It does not contain the address. */
export class WebhookAddressRefused extends Data.TaggedError("WebhookAddressRefused")<{ readonly why: keyof typeof refusalClauses }> {
  override get message() {
    return refusalClauses[this.why]
  }
}

const refuse = (why: keyof typeof refusalClauses) => Result.fail(new WebhookAddressRefused({ why }))

/** The host of a URL, without the brackets of an IPv6 address. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, "$1")

const isLocalhost = (host: string) => /(?:^|\.)localhost\.?$/i.test(host)

/**
 * Reads an address, or says why no webhook may be sent to it.
 *
 * @param isPrivateAllowed `WEBHOOK_PRIVATE_ADDRESSES`: private hosts and `http://` are allowed
 */
export const read = (text: string, isPrivateAllowed: boolean): Result.Result<URL, WebhookAddressRefused> => {
  if (text.length > maxLength) return refuse("tooLong")
  const url = URL.parse(text.trim())
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "") return refuse("noUrl")
  if (url.username !== "" || url.password !== "") return refuse("credentials")
  url.hash = ""
  if (isPrivateAllowed) return Result.succeed(url)
  if (url.protocol === "http:") return refuse("plain")
  const host = hostOf(url)
  return isLocalhost(host) || isIP(host) !== 0 && isPrivate(host) ? refuse("private") : Result.succeed(url)
}
