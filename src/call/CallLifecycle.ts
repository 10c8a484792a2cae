/**
 * Holds the state of one call. An event can change the state and give commands for the owner fiber (`CallOwner`). If the phase changes,
 * metrics are counted, a line is logged and `onPhase` runs.
 *
 * Only `CallTransition.transition` changes the state. Any fiber may dispatch events.
 */
import { type Cause, Effect, Metric, Queue, Ref } from "effect"
import * as Metrics from "../observability/Metrics.ts"
import type { CallInfo } from "./CallInfo.ts"
import { type CallEvent, type CallState, type Command, initialState, type Phase } from "./CallState.ts"
import { transition } from "./CallTransition.ts"

/** Runs once for each new phase, in the fiber that dispatched the event. It can't be interrupted. `Ended` is the last phase. */
export type OnPhase = (state: CallState) => Effect.Effect<void>

export interface CallLifecycle {
  readonly state: Effect.Effect<CallState>
  readonly phase: () => Phase
  /** `CallState.transfer`, except that in the phase `Transferred` it is always `done`. */
  readonly transfer: () => CallState["transfer"]
  /** See `CallState`. */
  readonly isBackFromTransfer: () => boolean
  /** Applies the event to the state. Returns the new state. */
  readonly dispatch: (event: CallEvent) => Effect.Effect<CallState>
  /** The commands that the owner fiber carries out, in order. The queue ends with the call. */
  readonly commands: Queue.Dequeue<Command, Cause.Done>
  /** Counts the call as live, and logs its beginning. Run it once. */
  readonly begin: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(
  { agent, callSid, direction }: CallInfo,
  resumptionCounts: { readonly maxResumptions: number; readonly resumptions: number },
  onPhase: OnPhase
): Effect.fn.Return<CallLifecycle> {
  const initial = initialState(resumptionCounts)
  const state = yield* Ref.make(initial)
  const commands = yield* Queue.unbounded<Command, Cause.Done>()

  const liveIn = ({ _tag }: Phase) => Metrics.callsLive(_tag, direction)

  const enterPhase = Effect.fnUntraced(function*(before: Phase, state: CallState) {
    const after = state.phase
    yield* Metric.modify(liveIn(before), -1)
    if (after._tag !== "Ended") {
      yield* Metric.modify(liveIn(after), 1)
      yield* Effect.logDebug(`call ${after._tag.toLowerCase()}`)
      return yield* onPhase(state)
    }
    const { reason } = after
    yield* Metric.update(Metrics.callsEnded(reason, direction), 1)
    yield* Effect.logInfo("call ended").pipe(Effect.annotateLogs({ reason }))
    yield* onPhase(state)
    yield* Queue.end(commands)
  })

  const dispatch = (event: CallEvent) =>
    Effect.gen(function*() {
      const [before, after] = yield* Ref.modify(state, (before) => {
        const [newCommands, after] = transition(before, event)
        Queue.offerAllUnsafe(commands, newCommands)
        return [[before, after], after]
      })
      if (before.phase._tag !== after.phase._tag) yield* enterPhase(before.phase, after)
      return after
    }).pipe(Effect.annotateLogs({ callSid }), Effect.uninterruptible)

  return {
    state: Ref.get(state),
    phase: () => Ref.getUnsafe(state).phase,
    transfer: () => {
      const { phase, transfer } = Ref.getUnsafe(state)
      return phase._tag === "Transferred" ? "done" : transfer
    },
    isBackFromTransfer: () => Ref.getUnsafe(state).isBackFromTransfer,
    dispatch,
    commands,
    begin: Effect.andThen(
      Metric.modify(liveIn(initial.phase), 1),
      Effect.logInfo("call began").pipe(Effect.annotateLogs({ callSid, direction, agent: agent.name }))
    )
  }
})
