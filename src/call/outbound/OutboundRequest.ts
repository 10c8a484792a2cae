/** A request to place a call, the placed call, and the reasons why a call may not be placed. */
import { Data, type Option } from "effect"
import type { UnknownAgent } from "../../agent/Agents.ts"
import type { AgentName } from "../../domain/AgentName.ts"
import type * as DialRules from "../../domain/DialRules.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import type { CallSid } from "../../domain/Sid.ts"
import type { TwilioError } from "../../twilio/rest/RestClient.ts"
import type { RequestedSettings } from "../history/SettingsChoice.ts"
import type { WebSocketUrlRefused } from "../MediaHost.ts"
import type { LineBusy } from "../registry/Admission.ts"
import type { DialLimitReached } from "./DialLimits.ts"
import type { TooManyWaiting } from "./DialSlots.ts"
import type { IdempotencyConflict } from "./IdempotencyKeys.ts"

export interface OutboundRequest {
  readonly to: PhoneNumber
  /** Absent: the standard agent. */
  readonly agent: Option.Option<AgentName>
  /** The media WebSocket that the client chose. Absent: this service's own. */
  readonly websocketUrl: Option.Option<string>
  readonly idempotencyKey: Option.Option<string>
  readonly settings: RequestedSettings
  /** Where Twilio reaches this service: `https://…`, without a trailing slash. */
  readonly baseUrl: string
}

export interface PlacedCall {
  readonly callSid: CallSid
  readonly status: string
  readonly to: PhoneNumber
  readonly from: PhoneNumber
  readonly agent: AgentName
  /** How long the call waited for its dial slot, in ms. */
  readonly queuedMillis: number
}

/** The service lacks settings that it needs to place calls. */
export class OutboundNotConfigured extends Data.TaggedError("OutboundNotConfigured")<{
  /** The variables that are missing. */
  readonly missing: ReadonlyArray<string>
}> {
  override get message() {
    return `Calls can't be placed yet. Set ${this.missing.join(", ")} and start the service again.`
  }
}

/** The dialling rules forbid this number. */
export class NumberRefused extends Data.TaggedError("NumberRefused")<DialRules.DialRefusal> {}

export type OutboundError =
  | OutboundNotConfigured
  | WebSocketUrlRefused
  | NumberRefused
  | DialLimitReached
  | TooManyWaiting
  | IdempotencyConflict
  | UnknownAgent
  | LineBusy
  | TwilioError

/** Whether the phone may have rung in spite of the error. Another dial could then ring it twice. */
export const mayHaveRung = (error: OutboundError): boolean => error._tag === "TwilioError" && error.mayBeDone
