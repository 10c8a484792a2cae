/**
 * Whether Twilio signed a request that came before the service is there.
 *
 * Only so many requests may wait for the start, and strangers can send as many with a signature's shape. What Twilio signed is kept.
 */
import { Option } from "effect"
import { UrlParams } from "effect/http"
import type { IncomingMessage } from "node:http"
import type { Settings } from "../../config/Settings.ts"
import * as Signature from "../../twilio/webhook/Signature.ts"
import * as PublicUrl from "../connections/PublicUrl.ts"

/** Of a request and the whole of its body. */
export type IsSigned = (request: IncomingMessage, body: Uint8Array) => boolean

const parametersOf = (body: Uint8Array): Signature.Parameters =>
  UrlParams.toRecord(UrlParams.fromInput(new URLSearchParams(new TextDecoder().decode(body).replace(/^\?/, "%3F"))))

/** `undefined` without an account: the local one, which only the simulator has, is not known yet. */
export const make = ({ server, twilio }: Pick<Settings, "server" | "twilio">): IsSigned | undefined => {
  if (Option.isNone(twilio.account)) return undefined
  const { authTokens } = twilio.account.value
  return (request, body) => {
    const { headers, method, socket, url = "/" } = request
    const signature = headers[Signature.header]
    if (typeof signature !== "string") return false
    const parameters = method === "POST" ? parametersOf(body) : {}
    const bases = PublicUrl.basesOf(server, socket.localPort ?? server.port)(headers as Record<string, string | undefined>, socket.remoteAddress)
    return bases.some((base) => Signature.isValid({ authTokens, signature, url: base + url, parameters }))
  }
}
