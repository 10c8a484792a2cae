/**
 * The life of one call as plain data: its phases, its events (`CallEvent`), and the commands for its owner fiber (`Command`).
 * `CallTransition` has the rules.
 *
 * ```text
 * Initiated ─▶ Ringing ─▶ Connected ─▶ Streaming ─▶ Ending ─▶ Ended
 *                             ▲            │
 *                             ├─ Resuming ◀┤   the socket was lost, and Twilio requests TwiML again
 *                             └ Transferred◀┘  the caller talks to another telephone, until Twilio's final status
 * ```
 */
import { Data } from "effect"
import type { StreamSid } from "../domain/Sid.ts"
import type { CallStatus } from "../twilio/webhook/WebhookParameters.ts"

/** Why a call ended. If there are several reasons, the first counts. */
export type EndReason =
  | "completed"
  | "busy"
  | "noAnswer"
  | "failed"
  | "canceled"
  /** Twilio stopped the stream: the caller hung up, or somebody redirected the call. */
  | "callerLeft"
  /** The agent ended the call after its last words. */
  | "agentLeft"
  | "agentFailed"
  /** The agent transferred the call, and the call ended after that. */
  | "transferred"
  /** Twilio requested our TwiML, but opened no stream. */
  | "noStream"
  /** The socket was lost and Twilio did not connect it again. */
  | "streamLost"
  /** No `media` for too long while the stream was open. */
  | "mediaTimeout"
  | "tooLong"
  | "badMessages"
  /** Sound came much faster than real time. */
  | "mediaAhead"
  /** A message was larger than `MAX_MESSAGE_BYTES`, or came in too many pieces. */
  | "oversizedMessage"
  /** The peer read too slowly: more than `maxUnsentBytes` (see `LineSender`) waited to be sent. */
  | "slowPeer"
  | "shutdown"
  | "requested"

/** How one media stream ended. */
export type StreamEnd =
  /** Twilio sent `stop`. */
  | { readonly _tag: "Stopped" }
  /** The socket closed without `stop`. The call may continue. */
  | { readonly _tag: "Lost" }
  /** This service ended the stream. */
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
  /** Whether we have answered Twilio's first request for TwiML. */
  readonly hasTwiml: boolean
  /**
   * `asked`: we asked Twilio to transfer the call, and Twilio has not answered yet. `done`: Twilio has accepted, and will soon end the
   * stream. In both cases Twilio's `stop` does not mean that the caller hung up.
   */
  readonly transfer: "none" | "asked" | "done"
  /** Nobody answered the transfer. The next stream brings the caller back to the agent. */
  readonly isBackFromTransfer: boolean
  /** How often a stream was lost, a new stream replaced an open one, or Twilio requested TwiML again because no stream had started. */
  readonly resumptions: number
  /** After this many resumptions, the next lost stream ends the call. */
  readonly maxResumptions: number
  /** The number of Twilio's next request for TwiML. Our URL for that request contains the number, so a replay has a smaller one. */
  readonly step: number
  /**
   * Where our TwiML in this phase told Twilio to open another stream: to this service (`here`) or to another host (`elsewhere`). Each new
   * phase begins with `none`.
   */
  readonly offer: "none" | "here" | "elsewhere"
}

/** The first state of a call in this process. `resumptions`: how many of its streams were lost in earlier processes. */
export const initialState = ({ maxResumptions, resumptions = 0 }: { readonly maxResumptions: number; readonly resumptions?: number }): CallState => ({
  phase: Phase.Initiated(),
  sequence: -1,
  hasTwiml: false,
  transfer: "none",
  isBackFromTransfer: false,
  resumptions,
  maxResumptions,
  step: 0,
  offer: "none"
})

/**
 * The timers of a call, at most one of each. Each limits a time:
 *
 * - `answer`: from the call's beginning to its answer;
 * - `start`: from our TwiML to the start of the stream;
 * - `duration`: from the answer to the end of the call. A transfer stops this timer, and the caller's return starts it anew;
 * - `ending`: from the end of the call by us or by the caller to Twilio's final status;
 * - `resuming`: from a lost socket to Twilio's next request for TwiML, or to a new stream;
 * - `transferred`: from a transfer to the end of the call.
 */
export type Timer = "answer" | "start" | "duration" | "ending" | "resuming" | "transferred"

/** When Twilio requests TwiML: at the call's beginning (or a replay of that request), after one of our streams, or after a transfer. */
export type TwimlRequest = "first" | "afterStream" | "afterTransfer"

export type CallEvent = Data.TaggedEnum<{
  StatusReported: { readonly status: CallStatus; readonly sequence: number }
  /** We answered Twilio's request for TwiML with a stream, to this service or to another host. `step`: the number in the request's URL. */
  Answered: { readonly streamsHere: boolean; readonly request: TwimlRequest; readonly step?: number }
  StreamStarted: { readonly streamSid: StreamSid }
  StreamEnded: { readonly streamSid: StreamSid; readonly end: StreamEnd }
  TimerFired: { readonly timer: Timer }
  /** We are about to ask Twilio to transfer the call. */
  TransferBegan: {}
  /** Twilio has accepted the transfer. */
  TransferDone: {}
  /** Twilio refused the transfer, or could not be reached. */
  TransferFailed: {}
  HangUpRequested: { readonly reason: EndReason }
  /** Another process had the call since the last stream here. `lostStreams`: how many streams the call has lost in all processes. */
  Renewed: { readonly lostStreams: number }
  /**
   * Twilio was told to hang up, another process has taken the call over, or this process stops. The call ends here at once, without waiting
   * for Twilio's final status.
   */
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

/** Twilio's final statuses, each with the reason for the call's end. */
export const endReasons: Partial<Record<string, EndReason>> = {
  completed: "completed",
  busy: "busy",
  "no-answer": "noAnswer",
  failed: "failed",
  canceled: "canceled"
}

/** Whether this is a final status: Twilio reports no other status after it. */
export const isTerminal = (status: string | undefined): boolean => status !== undefined && endReasons[status] !== undefined

/** Whether a call with this status has not been answered yet. */
export const isUnanswered = (status: CallStatus): boolean => status === "queued" || status === "initiated" || status === "ringing"

const decidedReasons: ReadonlySet<string> = new Set<EndReason>([
  "agentLeft", "agentFailed", "mediaTimeout", "tooLong", "badMessages", "mediaAhead", "oversizedMessage", "slowPeer", "requested"
])

/**
 * Whether this service decided that the call ends, so that no further stream follows. A call with another reason may come back: its stream
 * was lost, it was redirected, or its process stopped. `reason`: an `EndReason`.
 */
export const isDecided = (reason: string): boolean => decidedReasons.has(reason)

/** Whether we can answer a request for TwiML only with `<Hangup/>`: the call has ended, or is ending and no stream is offered. */
export const isGivenUp = ({ offer, phase }: CallState): boolean =>
  phase._tag === "Ended" || (phase._tag === "Ending" && offer === "none")
