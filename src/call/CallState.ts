/**
 * The life of one call, as a pure machine.
 *
 * ```text
 * Initiated ─▶ Ringing ─▶ Connected ─▶ Streaming ─▶ Ending ─▶ Ended
 *                             ▲            │
 *                             ├─ Resuming ◀┤   the socket was lost, Twilio asks what next
 *                             └ Transferred◀┘  the call goes on without us, until its last status
 * ```
 *
 * Twilio's reports come late, twice and out of order. A report that is older than the newest one (by `SequenceNumber`) changes nothing,
 * and neither does one that would lead back to an earlier phase. No event leads out of `Ended`.
 *
 * A request for TwiML may be a replay: somebody saw the signed request and sends it again. A replay must not end a stream or a transfer.
 * So while a stream is open, while the call is transferred, or after the caller seemed to leave, our answer only offers a stream. The
 * phase changes when that stream starts, which takes a one-time token, or when the old stream ends. The timer `start` withdraws an offer
 * that no stream follows. While the call waits for a stream, a replay extends the wait once at most, and uses up no resumption.
 *
 * `transition` gives commands, and the call's owner fiber carries them out, in order.
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
  /** The agent said everything, and ended the call. */
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
  /** The peer did not read: more sound was unsent than we keep. */
  | "slowPeer"
  | "shutdown"
  | "requested"

/** How one media stream ended. */
export type StreamEnd =
  /** Twilio's `stop`. */
  | { readonly _tag: "Stopped" }
  /** The socket is gone without `stop`: the call may go on. */
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
  /** Whether Twilio has had its first TwiML. */
  readonly isAnswered: boolean
  /**
   * `asked`: Twilio was asked to transfer the call, and has not answered yet. `done`: Twilio has agreed, and the stream is about to end. If
   * Twilio then ends the stream, the caller has not left.
   */
  readonly transfer: "none" | "asked" | "done"
  /** The call was transferred and nobody answered there: the next stream brings the caller back. */
  readonly isBack: boolean
  /** How often a stream was lost, another took its place, or Twilio asked again because none had started. */
  readonly resumptions: number
  /** After so many resumptions the call is given up. */
  readonly maxResumptions: number
  /** The number of Twilio's next request for TwiML. It is in the URL that we gave, so a replay has an older number. */
  readonly step: number
  /** Whether Twilio was told to open another stream during this phase: here, or elsewhere. Each new phase begins without an offer. */
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
 * What a call waits for; one of each at most.
 *
 * - `answer`: for the answer, from the beginning;
 * - `start`: for the start of the stream, or of an offered one;
 * - `duration`: for the end of the whole call, from the answer;
 * - `ending`: for Twilio's final status after we or the caller ended the call;
 * - `resuming`: for Twilio to come back after a lost socket;
 * - `transferred`: for the end of a transferred call.
 */
export type Timer = "answer" | "start" | "duration" | "ending" | "resuming" | "transferred"

/** When Twilio asks for TwiML: at the call's beginning (or in a replay of that), after a stream of ours, or after a transfer. */
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
  /** Twilio has been told to hang up, or the process stops: there is nothing left to wait for. */
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

type Transition = readonly [commands: ReadonlyArray<Command>, state: CallState]

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

const unchanged = (state: CallState): Transition => [[], state]

/** Enters a phase, without an offer. */
const to = (state: CallState, phase: Phase, ...commands: ReadonlyArray<Command>): Transition => [
  commands,
  { ...state, phase, offer: "none" }
]

const end = (state: CallState, reason: EndReason): Transition => {
  const { phase } = state
  switch (phase._tag) {
    case "Ended":
      return unchanged(state)
    case "Ending":
      return to(state, Phase.Ended({ reason: phase.reason }))
    case "Transferred":
      return to(state, Phase.Ended({ reason: "transferred" }))
    case "Streaming":
      return to(state, Phase.Ended({ reason }), Command.CloseStream({ streamSid: phase.streamSid, reason }))
    default:
      return to(state, Phase.Ended({ reason }))
  }
}

const onStatus = (state: CallState, status: CallStatus, sequence: number): Transition => {
  const reason = endReasons[status]
  // A terminal status counts whatever its number.
  if (reason !== undefined) return end({ ...state, sequence: Math.max(state.sequence, sequence) }, reason)
  if (sequence <= state.sequence) return unchanged(state)
  const seen = { ...state, sequence }
  const { phase } = seen
  if (status === "ringing" && phase._tag === "Initiated") return to(seen, Phase.Ringing())
  if (status === "in-progress" && (phase._tag === "Initiated" || phase._tag === "Ringing")) {
    return to(seen, Phase.Connected(), Command.Arm({ timer: "start" }), Command.Arm({ timer: "duration" }))
  }
  return unchanged(seen)
}

/** The wait for the stream that Twilio was told to open, if it comes here. */
const waitForStart = (streamsHere: boolean) => streamsHere ? Command.Arm({ timer: "start" }) : Command.Disarm({ timer: "start" })

/** Offers a stream without leaving the phase. A second offer does not extend the wait of the first. */
const offer = (state: CallState, streamsHere: boolean, ...commands: ReadonlyArray<Command>): Transition => {
  if (state.resumptions >= state.maxResumptions) return unchanged(state)
  const offered: CallState = { ...state, offer: streamsHere ? "here" : "elsewhere" }
  return state.offer === "none" ? [[...commands, Command.Arm({ timer: "start" })], offered] : unchanged(offered)
}

/** A stream takes the place of what was before. A transfer that Twilio has not answered yet may still be carried out. */
const goingOn = (state: CallState): CallState => ({
  ...state,
  transfer: state.transfer === "asked" ? "asked" : "none",
  resumptions: state.resumptions + 1
})

/** Two people talk to each other now, for as long as they like. */
const handedOn = (state: CallState, ...commands: ReadonlyArray<Command>): Transition =>
  to(
    { ...state, transfer: state.transfer === "asked" ? "asked" : "none" },
    Phase.Transferred(),
    ...commands,
    Command.Disarm({ timer: "duration" }),
    Command.Arm({ timer: "transferred" })
  )

/** Twilio carries out our TwiML: the stream or transfer before it is over. */
const follow = (state: CallState, streamsHere: boolean, ...commands: ReadonlyArray<Command>): Transition =>
  to(
    goingOn(state),
    Phase.Connected(),
    ...commands,
    waitForStart(streamsHere)
  )

const followOrGiveUp = (
  state: CallState,
  streamsHere: boolean,
  reason: EndReason,
  ...commands: ReadonlyArray<Command>
): Transition =>
  state.resumptions >= state.maxResumptions
    ? to(state, Phase.Ending({ reason }), ...commands, Command.Arm({ timer: "ending" }))
    : follow(state, streamsHere, ...commands)

/** Whether the stream that was lost with the call's earlier process was one too many. */
const wasLostTooOften = ({ maxResumptions, resumptions }: CallState): boolean => resumptions > maxResumptions

const onAnswered = (before: CallState, { asked, step = 0, streamsHere }: Extract<CallEvent, { readonly _tag: "Answered" }>): Transition => {
  const isNext = asked !== "first" && step === before.step
  const state: CallState = {
    ...before,
    ...(isNext ? { step: step + 1 } : {}),
    ...(asked === "afterTransfer" ? { transfer: "none", isBack: true } : {})
  }
  const { phase } = state
  const isOffered = state.offer !== "none" && asked !== "first"
  switch (phase._tag) {
    case "Initiated":
    case "Ringing":
      if (wasLostTooOften(state)) return to(state, Phase.Ending({ reason: "streamLost" }), Command.Arm({ timer: "ending" }))
      return to({ ...state, isAnswered: true }, Phase.Connected(), waitForStart(streamsHere), Command.Arm({ timer: "duration" }))
    case "Connected":
      if (asked === "first" || !state.isAnswered) return to({ ...state, isAnswered: true }, phase, waitForStart(streamsHere))
      // The stream never started. Or this is a replay, which uses up no resumption and extends the wait once.
      if (isNext) return followOrGiveUp(state, streamsHere, "noStream")
      return streamsHere ? offer(state, streamsHere) : to(state, phase, waitForStart(streamsHere))
    case "Resuming":
      return to(state, Phase.Connected(), Command.Disarm({ timer: "resuming" }), waitForStart(streamsHere))
    case "Streaming":
      // Twilio's end of the stream may be gone, though ours has not noticed. Or this is a replay, which must close nothing.
      return offer(state, streamsHere)
    case "Transferred":
      // Nobody answered the transfer, and the caller comes back to the agent, who begins anew. Or this is a replay.
      return asked === "afterTransfer" && state.resumptions >= state.maxResumptions
        ? to(state, Phase.Ending({ reason: "transferred" }), Command.Disarm({ timer: "transferred" }), Command.Arm({ timer: "ending" }))
        : offer(state, streamsHere)
    case "Ending":
      if (phase.reason !== "callerLeft") return unchanged(state)
      if (isOffered) return followOrGiveUp(state, streamsHere, "callerLeft")
      // Twilio stopped the stream and asks again: the call had only been taken elsewhere.
      return asked === "afterStream" ? unchanged(state) : offer(state, streamsHere, Command.Disarm({ timer: "ending" }))
    case "Ended":
      return unchanged(state)
  }
}

const onStreamStarted = (state: CallState, streamSid: StreamSid): Transition => {
  const { phase } = state
  const resumed = goingOn(state)
  const start = (state: CallState, ...commands: ReadonlyArray<Command>) =>
    to({ ...state, isBack: false }, Phase.Streaming({ streamSid }), Command.Disarm({ timer: "start" }), ...commands, Command.Arm({ timer: "duration" }))
  switch (phase._tag) {
    case "Initiated":
    case "Ringing":
      if (wasLostTooOften(state)) return onHangUp(state, "streamLost")
      return start(state, Command.Disarm({ timer: "resuming" }))
    case "Connected":
    case "Resuming":
      return start(state, Command.Disarm({ timer: "resuming" }))
    case "Streaming":
      return state.offer === "here" && phase.streamSid !== streamSid
        ? start(resumed, Command.CloseStream({ streamSid: phase.streamSid, reason: "streamLost" }))
        : unchanged(state)
    case "Transferred":
      return state.offer === "here" ? start(resumed, Command.Disarm({ timer: "transferred" })) : unchanged(state)
    case "Ending":
      return state.offer === "here" ? start(resumed) : unchanged(state)
    case "Ended":
      return unchanged(state)
  }
}

const onStreamEnded = (state: CallState, streamSid: StreamSid, ended: StreamEnd): Transition => {
  const { phase } = state
  if (phase._tag !== "Streaming" || phase.streamSid !== streamSid) return unchanged(state)
  if (state.offer !== "none" && ended._tag !== "Closed") return follow(state, state.offer === "here")
  // A socket that is lost before Twilio has answered is lost as any other: nobody knows yet whether the call will be transferred.
  const mayBeResumed = ended._tag === "Lost" && state.resumptions < state.maxResumptions
  if (state.transfer === "done" || (state.transfer === "asked" && !mayBeResumed)) return handedOn(state)
  const ending = (reason: EndReason) => to(state, Phase.Ending({ reason }), Command.Arm({ timer: "ending" }))
  switch (ended._tag) {
    case "Stopped":
      return ending("callerLeft")
    case "Closed":
      return ending(ended.reason)
    case "Lost":
      return state.resumptions >= state.maxResumptions
        ? ending("streamLost")
        : to(
          { ...state, resumptions: state.resumptions + 1 },
          Phase.Resuming({ streamSid }),
          Command.Arm({ timer: "resuming" })
        )
  }
}

/** No stream followed the offer to a call that was ending: the call ends now. Sound that went elsewhere is not ours to end. */
const withdraw = (state: CallState): Transition =>
  to(
    { ...state, resumptions: state.resumptions + 1 },
    state.phase,
    ...(state.offer === "here" ? [Command.HangUp()] : []),
    Command.Arm({ timer: "ending" })
  )

const onTimer = (state: CallState, timer: Timer): Transition => {
  const { phase } = state
  switch (timer) {
    case "answer":
      // Neither an answer nor a final status came: the reports were lost. Without this the call would be kept for ever.
      return phase._tag === "Initiated" || phase._tag === "Ringing"
        ? to(state, Phase.Ending({ reason: "noAnswer" }), Command.HangUp(), Command.Arm({ timer: "ending" }))
        : unchanged(state)
    case "start":
      if (phase._tag === "Connected") {
        return to(state, Phase.Ending({ reason: "noStream" }), Command.HangUp(), Command.Arm({ timer: "ending" }))
      }
      if (state.offer === "none") return unchanged(state)
      return phase._tag === "Ending" ? withdraw(state) : unchanged({ ...state, offer: "none", isBack: false })
    case "resuming":
      if (phase._tag !== "Resuming") return unchanged(state)
      return state.transfer === "asked" ? handedOn(state) : to(state, Phase.Ended({ reason: "streamLost" }))
    case "ending":
      return phase._tag === "Ending" ? to(state, Phase.Ended({ reason: phase.reason })) : unchanged(state)
    case "transferred":
      return phase._tag === "Transferred" ? end(state, "transferred") : unchanged(state)
    case "duration":
      return phase._tag === "Transferred" ? unchanged(state) : onHangUp(state, "tooLong")
  }
}

const onTransferDone = (state: CallState): Transition => {
  if (state.transfer !== "asked") return unchanged(state)
  const done: CallState = { ...state, transfer: "done" }
  switch (state.phase._tag) {
    case "Streaming":
      return unchanged(done)
    // Twilio has left our last answer for the transfer, so no stream follows it.
    case "Connected":
      return handedOn(done, Command.Disarm({ timer: "start" }))
    case "Resuming":
      return handedOn(done, Command.Disarm({ timer: "resuming" }))
    default:
      return unchanged({ ...state, transfer: "none" })
  }
}

const onTransferFailed = (before: CallState): Transition => {
  if (before.transfer === "none") return unchanged(before)
  const state: CallState = { ...before, transfer: "none" }
  switch (state.phase._tag) {
    case "Transferred":
      if (state.offer !== "none") {
        return follow(state, state.offer === "here", Command.Disarm({ timer: "transferred" }), Command.Arm({ timer: "duration" }))
      }
      // The stream had ended for another reason, before Twilio could transfer the call.
      return to(
        state,
        Phase.Ending({ reason: "callerLeft" }),
        Command.Disarm({ timer: "transferred" }),
        Command.Arm({ timer: "ending" })
      )
    default:
      return unchanged(state)
  }
}

const onHangUp = (state: CallState, reason: EndReason): Transition => {
  switch (state.phase._tag) {
    case "Ended":
      return unchanged(state)
    case "Ending":
      return state.offer === "none" ? unchanged(state) : withdraw(state)
    case "Streaming":
      // When the stream ends, Twilio requests TwiML, and our answer hangs up.
      return to(
        state,
        Phase.Ending({ reason }),
        Command.CloseStream({ streamSid: state.phase.streamSid, reason }),
        Command.Arm({ timer: "ending" })
      )
    default:
      return to(state, Phase.Ending({ reason }), Command.HangUp(), Command.Arm({ timer: "ending" }))
  }
}

export const transition = (state: CallState, event: CallEvent): Transition => {
  if (state.phase._tag === "Ended") return unchanged(state)
  switch (event._tag) {
    case "StatusReported":
      return onStatus(state, event.status, event.sequence)
    case "Answered":
      return onAnswered(state, event)
    case "StreamStarted":
      return onStreamStarted(state, event.streamSid)
    case "StreamEnded":
      return onStreamEnded(state, event.streamSid, event.end)
    case "TimerFired":
      return onTimer(state, event.timer)
    case "TransferBegan":
      return unchanged(state.phase._tag === "Streaming" ? { ...state, transfer: "asked" } : state)
    case "TransferDone":
      return onTransferDone(state)
    case "TransferFailed":
      return onTransferFailed(state)
    case "HangUpRequested":
      return onHangUp(state, event.reason)
    case "Released":
      return end(state, event.reason)
  }
}
