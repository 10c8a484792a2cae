/** What does not change during a call: who it is with, what it may ask of Twilio, and its limits. */
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
  /** The caller for whose `MAX_CALLS_PER_CALLER` the call counts, see `CallerShare`. Unset: it counts for no caller. */
  readonly callerKey?: string
  /**
   * The URL at which Twilio reaches the service: `https://…`, without a slash at its end. Unset: Twilio can't ask what to do after a
   * transfer, so the call ends then.
   */
  readonly baseUrl?: string
  readonly keeping: CallKeeping
}

/** A call that is to be admitted, see `CallRegistry`. */
export type NewCall = Omit<CallInfo, "keeping"> & {
  /** Unset: the call's ticket decides, else its agent and the configuration. */
  readonly keeping?: CallKeeping
  /** The ticket in the URL of a call that was placed, see `ExpectedCalls`. */
  readonly ticket?: string
}

/** What the service stores of a call. `Keeping` takes it from the call's request, its agent and the configuration. */
export interface CallKeeping {
  /** `false`: only figures are stored, not what was said. */
  readonly words: boolean
  /** `hashed`: from the call's end on, telephone numbers are kept as a keyed HMAC. */
  readonly numbers: "plain" | "hashed"
  readonly isRecorded: boolean
  /** JSON of at most 4 KiB; `null`: none. */
  readonly metadata: Schema.Json
  readonly campaign: string | null
  /** The address for the call's webhooks. `null`: the service's address. */
  readonly webhookUrl: string | null
  readonly isTranscriptSent: boolean
}

/** What one call may ask of Twilio over REST. */
export interface CallControl {
  readonly hangUp: Effect.Effect<void>
  /** Rings another telephone and connects it with the caller, in place of the agent. */
  readonly transfer: (to: PhoneNumber) => Effect.Effect<void, TwilioError>
}

export interface CallLimits {
  /** How long a call may last, from its first answer on, over all its media streams. */
  readonly callDuration: Duration.Duration
  /** The longest wait from our TwiML to the start of the media stream. */
  readonly start: Duration.Duration
  /** The longest time without a `media` message. */
  readonly media: Duration.Duration
  /** How much of the caller's sound may wait for the agent. A gap in the sound counts as a stall of the network for at most this long. */
  readonly backlog: Duration.Duration
  /** How often a lost media stream may be replaced. */
  readonly resumptions: number
}
