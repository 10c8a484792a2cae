/**
 * The rules of a call's life, pure: what an event changes, and the commands that the call's owner fiber then carries out in order.
 *
 * Twilio's reports come late, twice and out of order. A report that is older than the newest one (by `SequenceNumber`) changes nothing,
 * and neither does one that would lead back to an earlier phase. No event leads out of `Ended`.
 *
 * A request for TwiML may be a replay: somebody saw the signed request and sends it again. A replay must not end a stream or a transfer.
 * So while a stream is open, while the call is transferred, or after the caller seemed to leave, our answer only offers a stream. The
 * phase changes when that stream starts, which takes a one-time token, or when the old stream ends. The timer `start` withdraws an offer
 * that no stream follows. While the call waits for a stream, a replay extends the wait once at most, and uses up no resumption.
 */
import type { StreamSid } from "../domain/Sid.ts"
import type { CallStatus } from "../twilio/webhook/WebhookParameters.ts"
import { type CallEvent, type CallState, Command, type EndReason, endReasons, Phase, type StreamEnd, type Timer } from "./CallState.ts"

type Transition = readonly [commands: ReadonlyArray<Command>, state: CallState]

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

/** Whether a request that names a transfer is a replay: the call has its stream or waits for it, and no transfer is under way. */
const isReplayOfTransfer = ({ phase, transfer }: CallState): boolean =>
  transfer === "none" && (phase._tag === "Connected" || phase._tag === "Streaming" || phase._tag === "Resuming")

const onAnswered = (before: CallState, { asked, step = 0, streamsHere }: Extract<CallEvent, { readonly _tag: "Answered" }>): Transition => {
  const isNext = asked !== "first" && step === before.step
  const state: CallState = {
    ...before,
    ...(isNext ? { step: step + 1 } : {}),
    ...(asked === "afterTransfer" && !isReplayOfTransfer(before) ? { transfer: "none", isBack: true } : {})
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
