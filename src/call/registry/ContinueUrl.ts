/**
 * Where Twilio asks what to do when a call's stream or transfer is over. Another process may be asked, and may be unable to ask the store:
 * so the URL tells whose call it is, and whether only figures of it are kept.
 */
import * as WebhookUrls from "../../twilio/webhook/WebhookUrls.ts"
import type { CallInfo } from "../CallInfo.ts"
import { ticketOf } from "./ExpectedCalls.ts"

/** `base`: where Twilio reaches the service. `step`: see `CallState`. */
export const of = ({ agent, keeping }: Pick<CallInfo, "agent" | "keeping">, base: string, step = 0): string =>
  WebhookUrls.of(base, "/twilio/continue", { agent: agent.name, ticket: ticketOf(keeping), step: step > 0 ? String(step) : undefined })
