/**
 * All calls that are alive in this process, by their SID, each with its owner fiber.
 *
 * The fibers' scope is the layer's: when the service stops, every call that is left is ended.
 */
import { Context, Data, Duration, Effect, FiberMap, Layer, Metric, Option, Ref, Schedule, type Scope } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { CallSid } from "../domain/Sid.ts"
import * as Metrics from "../observability/Metrics.ts"
import { RestClient } from "../twilio/RestClient.ts"
import type { CallStatus } from "../twilio/Webhook.ts"
import * as Call from "./Call.ts"
import { CallEvent, type EndReason } from "./CallState.ts"
import type { CallWatch } from "./CallWatch.ts"

/** There is no room for one more call, or the service is stopping. */
export class LineBusy extends Data.TaggedError("LineBusy")<{ readonly reason: "busy" | "draining" }> {
  override get message() {
    return this.reason === "busy"
      ? "All lines are busy: MAX_CALLS calls are alive. Try again later, or raise MAX_CALLS."
      : "The service is stopping and takes no new calls. Try again on another instance, or later."
  }
}

/** Calls that are over and can still be watched from their beginning. */
const endedCalls = 100

/** After live calls were told to end, how long they may take. */
const closingTimeout = Duration.seconds(5)

export class CallRegistry extends Context.Service<CallRegistry, {
  /** The call with this SID: the one that is alive, or a new one if there is room. */
  readonly admit: (info: Call.CallInfo) => Effect.Effect<Call.Call, LineBusy>
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Call.Call>>
  /** What is said and done on a call that is alive, or was one of the last to end. */
  readonly events: (callSid: CallSid) => Effect.Effect<Option.Option<CallWatch["events"]>>
  /** A status callback; for a call that this process does not know it means nothing. */
  readonly report: (callSid: CallSid, status: CallStatus, sequence: number) => Effect.Effect<void>
  readonly hangUp: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
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
      const owners = yield* FiberMap.make<CallSid>()
      const calls = new Map<CallSid, Call.Call>()
      /** In the order of their ends. */
      const ended = new Map<CallSid, CallWatch>()
      const draining = yield* Ref.make(false)

      /** Places kept for calls that are about to be placed. */
      let reserved = 0

      /** Calls that are ours to talk to: those that were handed on cost nothing, and nobody waits for their end. */
      const here = () => [...calls.values()].filter((call) => call.isHere())
      const taken = () => here().length + reserved

      const room = Effect.gen(function*() {
        const isFull = taken() >= limits.calls
        const reason = (yield* Ref.get(draining)) ? "draining" : isFull ? "busy" : undefined
        if (reason === undefined) return
        yield* Metric.update(Metrics.callsRefused(reason), 1)
        return yield* new LineBusy({ reason })
      })

      const reserve = Effect.acquireRelease(
        Effect.andThen(room, Effect.sync(() => reserved++)),
        () => Effect.sync(() => reserved--)
      )

      const dispatch = (callSid: CallSid, event: CallEvent) => {
        const call = calls.get(callSid)
        return call === undefined ? Effect.void : Effect.asVoid(call.dispatch(event))
      }

      /** Once Twilio has hung up there is nothing left to wait for. */
      const hangUpByRest = (callSid: CallSid) =>
        rest.hangUp(callSid).pipe(
          Effect.andThen(dispatch(callSid, CallEvent.Released({ reason: "requested" }))),
          Effect.catch((error) => Effect.logWarning("Twilio did not hang the call up", error.message))
        )

      const transferByRest = ({ callSid, continueUrl, direction, from, to }: Call.CallInfo) => (other: PhoneNumber) =>
        rest.transfer({
          callSid,
          to: other,
          callerId: Option.orElse(direction === "inbound" ? to : from, () => twilio.phoneNumber),
          action: Option.fromUndefinedOr(continueUrl)
        })

      const admit = Effect.fnUntraced(function*(info: Call.CallInfo) {
        const { callSid } = info
        const known = calls.get(callSid)
        if (known !== undefined) return known
        // A call that we placed ourselves had its room when it was dialled.
        if (info.direction === "inbound") yield* room
        const { call, run } = yield* Call.make(info, limits, { hangUp: hangUpByRest(callSid), transfer: transferByRest(info) })
        calls.set(callSid, call)
        const forget = Effect.sync(() => {
          calls.delete(callSid)
          ended.set(callSid, call.watch)
          for (const oldest of ended.keys()) {
            if (ended.size <= endedCalls) break
            ended.delete(oldest)
          }
        })
        yield* FiberMap.run(owners, callSid, Effect.ensuring(run, forget))
        return call
      })

      const hangUp = (callSid: CallSid, reason: EndReason) => dispatch(callSid, CallEvent.HangUpRequested({ reason }))

      const untilEmpty = Effect.sync(taken).pipe(
        Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: (left) => left === 0 })
      )

      return CallRegistry.of({
        admit,
        find: (callSid) => Effect.sync(() => Option.fromNullishOr(calls.get(callSid))),
        events: (callSid) =>
          Effect.sync(() => Option.map(Option.fromNullishOr(calls.get(callSid)?.watch ?? ended.get(callSid)), ({ events }) => events)),
        report: (callSid, status, sequence) => dispatch(callSid, CallEvent.StatusReported({ status, sequence })),
        hangUp,
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
          if (taken() === 0) return
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
