/**
 * One live call: its state, its media streams and its owner fiber.
 *
 * `CallLifecycle` holds the state. `CallOwner` carries out the commands. `CallStreams` connects the agent to each media stream. The streams
 * run in the call's scope, which closes when the call ends.
 */
import { Effect, Scope } from "effect"
import { TransferFailed } from "../conversation/ports/AudioPort.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { StoredCall } from "../store/CallStore.ts"
import type { MediaStream } from "../twilio/media/MediaStream.ts"
import type { CallControl, CallInfo, CallLimits } from "./CallInfo.ts"
import * as CallEvents from "./CallEvents.ts"
import * as CallLifecycle from "./CallLifecycle.ts"
import * as CallOwner from "./CallOwner.ts"
import { CallEvent, type CallState } from "./CallState.ts"
import * as CallStreams from "./CallStreams.ts"
import * as ConversationFeed from "./ConversationFeed.ts"
import type { RenewableHistory } from "./history/RenewableHistory.ts"

export interface Call {
  readonly info: CallInfo
  readonly state: Effect.Effect<CallState>
  /** Whether the call takes a line. A transferred call takes none: the caller then talks to another person, not to the agent. */
  readonly takesLine: () => boolean
  /** Applies the event to the state. Returns the new state. */
  readonly dispatch: (event: CallEvent) => Effect.Effect<CallState>
  /** Runs a media stream of this call until the stream ends. Returns `false` at once if the call does not accept the stream. */
  readonly stream: (stream: MediaStream) => Effect.Effect<boolean>
  /** Must be called when another process has taken the call over. From then on this process stores nothing about the call. */
  readonly handOver: () => void
  /**
   * Goes on from what the store has. Needed before a new stream if another process had the call since the last stream here. `stored`: the
   * call, read just now.
   */
  readonly renew: (stored: StoredCall) => Effect.Effect<void>
  /** Ends the call in this process only. Twilio then requests TwiML, and the process that gets this request goes on with the call. */
  readonly leave: Effect.Effect<void>
  /** The call's events, for watchers. */
  readonly feed: ConversationFeed.ConversationFeed
}

/**
 * Asks Twilio to transfer the call. The transfer ends the stream and the agent's fiber, so the request runs in a fiber of the call's scope.
 */
const makeTransfer = (info: CallInfo, lifecycle: CallLifecycle.CallLifecycle, control: CallControl, scope: Scope.Scope) =>
  Effect.fnUntraced(function*(to: PhoneNumber) {
    const { transfer } = yield* lifecycle.dispatch(CallEvent.TransferBegan())
    if (transfer !== "asked") return yield* new TransferFailed({ reason: "noStream" })
    const request = control.transfer(to).pipe(
      Effect.tap(() => lifecycle.dispatch(CallEvent.TransferDone())),
      Effect.tapError((error) =>
        Effect.andThen(
          lifecycle.dispatch(CallEvent.TransferFailed()),
          Effect.annotateLogs(Effect.logWarning("Twilio did not transfer the call", error.message), { callSid: info.callSid })
        )),
      Effect.mapError(({ failure, mayBeDone }) => new TransferFailed({ reason: failure, mayBeDone }))
    )
    return yield* Effect.forkIn(request, scope)
  })

/** `run` is the effect of the call's owner fiber. It ends with the call, and closes the call's scope. */
export const make = Effect.fnUntraced(function*(
  info: CallInfo,
  limits: CallLimits,
  control: CallControl,
  history: RenewableHistory,
  onPhase: CallLifecycle.OnPhase
): Effect.fn.Return<{ readonly call: Call; readonly run: Effect.Effect<void> }> {
  const scope = yield* Scope.make()
  const feed = yield* ConversationFeed.make
  const events = CallEvents.make(feed, history)
  const lifecycle = yield* CallLifecycle.make(
    info,
    { maxResumptions: limits.resumptions, resumptions: history.lostStreams },
    (state) => Effect.andThen(events.onPhase(state), onPhase(state))
  )
  history.began()
  const streams = CallStreams.make(info, lifecycle, history, {
    mediaTimeout: limits.mediaTimeout,
    backlog: limits.backlog,
    watch: { publish: events.publish, isWatched: feed.isWatched },
    transfer: makeTransfer(info, lifecycle, control, scope),
    isOutbound: info.direction === "outbound"
  }, scope)

  const finish = Effect.suspend(() => {
    const phase = lifecycle.phase()
    return phase._tag === "Ended" ? events.finish(phase.reason) : Effect.void
  })
  const run = CallOwner.run(lifecycle, limits, control, streams).pipe(
    // Ends the call if its owner fiber is interrupted. If the call has ended already, the event changes nothing.
    Effect.ensuring(lifecycle.dispatch(CallEvent.Released({ reason: "shutdown" }))),
    Effect.onExit((exit) => Effect.andThen(Scope.close(scope, exit), Effect.andThen(finish, feed.end))),
    Effect.annotateLogs({ callSid: info.callSid })
  )

  return {
    call: {
      info,
      state: lifecycle.state,
      takesLine: () => lifecycle.phase()._tag !== "Transferred",
      dispatch: lifecycle.dispatch,
      stream: streams.run,
      handOver: history.handOver,
      renew: (stored) =>
        Effect.andThen(
          Effect.sync(() => history.renew(stored)),
          Effect.asVoid(lifecycle.dispatch(CallEvent.Renewed({ lostStreams: stored.parts })))
        ),
      leave: Effect.andThen(
        Effect.sync(history.leave),
        Effect.asVoid(lifecycle.dispatch(CallEvent.Released({ reason: "streamLost" })))
      ),
      feed
    },
    run
  }
})
