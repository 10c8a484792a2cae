/**
 * The events of a simulated call, in order. Tests wait for them, and the demo prints them.
 *
 * `at` is in milliseconds since the call was made, on the monotonic clock.
 */
import { Data } from "effect"

/** Twilio's states of a call. */
export type CallStatus = "queued" | "initiated" | "ringing" | "in-progress" | TerminalStatus
export type TerminalStatus = "completed" | "busy" | "no-answer" | "failed" | "canceled"

/** Whether a call in this state is over. */
export const isTerminal = (status: CallStatus): status is TerminalStatus =>
  status === "completed" || status === "busy" || status === "no-answer" || status === "failed" || status === "canceled"

/** Why a stream ended. */
export type StreamEnd = "callerHungUp" | "callChanged" | "closedByService" | "connectionLost" | "fault" | "refused"

/** The purpose of a webhook. */
export type WebhookKind = "voice" | "status" | "stream" | "amd"

export type SimulatedCallEvent = Data.TaggedEnum<{
  Status: { readonly at: number; readonly status: CallStatus }
  /**
   * A webhook was sent. `answer`: the HTTP status; `undefined` if there was no answer. `requests`: the number of requests, including retries.
   */
  Webhook: {
    readonly at: number
    readonly kind: WebhookKind
    readonly url: string
    readonly parameters: Readonly<Record<string, string>>
    readonly answer: number | undefined
    readonly requests: number
  }
  /** A TwiML document was loaded. `verbs`: the names of its verbs. */
  Twiml: { readonly at: number; readonly verbs: ReadonlyArray<string> }
  /** The WebSocket is open and `connected` was sent. */
  StreamConnected: { readonly at: number; readonly streamSid: string }
  /** `start` was sent; media follows. */
  StreamStarted: { readonly at: number; readonly streamSid: string; readonly parameters: Readonly<Record<string, string>> }
  /** The first sound of the service on this stream. */
  FirstSound: { readonly at: number; readonly streamSid: string }
  /** The service has sent a mark. */
  MarkSet: { readonly at: number; readonly name: string }
  /** A mark went back to the service. `cleared`: its sound was thrown away and not played. */
  MarkReturned: { readonly at: number; readonly name: string; readonly cleared: boolean }
  /** The service has sent `clear`. `droppedMillis`: how much queued sound was thrown away. */
  Cleared: { readonly at: number; readonly droppedMillis: number }
  Digit: { readonly at: number; readonly digit: string }
  /** A `<Dial>` has ended. `to`: the dialled number. */
  Dialled: { readonly at: number; readonly to: string; readonly callerId: string | undefined; readonly status: TerminalStatus }
  /** A `<Say>` was spoken to the caller. */
  Said: { readonly at: number; readonly text: string }
  StreamEnded: {
    readonly at: number
    readonly streamSid: string
    readonly why: StreamEnd
    /** The WebSocket's close code, if the service closed it. */
    readonly code: number | undefined
  }
  /** A problem that Twilio's debugger would show. `code`: from Twilio's error catalogue; 0 for a problem of the simulator's own. */
  Problem: { readonly at: number; readonly code: number; readonly message: string }
}>
export const SimulatedCallEvent = Data.taggedEnum<SimulatedCallEvent>()

/** An event without its time, which is added when the event is recorded. */
export type Untimed = SimulatedCallEvent extends infer E ? E extends SimulatedCallEvent ? Omit<E, "at"> : never : never
