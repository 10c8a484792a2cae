/**
 * Checks whether Twilio signed a request that came while the service was still starting.
 *
 * Only a few requests may wait for the start, and strangers can send many requests with a forged signature. When too many wait, `Starting`
 * refuses those that Twilio did not sign.
 */
import { Option } from "effect"
import { UrlParams } from "effect/http"
import type { IncomingMessage } from "node:http"
import type { Settings } from "../../config/Settings.ts"
import * as Signature from "../../twilio/webhook/Signature.ts"
import * as PublicUrl from "../connections/PublicUrl.ts"
import * as RequestTarget from "../connections/RequestTarget.ts"

/** `body` is the whole of the request's body. */
export type IsSigned = (request: IncomingMessage, body: Uint8Array) => boolean

const parametersOf = (body: Uint8Array): Signature.Parameters =>
  // A `?` at the beginning belongs to the first name; `URLSearchParams` would drop it.
  UrlParams.toRecord(UrlParams.fromInput(new URLSearchParams(new TextDecoder().decode(body).replace(/^\?/, "%3F"))))

/** `undefined` if no Twilio account is set. The local account, which only the simulator uses, is not known yet at this time. */
export const make = ({ server, twilio }: Pick<Settings, "server" | "twilio">): IsSigned | undefined => {
  if (Option.isNone(twilio.account)) return undefined
  const { authTokens } = twilio.account.value
  return (request, body) => {
    const { headers, method, socket } = request
    const signature = headers[Signature.header]
    if (typeof signature !== "string") return false
    const parameters = method === "POST" ? parametersOf(body) : {}
    const bases = PublicUrl.basesOf(server, socket.localPort ?? server.port)(headers as Record<string, string | undefined>, socket.remoteAddress)
    return bases.some((base) => Signature.isValid({ authTokens, signature, url: base + RequestTarget.of(request), parameters }))
  }
}
