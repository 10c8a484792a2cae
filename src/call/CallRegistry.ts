/**
 * All calls that are alive in this process, by their SID, each with its owner fiber; what is known of calls that are not
 * here yet (`EarlyReports`) and of those that have ended (`EndedCalls`).
 *
 * The fibers' scope is the layer's: when the service stops, every call that is left is ended.
 */
import { Clock, Context, Data, Duration, Effect, FiberSet, Layer, Metric, Option, Ref, Schedule, type Scope } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { CallSid } from "../domain/Sid.ts"
import * as Metrics from "../observability/Metrics.ts"
import { RestClient } from "../twilio/rest/RestClient.ts"
import type { CallStatus } from "../twilio/webhook/WebhookParameters.ts"
import * as Call from "./Call.ts"
import { CallEvent, type EndReason, isTerminal, isUnanswered } from "./CallState.ts"
import type { ConversationFeed } from "./ConversationFeed.ts"
import * as EarlyReports from "./EarlyReports.ts"
import * as EndedCalls from "./EndedCalls.ts"

/** There is no room for one more call, or the service is stopping. */
export class LineBusy extends Data.TaggedError("LineBusy")<{ readonly reason: "busy" | "callerBusy" | "draining" }> {
  override get message() {
    switch (this.reason) {
      case "busy":
        return "All lines are busy: MAX_CALLS calls are alive. Try again later, or raise MAX_CALLS."
      case "callerBusy":
        return "One caller has all lines that it may: MAX_CALLS_PER_CALLER calls are alive. If many people call from one number, raise MAX_CALLS_PER_CALLER."
      case "draining":
        return "The service is stopping and takes no new calls. Try again on another instance, or later."
    }
  }
}

/** The call is over: Twilio has said so, or has taken our hang-up. A request of such a call is a replay, or late. */
export class CallHasEnded extends Data.TaggedError("CallHasEnded") {
  override get message() {
    return "This call has ended. Answer its webhooks with <Hangup/>, and close its media streams."
  }
}

/** Calls that are over and can still be watched from their beginning. */
const endedCalls = 100

/** After live calls were told to end, how long they may take. */
const closingTimeout = Duration.seconds(5)

/** How often what is too old is forgotten, should nothing else happen. */
const forgetEvery = Duration.seconds(10)

export class CallRegistry extends Context.Service<CallRegistry, {
  /** The call with this SID, of which a webhook has come: the one that is alive, or a new one if there is room. */
  readonly admit: (info: Call.CallInfo) => Effect.Effect<Call.Call, LineBusy | CallHasEnded>
  /**
   * A call that we placed, whose room was reserved. Its webhooks may have been faster than Twilio's answer: then it is
   * alive already, or has come and gone, or ends here at once with what was reported.
   */
  readonly adopt: (info: Call.CallInfo) => Effect.Effect<void>
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Call.Call>>
  /** What is said and done on a call that is alive, or was one of the last to end. */
  readonly events: (callSid: CallSid) => Effect.Effect<Option.Option<ConversationFeed["events"]>>
  /** A status that Twilio told; for a call that is not here it is remembered. */
  readonly report: (callSid: CallSid, status: CallStatus, sequence: number) => Effect.Effect<void>
  /** Ends a call that is alive, by its stream's end or over REST. */
  readonly hangUp: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /** A webhook of this call is answered with `<Hangup/>`: it is over, whether it is here or not. */
  readonly end: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /**
   * Whether Twilio has said that the call is over, or has taken our hang-up; known for a day. A request that says that
   * the call still rings is a replay also when the call has ended here without Twilio's word: it was answered before.
   */
  readonly hasEnded: (callSid: CallSid, status?: CallStatus) => Effect.Effect<boolean>
  readonly live: Effect.Effect<number>
  /** Calls whose media stream is open. */
  readonly streaming: Effect.Effect<number>
  /** Keeps a place for a call that is about to be placed, until the scope closes; a drain waits for it. */
  readonly reserve: Effect.Effect<void, LineBusy, Scope.Scope>
  readonly isDraining: Effect.Effect<boolean>
  /** Takes no new calls, waits for the live ones to end, then ends them. */
  readonly drain: (grace: Duration.Duration) => Effect.Effect<void>
}>()("client-caller/call/CallRegistry") {
  static readonly layer = Layer.effect(
    CallRegistry,
    Effect.gen(function*() {
      const { limits, twilio } = yield* AppConfig
      const rest = yield* RestClient
      const owners = yield* FiberSet.make()
      /** Those that have not ended. */
      const calls = new Map<CallSid, Call.Call>()
      /** Those that have ended and still let their stream and agent go. */
      const leaving = new Set<Call.Call>()
      /** The last that ended, in the order of their ends. */
      const watches = new Map<CallSid, ConversationFeed>()
      /** For what is remembered for a while: a wall clock that is set does not make it longer or shorter. */
      const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
      const ended = EndedCalls.make()
      const early = EarlyReports.make()
      const draining = yield* Ref.make(false)

      /** Places kept for calls that are about to be placed. */
      let reserved = 0

      /** Calls that are ours to talk to: those that were handed on cost nothing, and nobody waits for their end. */
      const here = () => [...calls.values()].filter((call) => call.isHere())
      const taken = () => here().length + reserved

      /** Whether a caller's calls that are alive are as many as may be; those that we placed are nobody's. */
      const hasItsShare = (callerKey: string | undefined) =>
        callerKey !== undefined && here().filter(({ info }) => info.callerKey === callerKey).length >= limits.callsPerCaller

      const roomFor = Effect.fnUntraced(function*(callerKey: string | undefined) {
        const why = taken() >= limits.calls ? "busy" : hasItsShare(callerKey) ? "callerBusy" : undefined
        const reason = (yield* Ref.get(draining)) ? "draining" : why
        if (reason === undefined) return
        yield* Metric.update(Metrics.callsRefused(reason), 1)
        return yield* new LineBusy({ reason })
      })

      const reserve = Effect.acquireRelease(
        Effect.andThen(roomFor(undefined), Effect.sync(() => reserved++)),
        () => Effect.sync(() => reserved--)
      )

      const dispatch = (callSid: CallSid, event: CallEvent) => {
        const call = calls.get(callSid)
        return call === undefined ? Effect.void : Effect.asVoid(call.dispatch(event))
      }

      const countEarly = (outcome: Parameters<typeof Metrics.earlyReports>[0], reports: number) =>
        reports === 0 ? Effect.void : Metric.update(Metrics.earlyReports(outcome), reports)

      const end = Effect.fnUntraced(function*(callSid: CallSid, reason: EndReason) {
        ended.add(callSid, true, yield* monotonicMillis)
        yield* dispatch(callSid, CallEvent.Released({ reason }))
      })

      /** Once Twilio has hung up there is nothing left to wait for. */
      const hangUpByRest = (callSid: CallSid) =>
        rest.hangUp(callSid).pipe(
          Effect.andThen(end(callSid, "requested")),
          Effect.catch((error) => Effect.logWarning("Twilio did not hang the call up", error.message))
        )

      const transferByRest = ({ callSid, continueUrl, direction, from, to }: Call.CallInfo) => (other: PhoneNumber) =>
        rest.transfer({
          callSid,
          to: other,
          callerId: Option.orElse(direction === "inbound" ? to : from, () => twilio.phoneNumber),
          action: Option.fromUndefinedOr(continueUrl)
        })

      /** Its room is free from now on, though its stream and agent may take a while to go. */
      const leave = Effect.fnUntraced(function*(callSid: CallSid) {
        ended.add(callSid, false, yield* monotonicMillis)
        const call = calls.get(callSid)
        if (call === undefined) return
        calls.delete(callSid)
        leaving.add(call)
        watches.delete(callSid)
        watches.set(callSid, call.watch)
        for (const oldest of watches.keys()) {
          if (watches.size <= endedCalls) break
          watches.delete(oldest)
        }
      })

      const begin = Effect.fnUntraced(function*(info: Call.CallInfo, reports: ReadonlyArray<EarlyReports.Report>) {
        const { callSid } = info
        const control = { hangUp: hangUpByRest(callSid), transfer: transferByRest(info) }
        const made = yield* Call.make(info, limits, control, leave(callSid))
        // Another request of the same call may have been faster.
        const call = calls.get(callSid) ?? made.call
        if (call === made.call) {
          calls.set(callSid, call)
          yield* FiberSet.run(owners, Effect.ensuring(made.run, Effect.sync(() => leaving.delete(call))))
        }
        yield* Effect.forEach(reports, (report) => call.dispatch(CallEvent.StatusReported(report)), { discard: true })
        return call
      })

      const takeEarly = Effect.fnUntraced(function*(callSid: CallSid) {
        const { expired, reports } = early.take(callSid, yield* monotonicMillis)
        yield* countEarly("expired", expired)
        yield* countEarly("applied", reports.length)
        return reports
      })

      const admit = Effect.fnUntraced(function*(info: Call.CallInfo) {
        const { callSid } = info
        const known = calls.get(callSid)
        if (known !== undefined) return known
        if (ended.isOver(callSid, yield* monotonicMillis)) return yield* new CallHasEnded()
        // A call that we placed ourselves had its room when it was dialled.
        if (info.direction === "inbound") yield* roomFor(info.callerKey)
        return yield* begin(info, yield* takeEarly(callSid))
      })

      const adopt = Effect.fnUntraced(function*(info: Call.CallInfo) {
        const { callSid } = info
        if (calls.has(callSid)) return
        const hasEnded = ended.has(callSid, yield* monotonicMillis)
        const reports = yield* takeEarly(callSid)
        // Without a report it was here, and its end has been counted.
        if (hasEnded && reports.length === 0) return
        const call = yield* begin(info, reports)
        if (hasEnded) yield* call.dispatch(CallEvent.Released({ reason: "requested" }))
      })

      const report = Effect.fnUntraced(function*(callSid: CallSid, status: CallStatus, sequence: number) {
        const now = yield* monotonicMillis
        const isHere = calls.has(callSid)
        if (!isHere && !ended.has(callSid, now)) {
          const { dropped, expired, isNew } = early.remember(callSid, { status, sequence }, now)
          yield* countEarly("remembered", isNew ? 1 : 0)
          yield* countEarly("expired", expired)
          yield* countEarly("dropped", dropped)
        }
        if (isTerminal(status)) ended.add(callSid, true, now)
        yield* dispatch(callSid, CallEvent.StatusReported({ status, sequence }))
      })

      const forgetOld = Effect.gen(function*() {
        const now = yield* monotonicMillis
        ended.forgetOld(now)
        yield* countEarly("expired", early.forgetOld(now))
      })
      yield* Effect.forkScoped(Effect.forever(Effect.delay(forgetOld, forgetEvery)))

      const hangUp = (callSid: CallSid, reason: EndReason) => dispatch(callSid, CallEvent.HangUpRequested({ reason }))

      const untilEmpty = Effect.sync(() => taken() + leaving.size).pipe(
        Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: (left) => left === 0 })
      )

      return CallRegistry.of({
        admit,
        adopt,
        find: (callSid) => Effect.sync(() => Option.fromNullishOr(calls.get(callSid))),
        events: (callSid) =>
          Effect.sync(() => Option.map(Option.fromNullishOr(calls.get(callSid)?.watch ?? watches.get(callSid)), ({ events }) => events)),
        report,
        hangUp,
        end,
        hasEnded: (callSid, status) =>
          Effect.map(monotonicMillis, (now) =>
            ended.isOver(callSid, now) ||
            (status !== undefined && isUnanswered(status) && ended.has(callSid, now) && !calls.has(callSid))),
        live: Effect.sync(() => here().length),
        streaming: Effect.suspend(() =>
          Effect.map(
            Effect.forEach(calls.values(), (call) => call.state),
            (states) => states.filter((state) => state.phase._tag === "Streaming").length
          )
        ),
        reserve: Effect.asVoid(reserve),
        isDraining: Ref.get(draining),
        drain: Effect.fn("CallRegistry.drain")(function*(grace) {
          yield* Ref.set(draining, true)
          if (taken() + leaving.size === 0) return
          yield* Effect.logInfo("Waiting for live calls to end").pipe(
            Effect.annotateLogs({ calls: here().length, grace: Duration.format(grace) })
          )
          yield* Effect.timeoutOption(untilEmpty, grace)
          const left = here()
          if (left.length === 0) return
          yield* Effect.logWarning("Ending the calls that are left").pipe(Effect.annotateLogs({ calls: left.length }))
          yield* Effect.forEach(left, ({ info }) => hangUp(info.callSid, "shutdown"), { discard: true })
          yield* Effect.timeoutOption(untilEmpty, closingTimeout)
        })
      })
    })
  )
}
