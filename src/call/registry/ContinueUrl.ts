/**
 * The URL at which Twilio requests TwiML when a call's stream or transfer has ended. The request may reach another process, and the store
 * may not answer that process. So the URL contains the name of the call's agent, and whether only figures of the call are stored.
 */
import * as WebhookUrls from "../../twilio/webhook/WebhookUrls.ts"
import type { CallInfo } from "../CallInfo.ts"
import { ticketOf } from "./ExpectedCalls.ts"

/** `base`: the URL at which Twilio reaches the service. `step`: see `CallState`. */
export const of = ({ agent, settings }: Pick<CallInfo, "agent" | "settings">, base: string, step = 0): string =>
  WebhookUrls.of(base, "/twilio/continue", { agent: agent.name, ticket: ticketOf(settings), step: step > 0 ? String(step) : undefined })
