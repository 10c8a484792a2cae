/**
 * The life of one call as plain data: its phases, what can happen to it (`CallEvent`), and what its owner fiber then does (`Command`).
 * `CallTransition` has the rules.
 *
 * ```text
 * Initiated ─▶ Ringing ─▶ Connected ─▶ Streaming ─▶ Ending ─▶ Ended
 *                             ▲            │
 *                             ├─ Resuming ◀┤   the socket was lost, Twilio asks what next
 *                             └ Transferred◀┘  the call goes on without us, until its last status
 * ```
 */
import { Data } from "effect"
import type { StreamSid } from "../domain/Sid.ts"
import type { CallStatus } from "../twilio/webhook/WebhookParameters.ts"

/** Why a call ended. The first of several reasons stays. */
export type EndReason =
  | "completed"
  | "busy"
  | "noAnswer"
  | "failed"
  | "canceled"
  /** The caller hung up, or Twilio took the call elsewhere. */
  | "callerLeft"
  /** The agent ended the call after its last words. */
  | "agentLeft"
  | "agentFailed"
  /** The agent transferred the call, and it ended there. */
  | "transferred"
  /** The TwiML was fetched but no stream came. */
  | "noStream"
  /** The socket was lost and Twilio did not connect it again. */
  | "streamLost"
  /** No `media` for too long while the stream was open. */
  | "mediaTimeout"
  | "tooLong"
  | "badMessages"
  /** Much more sound came than time had passed. */
  | "mediaAhead"
  /** A message was above the limit. */
  | "oversizedMessage"
  /** The peer read too slowly: more than `maxUnsentBytes` (see `LineSender`) were unsent. */
  | "slowPeer"
  | "shutdown"
  | "requested"

/** How one media stream ended. */
export type StreamEnd =
  /** Twilio's `stop`. */
  | { readonly _tag: "Stopped" }
  /** The socket is gone without `stop`: the call may continue. */
  | { readonly _tag: "Lost" }
  /** This side ended it, for this reason. */
  | { readonly _tag: "Closed"; readonly reason: EndReason }

export type Phase = Data.TaggedEnum<{
  Initiated: {}
  Ringing: {}
  Connected: {}
  Streaming: { readonly streamSid: StreamSid }
  Resuming: { readonly streamSid: StreamSid }
  Transferred: {}
  Ending: { readonly reason: EndReason }
  Ended: { readonly reason: EndReason }
}>
export const Phase = Data.taggedEnum<Phase>()

export interface CallState {
  readonly phase: Phase
  /** The `SequenceNumber` of the newest status report; -1 before the first. */
  readonly sequence: number
  /** Whether Twilio's first request for TwiML was answered. */
  readonly isAnswered: boolean
  /**
   * `asked`: Twilio was asked to transfer the call, and has not answered yet. `done`: Twilio has agreed, and the stream is about to end. In
   * both, a stream that Twilio stops does not mean that the caller left.
   */
  readonly transfer: "none" | "asked" | "done"
  /** The call was transferred and nobody answered there: the next stream brings the caller back. */
  readonly isBack: boolean
  /** How often a stream was lost, another took its place, or Twilio asked again because none had started. */
  readonly resumptions: number
  /** After this many resumptions, the next lost stream ends the call. */
  readonly maxResumptions: number
  /** The number of Twilio's next request for TwiML. The URL that we gave Twilio contains it, so a replayed request has a smaller number. */
  readonly step: number
  /**
   * Whether our TwiML in this phase told Twilio to open another stream: to this service, or elsewhere. Each new phase begins without an
   * offer.
   */
  readonly offer: "none" | "here" | "elsewhere"
}

/** The state of a call that begins, or that another process had. `resumptions`: how many of its streams were lost there. */
export const begin = ({ maxResumptions, resumptions = 0 }: { readonly maxResumptions: number; readonly resumptions?: number }): CallState => ({
  phase: Phase.Initiated(),
  sequence: -1,
  isAnswered: false,
  transfer: "none",
  isBack: false,
  resumptions,
  maxResumptions,
  step: 0,
  offer: "none"
})

/**
 * The timers of a call, at most one of each. Each limits how long the call waits:
 *
 * - `answer`: for the answer, from the beginning;
 * - `start`: for the start of a stream that Twilio was told to open;
 * - `duration`: for the end of the call, from its answer; a transfer stops it, and the caller's return starts it anew;
 * - `ending`: for Twilio's final status after we or the caller ended the call;
 * - `resuming`: for Twilio to come back after a lost socket;
 * - `transferred`: for the end of a transferred call.
 */
export type Timer = "answer" | "start" | "duration" | "ending" | "resuming" | "transferred"

/** When Twilio asks for TwiML: at the call's beginning (or in a replay of that request), after a stream of ours, or after a transfer. */
export type Asked = "first" | "afterStream" | "afterTransfer"

export type CallEvent = Data.TaggedEnum<{
  StatusReported: { readonly status: CallStatus; readonly sequence: number }
  /** We answered Twilio's webhook with a stream: here, or at a host that is not this service. `step`: the request's, see `CallState.step`. */
  Answered: { readonly streamsHere: boolean; readonly asked: Asked; readonly step?: number }
  StreamStarted: { readonly streamSid: StreamSid }
  StreamEnded: { readonly streamSid: StreamSid; readonly end: StreamEnd }
  TimerFired: { readonly timer: Timer }
  /** Twilio is about to be asked to transfer the call. */
  TransferBegan: {}
  /** Twilio has agreed to the transfer. */
  TransferDone: {}
  /** Twilio refused the transfer, or could not be reached. */
  TransferFailed: {}
  HangUpRequested: { readonly reason: EndReason }
  /** Twilio was told to hang up, or the process stops. The call ends at once, without waiting for Twilio's final status. */
  Released: { readonly reason: EndReason }
}>
export const CallEvent = Data.taggedEnum<CallEvent>()

export type Command = Data.TaggedEnum<{
  Arm: { readonly timer: Timer }
  Disarm: { readonly timer: Timer }
  /** Ends this media stream, if it is open. */
  CloseStream: { readonly streamSid: StreamSid; readonly reason: EndReason }
  /** Hangs up over Twilio's REST API. A call with a stream is hung up by the stream's end instead. */
  HangUp: {}
}>
export const Command = Data.taggedEnum<Command>()

/** The statuses that end a call, and why it ended. */
export const endReasons: Partial<Record<string, EndReason>> = {
  completed: "completed",
  busy: "busy",
  "no-answer": "noAnswer",
  failed: "failed",
  canceled: "canceled"
}

/** Whether nothing can come after this status. */
export const isTerminal = (status: string | undefined): boolean => status !== undefined && endReasons[status] !== undefined

/** Whether a call with this status has not been answered yet. */
export const isUnanswered = (status: CallStatus): boolean => status === "queued" || status === "initiated" || status === "ringing"

/** Whether the only answer to Twilio is to hang up: the call has ended, or is ending without a stream on offer. */
export const isGivenUp = ({ offer, phase }: CallState): boolean =>
  phase._tag === "Ended" || (phase._tag === "Ending" && offer === "none")
