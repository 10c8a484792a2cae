/**
 * One live call: its state, its media streams, and the fiber that owns both.
 *
 * `CallLifecycle` holds the state, `CallOwner` carries out its commands, `CallStreams` connects the agent to each media stream. The streams
 * run in the call's scope, so the call's end frees everything.
 */
import { Effect, Scope } from "effect"
import { TransferFailed } from "../conversation/ports/AudioPort.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { MediaStream } from "../twilio/media/MediaStream.ts"
import type { CallControl, CallInfo, CallLimits } from "./CallInfo.ts"
import * as CallEvents from "./CallEvents.ts"
import * as CallLifecycle from "./CallLifecycle.ts"
import * as CallOwner from "./CallOwner.ts"
import { CallEvent, type CallState } from "./CallState.ts"
import * as CallStreams from "./CallStreams.ts"
import * as ConversationFeed from "./ConversationFeed.ts"
import type { CallHistory } from "./history/CallHistory.ts"

export interface Call {
  readonly info: CallInfo
  readonly state: Effect.Effect<CallState>
  /** `false` while the call is transferred: the caller then talks to another telephone, not to the agent. */
  readonly isHere: () => boolean
  /** Applies the event to the state. Returns the new state. */
  readonly dispatch: (event: CallEvent) => Effect.Effect<CallState>
  /** Runs a media stream of this call until the stream ends. Returns `false` at once if the call does not accept the stream. */
  readonly stream: (stream: MediaStream) => Effect.Effect<boolean>
  /** Call it when another process has taken over the call. From then on this process stores nothing about the call. */
  readonly handOver: () => void
  /** The call's events, for watchers. */
  readonly watch: ConversationFeed.ConversationFeed
}

/**
 * Asks Twilio to transfer the call. The request runs in a fiber of the call, because the transfer ends the stream and with it the agent's
 * fiber.
 */
const makeTransfer = (info: CallInfo, lifecycle: CallLifecycle.CallLifecycle, control: CallControl, scope: Scope.Scope) =>
  Effect.fnUntraced(function*(to: PhoneNumber) {
    const { transfer } = yield* lifecycle.dispatch(CallEvent.TransferBegan())
    if (transfer !== "asked") return yield* new TransferFailed({ reason: "noStream" })
    const asked = control.transfer(to).pipe(
      Effect.tap(() => lifecycle.dispatch(CallEvent.TransferDone())),
      Effect.tapError((error) =>
        Effect.andThen(
          lifecycle.dispatch(CallEvent.TransferFailed()),
          Effect.annotateLogs(Effect.logWarning("Twilio did not transfer the call", error.message), { callSid: info.callSid })
        )),
      Effect.mapError(({ failure, mayBeDone }) => new TransferFailed({ reason: failure, mayBeDone }))
    )
    return yield* Effect.forkIn(asked, scope)
  })

/** Makes a call, and `run`, the effect of the call's owner fiber. `run` ends with the call and closes the call's scope. */
export const make = Effect.fnUntraced(function*(
  info: CallInfo,
  limits: CallLimits,
  control: CallControl,
  history: CallHistory,
  onPhase: CallLifecycle.OnPhase
): Effect.fn.Return<{ readonly call: Call; readonly run: Effect.Effect<void> }> {
  const scope = yield* Scope.make()
  const watch = yield* ConversationFeed.make
  const events = CallEvents.make(watch, history)
  const lifecycle = yield* CallLifecycle.make(
    info,
    { maxResumptions: limits.resumptions, resumptions: history.lostStreams },
    (state) => Effect.andThen(events.onPhase(state), onPhase(state))
  )
  history.began()
  const streams = CallStreams.make(info, lifecycle, history, {
    media: limits.media,
    backlog: limits.backlog,
    watch: { publish: events.publish, isWatched: watch.isWatched },
    transfer: makeTransfer(info, lifecycle, control, scope),
    isOutbound: info.direction === "outbound"
  }, scope)

  const finish = Effect.suspend(() => {
    const phase = lifecycle.phase()
    return phase._tag === "Ended" ? events.finish(phase.reason) : Effect.void
  })
  const run = CallOwner.run(lifecycle, limits, control, streams).pipe(
    // Ends the call if its owner is stopped from outside. After the call's own end this changes nothing.
    Effect.ensuring(lifecycle.dispatch(CallEvent.Released({ reason: "shutdown" }))),
    Effect.onExit((exit) => Effect.andThen(Scope.close(scope, exit), Effect.andThen(finish, watch.end))),
    Effect.annotateLogs({ callSid: info.callSid })
  )

  return {
    call: {
      info,
      state: lifecycle.state,
      isHere: () => lifecycle.phase()._tag !== "Transferred",
      dispatch: lifecycle.dispatch,
      stream: streams.run,
      handOver: history.handOver,
      watch
    },
    run
  }
})
