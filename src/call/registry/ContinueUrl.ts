/**
 * The URL at which Twilio asks what to do when a call's stream or transfer has ended. The request may reach another process that can't ask
 * the store. So the URL names the call's agent, and says whether only figures of the call are stored.
 */
import * as WebhookUrls from "../../twilio/webhook/WebhookUrls.ts"
import type { CallInfo } from "../CallInfo.ts"
import { ticketOf } from "./ExpectedCalls.ts"

/** `base`: where Twilio reaches the service. `step`: see `CallState`. */
export const of = ({ agent, keeping }: Pick<CallInfo, "agent" | "keeping">, base: string, step = 0): string =>
  WebhookUrls.of(base, "/twilio/continue", { agent: agent.name, ticket: ticketOf(keeping), step: step > 0 ? String(step) : undefined })
