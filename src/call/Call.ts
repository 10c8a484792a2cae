/**
 * One call that is alive: who it is with, and the fiber that owns it.
 *
 * Its state is in a Ref and moves only by `CallState.transition`; the commands that a transition gives
 * are carried out by one fiber, in order. Its scope holds timers and the media stream, so that ending
 * the call frees everything.
 */
import { type Cause, Deferred, Duration, Effect, Fiber, FiberMap, Metric, type Option, Queue, Ref, Scope } from "effect"
import type { Agent } from "../agent/Agent.ts"
import { TransferFailed } from "../conversation/ports/AudioPort.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { CallSid, StreamSid } from "../domain/Sid.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as ProcessHalt from "../twilio/media/ProcessHalt.ts"
import type { MediaStream } from "../twilio/media/MediaStream.ts"
import type { TwilioError } from "../twilio/rest/RestClient.ts"
import * as MediaSession from "./media/MediaSession.ts"
import * as ConversationFeed from "./ConversationFeed.ts"
import { CallEvent, type CallState, type Command, type EndReason, initial, type StreamEnd, type Timer, transition } from "./CallState.ts"

export interface CallInfo {
  readonly callSid: CallSid
  readonly direction: "inbound" | "outbound"
  readonly from: Option.Option<PhoneNumber>
  readonly to: Option.Option<PhoneNumber>
  readonly agent: Agent
  /** Whose share of the lines it takes, see `CallerShare`; unset: nobody's. */
  readonly callerKey?: string
  /** Where Twilio asks what next after a transfer; unset: the call then ends. */
  readonly continueUrl?: string
}

/** What of Twilio's REST one call may need. */
export interface CallControl {
  readonly hangUp: Effect.Effect<void>
  readonly transfer: (to: PhoneNumber) => Effect.Effect<void, TwilioError>
}

export interface Call {
  readonly info: CallInfo
  readonly state: Effect.Effect<CallState>
  /** Whether it is ours to talk to; not any more once it was handed on. */
  readonly isHere: () => boolean
  /** Moves the state; gives the new one. */
  readonly dispatch: (event: CallEvent) => Effect.Effect<CallState>
  /** Runs a media stream of this call until it is over; `false` when the call has no place for it. */
  readonly stream: (stream: MediaStream) => Effect.Effect<boolean>
  /** What is said and done on it, for those who watch. */
  readonly watch: ConversationFeed.ConversationFeed
}

export interface CallLimits {
  readonly callDuration: Duration.Duration
  readonly start: Duration.Duration
  readonly media: Duration.Duration
  readonly backlog: Duration.Duration
}

/** Twilio rings for a minute; a call may stand in Twilio's own queue before that. */
const answerTimeout = Duration.minutes(5)

/** For Twilio's last word after a stream has ended. */
const endingTimeout = Duration.seconds(3)

/** For Twilio to come back after a socket was lost: its action request is sent at once. */
const resumingTimeout = Duration.seconds(10)

/** A call that was handed on, and of whose end no word came: Twilio's own longest call. */
const transferredTimeout = Duration.hours(4)

/** The WebSocket's close code and reason (RFC 6455, section 7.4) for an end of ours. */
const closeFor = (reason: EndReason): readonly [code: number, text: string] => {
  switch (reason) {
    case "badMessages":
      return [1008, "too many messages could not be read"]
    case "mediaAhead":
      return [1008, "more sound came than time has passed"]
    case "oversizedMessage":
      return [1009, "a message was too large"]
    case "mediaTimeout":
      return [1008, "no media came"]
    case "slowPeer":
      return [1008, "the peer does not read"]
    case "shutdown":
      return [1001, "the service is stopping"]
    case "agentFailed":
      return [1011, "the agent failed"]
    default:
      return [1000, ""]
  }
}

const agentFailed: StreamEnd = { _tag: "Closed", reason: "agentFailed" }

/** Makes a call and its owner fiber, which frees what the call held. `onEnded` runs once, as soon as the call has ended. */
export const make = Effect.fnUntraced(function*(
  info: CallInfo,
  limits: CallLimits,
  control: CallControl,
  onEnded: Effect.Effect<void>
): Effect.fn.Return<{ readonly call: Call; readonly run: Effect.Effect<void> }> {
  const state = yield* Ref.make(initial)
  const commands = yield* Queue.unbounded<Command, Cause.Done>()
  const scope = yield* Scope.make()
  const watch = yield* ConversationFeed.make
  /** Tells an open stream why it is to be closed. There are two while one takes the place of another. */
  const closing = new Map<StreamSid, Deferred.Deferred<EndReason>>()

  const live = (of: CallState) => Metrics.callsLive(of.phase._tag, info.direction)

  const dispatch = (event: CallEvent) =>
    Effect.gen(function*() {
      const [before, after] = yield* Ref.modify(state, (before) => {
        const [todo, after] = transition(before, event)
        Queue.offerAllUnsafe(commands, todo)
        return [[before, after], after]
      })
      if (before.phase._tag === after.phase._tag) return after
      yield* Metric.modify(live(before), -1)
      if (after.phase._tag === "Ended") {
        const { reason } = after.phase
        yield* Metric.update(Metrics.callsEnded(reason, info.direction), 1)
        yield* Effect.logInfo("call ended").pipe(Effect.annotateLogs({ reason }))
        yield* onEnded
        yield* Queue.end(commands)
      } else {
        yield* Metric.modify(live(after), 1)
        yield* Effect.logDebug(`call ${after.phase._tag.toLowerCase()}`)
      }
      return after
    }).pipe(Effect.annotateLogs({ callSid: info.callSid }), Effect.uninterruptible)

  const timeout = (timer: Timer): Duration.Duration => {
    switch (timer) {
      case "answer":
        return answerTimeout
      case "start":
        return limits.start
      case "duration":
        return limits.callDuration
      case "ending":
        return endingTimeout
      case "resuming":
        return resumingTimeout
      case "transferred":
        return transferredTimeout
    }
  }

  const closeStream = (streamSid: StreamSid, reason: EndReason) =>
    Effect.suspend(() => {
      const open = closing.get(streamSid)
      return open === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(open, reason))
    })

  const run = Effect.gen(function*() {
    const timers = yield* FiberMap.make<Timer>()
    const arm = (timer: Timer) =>
      FiberMap.run(
        timers,
        timer,
        Effect.andThen(ProcessHalt.sleep(timeout(timer)), dispatch(CallEvent.TimerFired({ timer }))),
        // The whole call is timed from the first answer, however often its stream is connected.
        { onlyIfMissing: timer === "duration" }
      )
    const execute = (command: Command): Effect.Effect<unknown> => {
      switch (command._tag) {
        case "Arm":
          return arm(command.timer)
        case "Disarm":
          return FiberMap.remove(timers, command.timer)
        case "CloseStream":
          return closeStream(command.streamSid, command.reason)
        case "HangUp":
          return control.hangUp
      }
    }
    yield* Metric.modify(live(initial), 1)
    yield* Effect.logInfo("call began").pipe(
      Effect.annotateLogs({ direction: info.direction, agent: info.agent.name })
    )
    yield* arm("answer")
    // The queue's end is the call's end.
    yield* Effect.ignore(Effect.forever(Effect.flatMap(Queue.take(commands), execute)))
  }).pipe(
    Effect.scoped,
    // For an owner that is stopped from outside; after the call's own end this changes nothing.
    Effect.ensuring(dispatch(CallEvent.Released({ reason: "shutdown" }))),
    Effect.onExit((exit) => Effect.andThen(Scope.close(scope, exit), watch.end)),
    Effect.annotateLogs({ callSid: info.callSid })
  )

  /** In a fiber of the call's own: the agent and its stream are gone as soon as Twilio has done it. */
  const transfer = Effect.fnUntraced(function*(to: PhoneNumber) {
    const { isTransferring } = yield* dispatch(CallEvent.TransferBegan())
    if (!isTransferring) return yield* new TransferFailed({ reason: "noStream" })
    const asked = control.transfer(to).pipe(
      Effect.tapError((error) =>
        Effect.andThen(
          dispatch(CallEvent.TransferFailed()),
          Effect.annotateLogs(Effect.logWarning("Twilio did not hand the call on", error.message), { callSid: info.callSid })
        )),
      Effect.mapError(({ failure }) => new TransferFailed({ reason: failure }))
    )
    yield* Effect.flatMap(Effect.forkIn(asked, scope), Fiber.join)
  })

  /** Until the stream ends or is to be closed, also while the agent still gets ready. */
  const runMedia = (stream: MediaStream, toClose: Effect.Effect<EndReason>): Effect.Effect<StreamEnd> =>
    Effect.raceFirst(
      MediaSession.run(stream, info.agent, {
        media: limits.media,
        backlog: limits.backlog,
        watch,
        transfer,
        isOutbound: info.direction === "outbound"
      }),
      Effect.map(toClose, (reason): StreamEnd => ({ _tag: "Closed", reason }))
    ).pipe(
      Effect.catchTag("AgentFailed", (error) => Effect.as(Effect.logError(error.message, error.cause), agentFailed)),
      Effect.catchDefect((defect) => Effect.as(Effect.logError("The agent failed; the call is ended", defect), agentFailed))
    )

  const attach = Effect.fnUntraced(function*(stream: MediaStream) {
    const { streamSid } = stream
    // A stream is taken once: its SID proves nothing the second time.
    if (closing.has(streamSid)) return false
    const toClose = yield* Deferred.make<EndReason>()
    closing.set(streamSid, toClose)
    const after = yield* dispatch(CallEvent.StreamStarted({ streamSid }))
    if (after.phase._tag !== "Streaming" || after.phase.streamSid !== streamSid) {
      closing.delete(streamSid)
      return false
    }
    const fiber = yield* Effect.forkIn(
      Effect.gen(function*() {
        yield* Effect.logInfo("stream started")
        const end = yield* runMedia(stream, Deferred.await(toClose))
        yield* Effect.logInfo("stream ended").pipe(
          Effect.annotateLogs({ end: end._tag === "Closed" ? end.reason : end._tag })
        )
        // The state first: Twilio asks what next as soon as the socket is closed.
        yield* dispatch(CallEvent.StreamEnded({ streamSid, end }))
        if (end._tag === "Closed") yield* stream.close(...closeFor(end.reason))
      }).pipe(
        Effect.ensuring(Effect.sync(() => closing.delete(streamSid))),
        Effect.annotateLogs({ callSid: info.callSid, streamSid })
      ),
      scope
    )
    yield* Fiber.await(fiber)
    return true
  })

  const isHere = () => Ref.getUnsafe(state).phase._tag !== "Transferred"

  return { call: { info, state: Ref.get(state), isHere, dispatch, stream: attach, watch }, run: Effect.asVoid(run) }
})
