/** What does not change during a call: its parties, its agent, its settings, its requests to Twilio, and its limits. */
import type { Duration, Effect, Option, Schema } from "effect"
import type { Agent } from "../agent/Agent.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { CallSid } from "../domain/Sid.ts"
import type { TwilioError } from "../twilio/rest/RestClient.ts"

export interface CallInfo {
  readonly callSid: CallSid
  readonly direction: "inbound" | "outbound"
  readonly from: Option.Option<PhoneNumber>
  readonly to: Option.Option<PhoneNumber>
  readonly agent: Agent
  /** The caller whose calls `MAX_CALLS_PER_CALLER` limits, see `CallerKey`. Unset: the call counts for no caller. */
  readonly callerKey?: string
  /**
   * The URL at which Twilio reaches the service: `https://…`, without a slash at its end. Unset: Twilio can't request TwiML after a
   * transfer, so the call ends with the transfer.
   */
  readonly baseUrl?: string
  readonly settings: CallSettings
}

/** A call that `CallRegistry` may admit. */
export type NewCall = Omit<CallInfo, "settings"> & {
  /** Unset: the call's ticket decides. Without a ticket, the agent and the configuration decide. */
  readonly settings?: CallSettings
  /** The ticket in the URL of a call that we placed, see `ExpectedCalls`. */
  readonly ticket?: string
}

/** What the service stores of a call and sends about it. `SettingsChoice` takes it from the call's request, the agent and the configuration. */
export interface CallSettings {
  /** `false`: only figures are stored, not what was said. */
  readonly keepsWords: boolean
  /** `hashed`: from the call's end on, telephone numbers are kept as a keyed HMAC. */
  readonly numbers: "plain" | "hashed"
  readonly isRecorded: boolean
  /** JSON of at most 4 KiB from the call's request. `null`: none. */
  readonly metadata: Schema.Json
  readonly campaign: string | null
  /** The address for the call's webhooks. `null`: the service's address. */
  readonly webhookUrl: string | null
  readonly isTranscriptSent: boolean
}

/** The requests of one call to Twilio's REST API. */
export interface CallControl {
  readonly hangUp: Effect.Effect<void>
  /** Calls another telephone, and connects the caller with it instead of the agent. */
  readonly transfer: (to: PhoneNumber) => Effect.Effect<void, TwilioError>
}

export interface CallLimits {
  /** How long a call may last, from its answer on, over all its media streams. */
  readonly callDuration: Duration.Duration
  /** The longest wait from our TwiML to the start of the media stream. */
  readonly startTimeout: Duration.Duration
  /** The longest time without a `media` message. */
  readonly mediaTimeout: Duration.Duration
  /** How much of the caller's sound may wait for the agent. A gap in the sound counts as a stall of the network for this long at most. */
  readonly backlog: Duration.Duration
  /** How often a lost media stream may be replaced. */
  readonly resumptions: number
}
