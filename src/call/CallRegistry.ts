/**
 * All live calls of this process, by SID, each with its owner fiber. The registry also remembers reports of calls that have not come yet,
 * and calls that have ended.
 *
 * The fibers belong to the layer's scope: when the service stops, every call that is still live is ended.
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

/** How long calls may take to end after they were hung up. */
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
    const remaining = live.here()
    if (remaining.length === 0) return
    yield* Effect.logWarning("Hanging up the calls that are still live").pipe(Effect.annotateLogs({ calls: remaining.length }))
    yield* Effect.forEach(remaining, ({ info }) => hangUp(info.callSid, "shutdown"), { discard: true })
    yield* Effect.timeoutOption(untilEmpty, closingTimeout)
  })
}

export class CallRegistry extends Context.Service<CallRegistry, {
  /** Returns the live call with this SID, or makes a new one if a line is free. `before`: what `recall` returned. */
  readonly admit: (info: NewCall, before?: StoredCall | "lost") => Effect.Effect<Call, Admission.LineBusy | Admission.CallHasEnded>
  /**
   * What the store knows of a call that is not live in this process. `"lost"`: the store does not answer. `undefined`: it knows no such
   * call. `mayBeUnwritten`: another process may be storing the call right now, so the store is asked ten times within about a second.
   */
  readonly recall: (callSid: CallSid, mayBeUnwritten?: boolean) => Effect.Effect<StoredCall | "lost" | undefined>
  /**
   * Admits a call that we placed, with its reserved line. Its webhooks may have come before Twilio's answer to our request to dial. The
   * call may then be live or ended already, or its early reports end it at once.
   */
  readonly adopt: (info: NewCall) => Effect.Effect<void>
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Call>>
  /** The events of a call that is live, or was one of the last to end. */
  readonly events: (callSid: CallSid) => Effect.Effect<Option.Option<ConversationFeed["events"]>>
  /** Drops the events of an ended call that was erased. */
  readonly forget: (callSid: CallSid) => Effect.Effect<void>
  /** Applies a status that Twilio reports, or remembers it for a call that has not come yet. `sequence`: Twilio's `SequenceNumber`. */
  readonly report: (callSid: CallSid, status: CallStatus, sequence: number, facts?: StatusFacts) => Effect.Effect<void>
  /** Ends a live call, by its stream's end or over REST. */
  readonly hangUp: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /** Ends a call because one of its webhooks is answered with `<Hangup/>`. The call need not be live in this process. */
  readonly end: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /**
   * Whether Twilio has confirmed the call's end within the last day, by a final status or by accepting our hang-up. `status` is that of the
   * request. If it is that of an unanswered call, an unconfirmed end counts too: the call has already ended here, so the request is a
   * replay.
   */
  readonly hasEnded: (callSid: CallSid, status?: CallStatus) => Effect.Effect<boolean>
  /** How many calls take a line; transferred calls take none. */
  readonly live: Effect.Effect<number>
  /** How many calls have an open media stream. */
  readonly streaming: Effect.Effect<number>
  /** Remembers what to store of a call that is about to be placed. Returns the ticket for the call's URL. */
  readonly expect: (keeping: CallKeeping) => Effect.Effect<string>
  /** Whether this process gave out the ticket, and still knows it. */
  readonly isExpected: (ticket: string) => Effect.Effect<boolean>
  /** Reserves a line for a call that is about to be placed, until the scope closes. A drain waits until then. */
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

      // Once Twilio has hung up, the call ends without waiting for its final status.
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
          Effect.map(Effect.all([Random.nextInt, Random.nextInt]), (randoms) =>
            expected.add(keeping, randoms.map((number) => Math.abs(number).toString(36)).join(""))),
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
