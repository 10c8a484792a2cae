/**
 * The rules of a call's life, as pure functions. Each event gives a new state, and commands that the call's owner fiber carries out in
 * order.
 *
 * Twilio's reports come late, twice and out of order. A final status always counts. Any other report changes nothing if a newer report (by
 * `SequenceNumber`) came before it, or if it would lead back to an earlier phase. No event leads out of `Ended`.
 *
 * A request for TwiML may be a replay: somebody saw the signed request and sends it again. A replay must not end a stream or a transfer.
 * So in three cases our answer only offers a stream: a stream is open, the call is transferred, or the caller seemed to hang up. The phase
 * changes when the offered stream starts, which needs a one-time token, or when the old stream ends. If no stream starts in time, the timer
 * `start` withdraws the offer. While the call waits for a stream, each replay of the first request restarts the wait. A replay of a later
 * request extends the wait at most once. A replay does not count as a resumption, unless the call is ending (see `withdraw`).
 */
import type { StreamSid } from "../domain/Sid.ts"
import type { CallStatus } from "../twilio/webhook/WebhookParameters.ts"
import { type CallEvent, type CallState, Command, type EndReason, endReasons, Phase, type StreamEnd, type Timer } from "./CallState.ts"

type Transition = readonly [commands: ReadonlyArray<Command>, state: CallState]

/** Keeps the phase, without commands. */
const stay = (state: CallState): Transition => [[], state]

/** Changes the phase. The new phase begins without an offer. */
const enter = (state: CallState, phase: Phase, ...commands: ReadonlyArray<Command>): Transition => [
  commands,
  { ...state, phase, offer: "none" }
]

const end = (state: CallState, reason: EndReason): Transition => {
  const { phase } = state
  switch (phase._tag) {
    case "Ended":
      return stay(state)
    case "Ending":
      return enter(state, Phase.Ended({ reason: phase.reason }))
    case "Transferred":
      return enter(state, Phase.Ended({ reason: "transferred" }))
    case "Streaming":
      return enter(state, Phase.Ended({ reason }), Command.CloseStream({ streamSid: phase.streamSid, reason }))
    default:
      return enter(state, Phase.Ended({ reason }))
  }
}

const onStatus = (state: CallState, status: CallStatus, sequence: number): Transition => {
  const reason = endReasons[status]
  // A final status counts even if a report with a larger number came before it.
  if (reason !== undefined) return end({ ...state, sequence: Math.max(state.sequence, sequence) }, reason)
  if (sequence <= state.sequence) return stay(state)
  const seen = { ...state, sequence }
  const { phase } = seen
  if (status === "ringing" && phase._tag === "Initiated") return enter(seen, Phase.Ringing())
  if (status === "in-progress" && (phase._tag === "Initiated" || phase._tag === "Ringing")) {
    return enter(seen, Phase.Connected(), Command.Arm({ timer: "start" }), Command.Arm({ timer: "duration" }))
  }
  return stay(seen)
}

/** A stream to another host never reaches this service, so the call does not wait for it. */
const waitForStart = (streamsHere: boolean) => streamsHere ? Command.Arm({ timer: "start" }) : Command.Disarm({ timer: "start" })

/** Offers a stream without changing the phase. A second offer does not restart the timer of the first. */
const offerStream = (state: CallState, streamsHere: boolean, ...commands: ReadonlyArray<Command>): Transition => {
  if (state.resumptions >= state.maxResumptions) return stay(state)
  const offered: CallState = { ...state, offer: streamsHere ? "here" : "elsewhere" }
  return state.offer === "none" ? [[...commands, Command.Arm({ timer: "start" })], offered] : stay(offered)
}

/** Counts a resumption. `transfer` stays `asked`, because Twilio may still carry out a transfer that it has not answered yet. */
const withResumption = (state: CallState): CallState => ({
  ...state,
  transfer: state.transfer === "asked" ? "asked" : "none",
  resumptions: state.resumptions + 1
})

/** The caller now talks to another person. That may last longer than the timer `duration` allows, so the timer is stopped. */
const enterTransferred = (state: CallState, ...commands: ReadonlyArray<Command>): Transition =>
  enter(
    { ...state, transfer: state.transfer === "asked" ? "asked" : "none" },
    Phase.Transferred(),
    ...commands,
    Command.Disarm({ timer: "duration" }),
    Command.Arm({ timer: "transferred" })
  )

/** Twilio carries out our new TwiML, so the earlier stream or transfer is over. The call waits for the new stream. */
const connectAgain = (state: CallState, streamsHere: boolean, ...commands: ReadonlyArray<Command>): Transition =>
  enter(
    withResumption(state),
    Phase.Connected(),
    ...commands,
    waitForStart(streamsHere)
  )

/** `reason`: why the call ends if it has no resumption left. */
const connectAgainOrEnd = (
  state: CallState,
  streamsHere: boolean,
  reason: EndReason,
  ...commands: ReadonlyArray<Command>
): Transition =>
  state.resumptions >= state.maxResumptions
    ? enter(state, Phase.Ending({ reason }), ...commands, Command.Arm({ timer: "ending" }))
    : connectAgain(state, streamsHere, ...commands)

/** Whether the call lost more streams in other processes than it may resume. */
const hasLostTooManyStreams = ({ maxResumptions, resumptions }: CallState): boolean => resumptions > maxResumptions

/** Whether a request `afterTransfer` is a replay: no transfer is under way, and the call has a stream or waits for one. */
const isReplayOfTransfer = ({ phase, transfer }: CallState): boolean =>
  transfer === "none" && (phase._tag === "Connected" || phase._tag === "Streaming" || phase._tag === "Resuming")

const onAnswered = (before: CallState, { request, step = 0, streamsHere }: Extract<CallEvent, { readonly _tag: "Answered" }>): Transition => {
  // A replay has the number of an earlier request.
  const isNext = request !== "first" && step === before.step
  const state: CallState = {
    ...before,
    ...(isNext ? { step: step + 1 } : {}),
    ...(request === "afterTransfer" && !isReplayOfTransfer(before) ? { transfer: "none", isBackFromTransfer: true } : {})
  }
  const { phase } = state
  const isOffered = state.offer !== "none" && request !== "first"
  switch (phase._tag) {
    case "Initiated":
    case "Ringing":
      if (hasLostTooManyStreams(state)) return enter(state, Phase.Ending({ reason: "streamLost" }), Command.Arm({ timer: "ending" }))
      return enter({ ...state, hasTwiml: true }, Phase.Connected(), waitForStart(streamsHere), Command.Arm({ timer: "duration" }))
    case "Connected":
      if (request === "first" || !state.hasTwiml) return enter({ ...state, hasTwiml: true }, phase, waitForStart(streamsHere))
      // Twilio opened no stream. Or this request is a replay: it does not count as a resumption, and extends the wait once.
      if (isNext) return connectAgainOrEnd(state, streamsHere, "noStream")
      return streamsHere ? offerStream(state, streamsHere) : enter(state, phase, waitForStart(streamsHere))
    case "Resuming":
      return enter(state, Phase.Connected(), Command.Disarm({ timer: "resuming" }), waitForStart(streamsHere))
    case "Streaming":
      // Twilio may have lost the stream before we noticed it. Or this request is a replay, which must not close the stream.
      return offerStream(state, streamsHere)
    case "Transferred":
      // Nobody answered the transfer, and the caller comes back to the agent. Or this request is a replay.
      return request === "afterTransfer" && state.resumptions >= state.maxResumptions
        ? enter(state, Phase.Ending({ reason: "transferred" }), Command.Disarm({ timer: "transferred" }), Command.Arm({ timer: "ending" }))
        : offerStream(state, streamsHere)
    case "Ending":
      if (phase.reason !== "callerLeft") return stay(state)
      if (isOffered) return connectAgainOrEnd(state, streamsHere, "callerLeft")
      // Any request but `afterStream` means that the caller did not hang up: the call was redirected, and comes back.
      return request === "afterStream" ? stay(state) : offerStream(state, streamsHere, Command.Disarm({ timer: "ending" }))
    case "Ended":
      return stay(state)
  }
}

const onStreamStarted = (state: CallState, streamSid: StreamSid): Transition => {
  const { phase } = state
  const resumed = withResumption(state)
  const enterStreaming = (state: CallState, ...commands: ReadonlyArray<Command>) =>
    enter({ ...state, isBackFromTransfer: false }, Phase.Streaming({ streamSid }), Command.Disarm({ timer: "start" }), ...commands, Command.Arm({ timer: "duration" }))
  switch (phase._tag) {
    case "Initiated":
    case "Ringing":
      if (hasLostTooManyStreams(state)) return onHangUp(state, "streamLost")
      return enterStreaming(state, Command.Disarm({ timer: "resuming" }))
    case "Connected":
    case "Resuming":
      if (hasLostTooManyStreams(state)) return onHangUp(state, "streamLost")
      return enterStreaming(state, Command.Disarm({ timer: "resuming" }))
    case "Streaming":
      return state.offer === "here" && phase.streamSid !== streamSid
        ? enterStreaming(resumed, Command.CloseStream({ streamSid: phase.streamSid, reason: "streamLost" }))
        : stay(state)
    case "Transferred":
      return state.offer === "here" ? enterStreaming(resumed, Command.Disarm({ timer: "transferred" })) : stay(state)
    case "Ending":
      return state.offer === "here" ? enterStreaming(resumed) : stay(state)
    case "Ended":
      return stay(state)
  }
}

const onStreamEnded = (state: CallState, streamSid: StreamSid, ended: StreamEnd): Transition => {
  const { phase } = state
  if (phase._tag !== "Streaming" || phase.streamSid !== streamSid) return stay(state)
  if (state.offer !== "none" && ended._tag !== "Closed") return connectAgain(state, state.offer === "here")
  // While Twilio's answer to the transfer is missing, the call may go on here. So a lost socket is resumed as usual.
  const mayBeResumed = ended._tag === "Lost" && state.resumptions < state.maxResumptions
  if (state.transfer === "done" || (state.transfer === "asked" && !mayBeResumed)) return enterTransferred(state)
  const enterEnding = (reason: EndReason) => enter(state, Phase.Ending({ reason }), Command.Arm({ timer: "ending" }))
  switch (ended._tag) {
    case "Stopped":
      return enterEnding("callerLeft")
    case "Closed":
      return enterEnding(ended.reason)
    case "Lost":
      return state.resumptions >= state.maxResumptions
        ? enterEnding("streamLost")
        : enter(
          { ...state, resumptions: state.resumptions + 1 },
          Phase.Resuming({ streamSid }),
          Command.Arm({ timer: "resuming" })
        )
  }
}

/**
 * Takes back the offer of a stream to a call that is ending. The call then ends without a new stream. After an offer `elsewhere` the other
 * host may have the stream, so we do not hang up. The withdrawal counts as a resumption, so that replays can't keep the call alive for ever.
 */
const withdraw = (state: CallState): Transition =>
  enter(
    { ...state, resumptions: state.resumptions + 1 },
    state.phase,
    ...(state.offer === "here" ? [Command.HangUp()] : []),
    Command.Arm({ timer: "ending" })
  )

const onTimer = (state: CallState, timer: Timer): Transition => {
  const { phase } = state
  switch (timer) {
    case "answer":
      // Neither an answer nor a final status came, so Twilio's reports were lost. Without this timer the call would stay live for ever.
      return phase._tag === "Initiated" || phase._tag === "Ringing"
        ? enter(state, Phase.Ending({ reason: "noAnswer" }), Command.HangUp(), Command.Arm({ timer: "ending" }))
        : stay(state)
    case "start":
      if (phase._tag === "Connected") {
        return enter(state, Phase.Ending({ reason: "noStream" }), Command.HangUp(), Command.Arm({ timer: "ending" }))
      }
      if (state.offer === "none") return stay(state)
      return phase._tag === "Ending" ? withdraw(state) : stay({ ...state, offer: "none", isBackFromTransfer: false })
    case "resuming":
      if (phase._tag !== "Resuming") return stay(state)
      return state.transfer === "asked" ? enterTransferred(state) : enter(state, Phase.Ended({ reason: "streamLost" }))
    case "ending":
      return phase._tag === "Ending" ? enter(state, Phase.Ended({ reason: phase.reason })) : stay(state)
    case "transferred":
      return phase._tag === "Transferred" ? end(state, "transferred") : stay(state)
    case "duration":
      return phase._tag === "Transferred" ? stay(state) : onHangUp(state, "tooLong")
  }
}

const onTransferDone = (state: CallState): Transition => {
  if (state.transfer !== "asked") return stay(state)
  const done: CallState = { ...state, transfer: "done" }
  switch (state.phase._tag) {
    case "Streaming":
      return stay(done)
    // Twilio carries out the transfer in place of our last TwiML, so that TwiML opens no stream.
    case "Connected":
      return enterTransferred(done, Command.Disarm({ timer: "start" }))
    case "Resuming":
      return enterTransferred(done, Command.Disarm({ timer: "resuming" }))
    default:
      return stay({ ...state, transfer: "none" })
  }
}

const onTransferFailed = (before: CallState): Transition => {
  if (before.transfer === "none") return stay(before)
  const state: CallState = { ...before, transfer: "none" }
  switch (state.phase._tag) {
    case "Transferred":
      if (state.offer !== "none") {
        return connectAgain(state, state.offer === "here", Command.Disarm({ timer: "transferred" }), Command.Arm({ timer: "duration" }))
      }
      // The stream had ended for another reason, before Twilio could transfer the call.
      return enter(
        state,
        Phase.Ending({ reason: "callerLeft" }),
        Command.Disarm({ timer: "transferred" }),
        Command.Arm({ timer: "ending" })
      )
    default:
      return stay(state)
  }
}

const onHangUp = (state: CallState, reason: EndReason): Transition => {
  switch (state.phase._tag) {
    case "Ended":
      return stay(state)
    case "Ending":
      return state.offer === "none" ? stay(state) : withdraw(state)
    case "Streaming":
      // When the stream ends, Twilio requests TwiML, and we answer `<Hangup/>`.
      return enter(
        state,
        Phase.Ending({ reason }),
        Command.CloseStream({ streamSid: state.phase.streamSid, reason }),
        Command.Arm({ timer: "ending" })
      )
    default:
      return enter(state, Phase.Ending({ reason }), Command.HangUp(), Command.Arm({ timer: "ending" }))
  }
}

export const transition = (state: CallState, event: CallEvent): Transition => {
  if (state.phase._tag === "Ended") return stay(state)
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
      return stay(state.phase._tag === "Streaming" ? { ...state, transfer: "asked" } : state)
    case "TransferDone":
      return onTransferDone(state)
    case "TransferFailed":
      return onTransferFailed(state)
    case "HangUpRequested":
      return onHangUp(state, event.reason)
    case "Renewed":
      return stay({ ...state, resumptions: Math.max(state.resumptions, event.lostStreams) })
    case "Released":
      return end(state, event.reason)
  }
}
