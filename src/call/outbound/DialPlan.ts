/** Plans the dial for a request, after the checks that need neither a free line nor a dial slot. */
import { Effect, Option } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import type { Agents } from "../../agent/Agents.ts"
import type { AppConfig } from "../../config/AppConfig.ts"
import * as Contradictions from "../../config/Contradictions.ts"
import type { Credentials } from "../../config/Credentials.ts"
import * as DialRules from "../../domain/DialRules.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import * as WebhookUrls from "../../twilio/webhook/WebhookUrls.ts"
import * as MediaHost from "../MediaHost.ts"
import { NumberRefused, OutboundNotConfigured, type OutboundError, type OutboundRequest } from "./OutboundRequest.ts"

export interface DialPlan {
  readonly from: PhoneNumber
  readonly agent: Agent
  /** The URL at which Twilio requests the call's TwiML. */
  readonly url: string
}

/** Returns a function that plans the dial for a request, or fails with the reason why the call is not dialled. */
export const make = (
  config: AppConfig["Service"],
  credentials: Credentials["Service"],
  agents: Agents["Service"]
) => {
  const { apiBaseUrl, phoneNumber } = config.twilio

  const missing = [
    ...credentials.isLocalAccount && Option.isNone(apiBaseUrl) ? ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"] : [],
    ...Option.isNone(phoneNumber) ? ["TWILIO_PHONE_NUMBER"] : []
  ]

  /** Twilio opens media streams only over wss. A stand-in for Twilio, at `TWILIO_API_BASE_URL`, also opens unencrypted ones. */
  const canStreamTo = (baseUrl: string) => !Contradictions.isRealTwilio(config.twilio) || baseUrl.startsWith("https:")

  return Effect.fnUntraced(function*(request: OutboundRequest): Effect.fn.Return<DialPlan, OutboundError> {
    if (Option.isNone(phoneNumber) || missing.length > 0) return yield* new OutboundNotConfigured({ missing })
    if (!canStreamTo(request.baseUrl)) return yield* new OutboundNotConfigured({ missing: ["PUBLIC_URL (https)"] })
    const agent = Option.isSome(request.agent) ? yield* agents.find(request.agent.value) : agents.standard
    const allowedHosts = [new URL(request.baseUrl).host, ...config.server.websocketHosts]
    const websocketUrl = Option.isNone(request.websocketUrl) ? undefined : yield* Effect.fromResult(MediaHost.check(request.websocketUrl.value, allowedHosts))
    const refusal = DialRules.refusal(config.dialling.rules, request.to)
    if (Option.isSome(refusal)) return yield* new NumberRefused(refusal.value)
    return { from: phoneNumber.value, agent, url: WebhookUrls.of(request.baseUrl, "/twiml", { agent: agent.name, websocket_url: websocketUrl }) }
  })
}
