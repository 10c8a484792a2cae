/**
 * All calls that are live in this process, by their SID, each with its owner fiber; and what is known of calls that are not here yet, or
 * not any more.
 *
 * The fibers' scope is the layer's: when the service stops, every call that is left is ended.
 */
import { Context, Duration, Effect, Layer, Option, Random, Schedule, type Scope } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import type { AgentName } from "../domain/AgentName.ts"
import type { CallSid } from "../domain/Sid.ts"
import type { StoredCall } from "../store/CallStore.ts"
import { RestClient } from "../twilio/rest/RestClient.ts"
import type { CallStatus } from "../twilio/webhook/WebhookParameters.ts"
import type { Call } from "./Call.ts"
import type { CallInfo, CallKeeping, NewCall } from "./CallInfo.ts"
import { type CallState, CallEvent, type EndReason, isTerminal, isUnanswered } from "./CallState.ts"
import type { StatusFacts } from "./history/Outcome.ts"
import type { ConversationFeed } from "./ConversationFeed.ts"
import { CallHistories } from "./history/CallHistories.ts"
import * as Keeping from "./history/Keeping.ts"
import * as AbsentCalls from "./registry/AbsentCalls.ts"
import * as Admission from "./registry/Admission.ts"
import * as CallControls from "./registry/CallControls.ts"
import * as EndedFeeds from "./registry/EndedFeeds.ts"
import { ExpectedCalls } from "./registry/ExpectedCalls.ts"
import * as LiveCalls from "./registry/LiveCalls.ts"
import * as Ownership from "./registry/Ownership.ts"
import * as StoredInfo from "./registry/StoredInfo.ts"

/** After live calls were told to end, how long they may take. */
const closingTimeout = Duration.seconds(5)

/** See `CallRegistry.drain`. */
const drain = (live: LiveCalls.LiveCalls, hangUp: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>) => {
  const untilEmpty = Effect.sync(live.isEmpty).pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: (isEmpty) => isEmpty })
  )
  return Effect.fn("CallRegistry.drain")(function*(grace: Duration.Duration) {
    live.startDraining()
    if (live.isEmpty()) return
    yield* Effect.logInfo("Waiting for live calls to end").pipe(
      Effect.annotateLogs({ calls: live.here().length, grace: Duration.format(grace) })
    )
    yield* Effect.timeoutOption(untilEmpty, grace)
    const left = live.here()
    if (left.length === 0) return
    yield* Effect.logWarning("Ending the calls that are left").pipe(Effect.annotateLogs({ calls: left.length }))
    yield* Effect.forEach(left, ({ info }) => hangUp(info.callSid, "shutdown"), { discard: true })
    yield* Effect.timeoutOption(untilEmpty, closingTimeout)
  })
}

export class CallRegistry extends Context.Service<CallRegistry, {
  /** The call with this SID, of which a webhook has come: the live one, or a new one if there is room. */
  readonly admit: (info: NewCall, before?: StoredCall | "lost") => Effect.Effect<Call, Admission.LineBusy | Admission.CallHasEnded>
  /**
   * What the store knows of a call that is not here. `"lost"`: it can't be asked. `undefined`: it knows no such call.
   * `mayBeUnwritten`: another process may have placed or answered the call this moment, so the store is asked for a second, not once.
   */
  readonly recall: (callSid: CallSid, mayBeUnwritten?: boolean) => Effect.Effect<StoredCall | "lost" | undefined>
  /**
   * A call that we placed, whose line was reserved. Its webhooks may have been faster than Twilio's answer: then it is live already, or has
   * come and gone, or ends here at once with what was reported.
   */
  readonly adopt: (info: NewCall) => Effect.Effect<void>
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Call>>
  /** What is said and done on a call that is live, or was one of the last to end. */
  readonly events: (callSid: CallSid) => Effect.Effect<Option.Option<ConversationFeed["events"]>>
  /** What was said on a call that has ended is told no more: it was erased. */
  readonly forget: (callSid: CallSid) => Effect.Effect<void>
  /** Twilio has told a status. It is remembered for a call that is not here yet. `sequence`: Twilio's `SequenceNumber`. */
  readonly report: (callSid: CallSid, status: CallStatus, sequence: number, facts?: StatusFacts) => Effect.Effect<void>
  /** Ends a live call, by its stream's end or over REST. */
  readonly hangUp: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /** A webhook of this call is answered with `<Hangup/>`: the call is over, whether it is here or not. */
  readonly end: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /**
   * Whether Twilio has said that the call is over, or has taken our hang-up; known for a day. A request whose status says that the call
   * still rings is a replay also when the call has ended here without Twilio's word: the call was answered before.
   */
  readonly hasEnded: (callSid: CallSid, status?: CallStatus) => Effect.Effect<boolean>
  /** How many calls take a line; those that were handed on take none. */
  readonly live: Effect.Effect<number>
  /** How many calls have an open media stream. */
  readonly streaming: Effect.Effect<number>
  /** A call is about to be placed, and this is to be kept of it. Gives the ticket for the URL that Twilio will ask. */
  readonly expect: (keeping: CallKeeping) => Effect.Effect<string>
  /** Whether a call with this ticket was placed by this process. */
  readonly isExpected: (ticket: string) => Effect.Effect<boolean>
  /** Keeps a line for a call that is about to be placed, until the scope closes; a drain waits for it. */
  readonly reserve: Effect.Effect<void, Admission.LineBusy, Scope.Scope>
  readonly isDraining: Effect.Effect<boolean>
  /** Takes no new calls, waits for the live ones to end, then ends them. */
  readonly drain: (grace: Duration.Duration) => Effect.Effect<void>
}>()("client-caller/call/CallRegistry") {
  static readonly layer = Layer.effect(
    CallRegistry,
    Effect.gen(function*() {
      const { limits, store: { numbers }, twilio } = yield* AppConfig
      const rest = yield* RestClient
      const histories = yield* CallHistories
      const absent = yield* AbsentCalls.make
      const live = LiveCalls.make(limits)
      const feeds = EndedFeeds.make()
      const expected = new ExpectedCalls()
      const keepingOf = ({ agent, keeping, ticket }: NewCall) => keeping ?? expected.keepingOf(ticket, Keeping.of(agent, numbers))

      const dispatch = (callSid: CallSid, event: CallEvent) =>
        Effect.suspend(() => {
          const call = live.find(callSid)
          return call === undefined ? Effect.void : Effect.asVoid(call.dispatch(event))
        })

      const end = (callSid: CallSid, reason: EndReason) =>
        Effect.andThen(absent.addEnd(callSid, true), dispatch(callSid, CallEvent.Released({ reason })))

      const hangUp = (callSid: CallSid, reason: EndReason) => dispatch(callSid, CallEvent.HangUpRequested({ reason }))

      const onPhase = Effect.fnUntraced(function*(callSid: CallSid, { phase }: CallState) {
        if (phase._tag === "Streaming") return yield* ownership.take(callSid)
        if (phase._tag !== "Ended") return
        yield* ownership.release(callSid)
        yield* absent.addEnd(callSid, false)
        const call = live.end(callSid)
        if (call !== undefined) feeds.add(callSid, call.watch)
      })

      // Once Twilio has hung up there is nothing left to wait for.
      const controlOf = (info: CallInfo) => CallControls.make(rest, twilio.phoneNumber, info, end(info.callSid, "requested"))
      const report = Effect.fnUntraced(function*(callSid: CallSid, status: CallStatus, sequence: number, facts: StatusFacts = {}) {
        const place = yield* histories.report(callSid, { ...facts, status })
        yield* absent.addReport(callSid, { ...facts, status, sequence }, place !== "unknown" || live.find(callSid) !== undefined)
        yield* dispatch(callSid, CallEvent.StatusReported({ status, sequence }))
        return place
      })

      const ownership = yield* Ownership.make({
        live,
        accountSid: histories.accountSid,
        onSignal: (callSid, { sequence, status, ...facts }) => Effect.asVoid(report(callSid, status, sequence, facts)),
        onOrphanEnded: Effect.fnUntraced(function*(stored, { endedAt, ...facts }) {
          const history = yield* histories.open(StoredInfo.toInfo(stored, { name: stored.agent as AgentName }), stored)
          history.takeOver()
          for (const report of yield* absent.takeReports(stored.callSid)) history.reported(report)
          history.ended("streamLost", Math.max(0, stored.parts - 1), endedAt)
          history.reported(facts)
        })
      })
      const { admit, adopt, reserve } = yield* Admission.make({ live, absent, limits, controlOf, histories, keepingOf, onBegin: ownership.take, onPhase })

      return CallRegistry.of({
        admit,
        adopt,
        expect: (keeping) =>
          Effect.map(Effect.all([Random.nextInt, Random.nextInt]), (numbers) =>
            expected.add(keeping, numbers.map((number) => Math.abs(number).toString(36)).join(""))),
        isExpected: (ticket) => Effect.sync(() => expected.has(ticket)),
        reserve,
        find: (callSid) => Effect.sync(() => Option.fromUndefinedOr(live.find(callSid))),
        events: (callSid) =>
          Effect.sync(() => Option.map(Option.fromUndefinedOr(live.find(callSid)?.watch ?? feeds.find(callSid)), ({ events }) => events)),
        forget: (callSid) => Effect.sync(() => feeds.forget(callSid)),
        recall: (callSid, mayBeUnwritten = false) => mayBeUnwritten ? ownership.await(callSid) : ownership.find(callSid),
        report: Effect.fnUntraced(function*(callSid, status, sequence, facts = {}) {
          const place = yield* report(callSid, status, sequence, facts)
          if (place !== "here" && isTerminal(status)) yield* ownership.pass(callSid, { ...facts, status, sequence })
        }),
        hangUp,
        end,
        hasEnded: Effect.fnUntraced(function*(callSid, status) {
          if (yield* absent.isOver(callSid)) return true
          return status !== undefined && isUnanswered(status) && live.find(callSid) === undefined && (yield* absent.hasEnded(callSid))
        }),
        live: Effect.sync(() => live.here().length),
        streaming: Effect.suspend(() =>
          Effect.map(
            Effect.forEach(live.all(), (call) => call.state),
            (states) => states.filter((state) => state.phase._tag === "Streaming").length
          )
        ),
        isDraining: Effect.sync(live.isDraining),
        drain: drain(live, hangUp)
      })
    })
  )
}
