/** Admits calls: checks that a line is free, starts the call's owner fiber, and applies reports that came before the call. */
import { Data, Effect, FiberSet, Metric, type Scope } from "effect"
import { type CallSid, copy } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import type { StoredCall } from "../../store/CallStore.ts"
import * as Call from "../Call.ts"
import type { CallControl, CallInfo, CallKeeping, CallLimits, NewCall } from "../CallInfo.ts"
import { CallEvent, type CallState } from "../CallState.ts"
import type { CallHistories } from "../history/CallHistories.ts"
import type { AbsentCalls } from "./AbsentCalls.ts"
import type { Report } from "./EarlyReports.ts"
import type { LiveCalls, Refusal } from "./LiveCalls.ts"

/** No line is free for one more call, or the service is stopping. */
export class LineBusy extends Data.TaggedError("LineBusy")<{ readonly reason: Refusal }> {
  override get message() {
    switch (this.reason) {
      case "busy":
        return "All lines are busy: MAX_CALLS calls are alive. Try again later, or raise MAX_CALLS."
      case "callerBusy":
        return "One caller has all the lines that one may have: MAX_CALLS_PER_CALLER calls are alive. If many people call from one number, raise MAX_CALLS_PER_CALLER."
      case "draining":
        return "The service is stopping and takes no new calls. Try again on another instance, or later."
    }
  }
}

/** The call has ended: Twilio has said so, or has accepted our hang-up. A request of such a call is a replay, or late. */
export class CallHasEnded extends Data.TaggedError("CallHasEnded") {
  override get message() {
    return "This call has ended. Answer its webhooks with <Hangup/>, and close its media streams."
  }
}

interface Admission {
  /** See `CallRegistry.admit`. */
  readonly admit: (info: NewCall, before?: StoredCall | "lost") => Effect.Effect<Call.Call, LineBusy | CallHasEnded>
  /** See `CallRegistry.adopt`. */
  readonly adopt: (info: NewCall) => Effect.Effect<void>
  /** See `CallRegistry.reserve`. */
  readonly reserve: Effect.Effect<void, LineBusy, Scope.Scope>
}

/** The owner fibers belong to the scope: its end ends all calls. `onPhase` gets each new phase of each call. */
export const make = Effect.fnUntraced(function*(options: {
  readonly live: LiveCalls
  readonly absent: AbsentCalls
  readonly limits: CallLimits
  readonly controlOf: (info: CallInfo) => CallControl
  readonly histories: CallHistories["Service"]
  /** Decides what is stored of a call. */
  readonly keepingOf: (info: NewCall) => CallKeeping
  readonly onBegin: (callSid: CallSid) => Effect.Effect<void>
  readonly onPhase: (callSid: CallSid, state: CallState) => Effect.Effect<void>
}): Effect.fn.Return<Admission, never, Scope.Scope> {
  const { absent, controlOf, histories, keepingOf, limits, live, onBegin, onPhase } = options
  const owners = yield* FiberSet.make()

  const checkRoom = Effect.fnUntraced(function*(callerKey: string | undefined) {
    const reason = live.refusal(callerKey)
    if (reason === undefined) return
    yield* Metric.update(Metrics.callsRefused(reason), 1)
    return yield* new LineBusy({ reason })
  })

  const begin = Effect.fnUntraced(function*(given: NewCall, reports: ReadonlyArray<Report>, before?: StoredCall | "lost") {
    // The SID is a substring of Twilio's request. A copy does not keep the whole request in memory.
    const callSid = copy(given.callSid)
    const info: CallInfo = { ...given, callSid, keeping: keepingOf(given) }
    const history = yield* histories.open(info, before)
    for (const report of reports) history.reported(report)
    const control = controlOf(info)
    const made = yield* Call.make(info, limits, {
      ...control,
      // Another process may have the call: then only that process may hang it up.
      hangUp: Effect.suspend(() => history.isElsewhere() ? Effect.void : control.hangUp)
    }, history, (state) => onPhase(callSid, state))
    // Another request of the same call may have added it meanwhile.
    const call = live.find(callSid) ?? made.call
    if (call === made.call) {
      live.add(call)
      if (!history.isElsewhere()) yield* onBegin(callSid)
      yield* FiberSet.run(owners, Effect.ensuring(made.run, Effect.sync(() => live.removeEnded(call))))
    }
    yield* Effect.forEach(reports, ({ sequence, status }) => call.dispatch(CallEvent.StatusReported({ sequence, status })), { discard: true })
    return call
  })

  return {
    admit: Effect.fnUntraced(function*(info, before) {
      const { callSid } = info
      const known = live.find(callSid)
      if (known !== undefined) return known
      if (yield* absent.isOver(callSid)) return yield* new CallHasEnded()
      // A line was reserved for a call that we placed, when it was dialled.
      if (info.direction === "inbound") yield* checkRoom(info.callerKey)
      return yield* begin(info, yield* absent.takeReports(callSid), before)
    }),
    adopt: Effect.fnUntraced(function*(info) {
      const { callSid } = info
      if (live.find(callSid) !== undefined) return
      const hasEnded = yield* absent.hasEnded(callSid)
      const reports = yield* absent.takeReports(callSid)
      // Ended without a waiting report: the call was live here already, and is finished.
      if (hasEnded && reports.length === 0) return
      const call = yield* begin(info, reports)
      if (hasEnded) yield* call.dispatch(CallEvent.Released({ reason: "requested" }))
    }),
    reserve: Effect.asVoid(Effect.acquireRelease(
      Effect.andThen(checkRoom(undefined), Effect.sync(live.reserveLine)),
      () => Effect.sync(live.releaseLine)
    ))
  }
})
