/** Admits calls: checks that a line is free, starts the call's owner fiber, and applies reports that came before the call. */
import { Data, Effect, FiberSet, Metric, type Scope } from "effect"
import { type CallSid, copy } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import type { StoredCall } from "../../store/CallStore.ts"
import * as Call from "../Call.ts"
import type { CallControl, CallInfo, CallLimits, CallSettings, NewCall } from "../CallInfo.ts"
import { CallEvent, type CallState } from "../CallState.ts"
import type { CallHistories } from "../history/CallHistories.ts"
import type { AbsentCalls } from "./AbsentCalls.ts"
import type { Report } from "./EarlyReports.ts"
import type { LiveCalls, Refusal } from "./LiveCalls.ts"

/** The call is not admitted: no line is free for it, or the service is stopping. */
export class LineBusy extends Data.TaggedError("LineBusy")<{ readonly reason: Refusal }> {
  override get message() {
    switch (this.reason) {
      case "busy":
        return "All lines are busy: MAX_CALLS calls are live. Try again later, or raise MAX_CALLS."
      case "callerBusy":
        return "This caller already has MAX_CALLS_PER_CALLER live calls. If many people call from one number, raise MAX_CALLS_PER_CALLER."
      case "draining":
        return "The service is stopping and takes no new calls. Try again on another instance, or later."
    }
  }
}

/** The call has ended: Twilio has reported a final status, or has accepted our hang-up. A request of such a call is late, or a replay. */
export class CallHasEnded extends Data.TaggedError("CallHasEnded") {
  override get message() {
    return "This call has ended. Answer its webhooks with <Hangup/>, and close its media streams."
  }
}

interface Admission {
  /** See `CallRegistry.admit`. */
  readonly admit: (info: NewCall, before?: StoredCall | "unreachable") => Effect.Effect<Call.Call, LineBusy | CallHasEnded>
  /** See `CallRegistry.adopt`. */
  readonly adopt: (info: NewCall) => Effect.Effect<void>
  /** See `CallRegistry.reserve`. */
  readonly reserve: Effect.Effect<void, LineBusy, Scope.Scope>
}

/** The owner fibers run in the scope: when it closes, all calls end. `onPhase` runs at each new phase of each call. */
export const make = Effect.fnUntraced(function*(options: {
  readonly live: LiveCalls
  readonly absent: AbsentCalls
  readonly limits: CallLimits
  readonly controlOf: (info: CallInfo) => CallControl
  readonly histories: CallHistories["Service"]
  /** Decides the settings of a call. */
  readonly settingsOf: (info: NewCall) => CallSettings
  readonly onBegin: (callSid: CallSid) => Effect.Effect<void>
  readonly onPhase: (callSid: CallSid, state: CallState) => Effect.Effect<void>
}): Effect.fn.Return<Admission, never, Scope.Scope> {
  const { absent, controlOf, histories, limits, live, onBegin, onPhase, settingsOf } = options
  const owners = yield* FiberSet.make()

  const checkFreeLine = Effect.fnUntraced(function*(callerKey: string | undefined) {
    const reason = live.refusal(callerKey)
    if (reason === undefined) return
    yield* Metric.update(Metrics.callsRefused(reason), 1)
    return yield* new LineBusy({ reason })
  })

  const checkRunning = Effect.suspend(() => live.isDraining() ? Effect.fail(new LineBusy({ reason: "draining" })) : Effect.void)

  const begin = Effect.fnUntraced(function*(given: NewCall, reports: ReadonlyArray<Report>, before?: StoredCall | "unreachable") {
    // The SID is a substring of Twilio's request. A copy does not keep the whole request in memory.
    const callSid = copy(given.callSid)
    const info: CallInfo = { ...given, callSid, settings: settingsOf(given) }
    const history = yield* histories.open(info, before)
    for (const report of reports) history.reported(report)
    const control = controlOf(info)
    const made = yield* Call.make(info, limits, {
      ...control,
      // If another process has the call, only that process may hang it up.
      hangUp: Effect.suspend(() => history.isElsewhere() ? Effect.void : control.hangUp)
    }, history, (state) => onPhase(callSid, state))
    // Another request of the same call may have added the call meanwhile.
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
      if (yield* absent.isEndConfirmed(callSid)) return yield* new CallHasEnded()
      // A call that goes on had a line before. While this process stops, another process must go on with the call.
      if (before !== undefined) yield* checkRunning
      // A call that we placed has its line already: it was reserved before the dial.
      else if (info.direction === "inbound") yield* checkFreeLine(info.callerKey)
      return yield* begin(info, yield* absent.takeReports(callSid), before)
    }),
    adopt: Effect.fnUntraced(function*(info) {
      const { callSid } = info
      if (live.find(callSid) !== undefined) return
      const hasEnded = yield* absent.hasEnded(callSid)
      const reports = yield* absent.takeReports(callSid)
      // The call has ended, and no report waits for it. So the call was live here before, and is finished.
      if (hasEnded && reports.length === 0) return
      const call = yield* begin(info, reports)
      if (hasEnded) yield* call.dispatch(CallEvent.Released({ reason: "requested" }))
    }),
    reserve: Effect.asVoid(Effect.acquireRelease(
      Effect.andThen(checkFreeLine(undefined), Effect.sync(live.reserveLine)),
      () => Effect.sync(live.releaseLine)
    ))
  }
})
