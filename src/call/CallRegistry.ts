/**
 * All live calls of this process, by SID, each with its owner fiber. The registry also keeps Twilio's reports of calls that are not admitted
 * yet, and the SIDs of ended calls.
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
import type { CallInfo, CallSettings, NewCall } from "./CallInfo.ts"
import { type CallState, CallEvent, type EndReason, isTerminal, isUnanswered } from "./CallState.ts"
import type { StatusFacts } from "./history/Outcome.ts"
import type { ConversationFeed } from "./ConversationFeed.ts"
import { CallHistories } from "./history/CallHistories.ts"
import * as SettingsChoice from "./history/SettingsChoice.ts"
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

/** See `CallRegistry.drain`. `canLeave`: whether another process can go on with the calls. */
const drain = (live: LiveCalls.LiveCalls, hangUp: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>, canLeave: Effect.Effect<boolean>) => {
  const untilEmpty = Effect.sync(live.isEmpty).pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: (isEmpty) => isEmpty })
  )
  return Effect.fn("CallRegistry.drain")(function*(grace: Duration.Duration) {
    live.startDraining()
    if (live.isEmpty()) return
    yield* Effect.logInfo("Waiting for live calls to end").pipe(
      Effect.annotateLogs({ calls: live.callsTakingLine().length, grace: Duration.format(grace) })
    )
    yield* Effect.timeoutOption(untilEmpty, grace)
    const remaining = live.callsTakingLine()
    if (remaining.length === 0) return
    const isLeft = yield* canLeave
    yield* (isLeft ? Effect.logInfo("Leaving the calls that are still live to other processes") : Effect.logWarning("Hanging up the calls that are still live")).pipe(
      Effect.annotateLogs({ calls: remaining.length })
    )
    yield* Effect.forEach(remaining, ({ info, leave }) => isLeft ? leave : hangUp(info.callSid, "shutdown"), { discard: true })
    yield* Effect.timeoutOption(untilEmpty, closingTimeout)
  })
}

/** Stores the end of a call whose process is gone. */
const endOrphan = (histories: CallHistories["Service"], absent: AbsentCalls.AbsentCalls) =>
  Effect.fnUntraced(function*(stored: StoredCall, { endedAt, ...facts }: StatusFacts & { readonly endedAt?: number }) {
    const history = yield* histories.open(StoredInfo.toInfo(stored, { name: stored.agent as AgentName }), stored)
    history.takeOver()
    for (const report of yield* absent.takeReports(stored.callSid)) history.reported(report)
    const reason = (stored.endReason ?? "streamLost") as EndReason
    // The first stream is no resumption.
    history.ended(reason, Math.max(0, stored.parts - 1), stored.endedAt ?? endedAt)
    history.reported(facts)
  })

export class CallRegistry extends Context.Service<CallRegistry, {
  /** Returns the live call with this SID. Otherwise makes the call, if a line is free. `before`: the result of `recall`. */
  readonly admit: (info: NewCall, before?: StoredCall | "unreachable") => Effect.Effect<Call, Admission.LineBusy | Admission.CallHasEnded>
  /**
   * Reads a call that is not live in this process from the store. `"unreachable"`: the store does not answer. `undefined`: the store has no such
   * call. `mayBeUnwritten`: another process may be storing the call right now, so the search is repeated for about a second.
   */
  readonly recall: (callSid: CallSid, mayBeUnwritten?: boolean) => Effect.Effect<StoredCall | "unreachable" | undefined>
  /**
   * Admits a call that we placed, on its reserved line. The call's webhooks may have come before Twilio's answer to our request to dial. So
   * the call may already be live, may have ended, or may end at once by its early reports.
   */
  readonly adopt: (info: NewCall) => Effect.Effect<void>
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Call>>
  /** Like `find`, for a media stream that is about to begin. If another process had the call since the last stream here, the call is read anew. */
  readonly findForStream: (callSid: CallSid) => Effect.Effect<Option.Option<Call>>
  /** The events of a live call, or of one of the calls that ended last. */
  readonly events: (callSid: CallSid) => Effect.Effect<Option.Option<ConversationFeed["events"]>>
  /** Drops the events of an ended call that was erased. */
  readonly forget: (callSid: CallSid) => Effect.Effect<void>
  /** Applies Twilio's status report to its call, or keeps it for a call that is not admitted yet. `sequence`: Twilio's `SequenceNumber`. */
  readonly report: (callSid: CallSid, status: CallStatus, sequence: number, facts?: StatusFacts) => Effect.Effect<void>
  /** Ends a live call: closes its stream, or hangs up over REST if it has no stream. */
  readonly hangUp: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /** Ends a call because one of its webhooks is answered with `<Hangup/>`. The call need not be live in this process. */
  readonly end: (callSid: CallSid, reason: EndReason) => Effect.Effect<void>
  /**
   * Whether Twilio has confirmed the call's end within the last day, by a final status or by accepting our hang-up.
   *
   * `status`: the call's status in Twilio's request. If it says that the call is unanswered, an unconfirmed end counts, too: the request is a
   * replay, because the call has already ended here.
   */
  readonly hasEnded: (callSid: CallSid, status?: CallStatus) => Effect.Effect<boolean>
  /** How many calls take a line. A transferred call takes none. */
  readonly liveCount: Effect.Effect<number>
  /** How many calls have an open media stream. */
  readonly streamingCount: Effect.Effect<number>
  /** Keeps these settings for a call that we are about to place. Returns the ticket for the call's URL. */
  readonly expect: (settings: CallSettings) => Effect.Effect<string>
  /** Whether this process made the ticket, and still has the settings of its call. */
  readonly isExpected: (ticket: string) => Effect.Effect<boolean>
  /** Reserves a line for a call that we are about to place, until the scope closes. `drain` waits for reserved lines, too. */
  readonly reserve: Effect.Effect<void, Admission.LineBusy, Scope.Scope>
  readonly isDraining: Effect.Effect<boolean>
  /** Admits no new calls, and waits for the live calls to end. After `grace`, leaves the calls that are still live to other processes, or ends them. */
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
      const settingsOf = ({ agent, settings, ticket }: NewCall) => settings ?? expected.settingsOf(ticket, SettingsChoice.of(agent, numbers))

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
        if (call !== undefined) feeds.add(callSid, call.feed)
      })

      // When Twilio has accepted the hang-up, the call ends without waiting for Twilio's final status.
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
        onReport: (callSid, { sequence, status, ...facts }) => Effect.asVoid(report(callSid, status, sequence, facts)),
        onOrphanEnded: endOrphan(histories, absent)
      })
      const { admit, adopt, reserve } = yield* Admission.make({ live, absent, limits, controlOf, histories, settingsOf, onBegin: ownership.take, onPhase })

      return CallRegistry.of({
        admit,
        adopt,
        expect: (settings) =>
          Effect.map(Effect.all([Random.nextInt, Random.nextInt]), (randoms) =>
            expected.add(settings, randoms.map((number) => Math.abs(number).toString(36)).join(""))),
        isExpected: (ticket) => Effect.sync(() => expected.has(ticket)),
        reserve,
        find: (callSid) => Effect.sync(() => Option.fromUndefinedOr(live.find(callSid))),
        findForStream: Effect.fnUntraced(function*(callSid) {
          const call = live.find(callSid)
          if (call !== undefined) yield* ownership.renew(call)
          return Option.fromUndefinedOr(live.find(callSid))
        }),
        events: (callSid) =>
          Effect.sync(() => Option.map(Option.fromUndefinedOr(live.find(callSid)?.feed ?? feeds.find(callSid)), ({ events }) => events)),
        forget: (callSid) => Effect.sync(() => feeds.forget(callSid)),
        recall: (callSid, mayBeUnwritten = false) => mayBeUnwritten ? ownership.findWithRetries(callSid) : ownership.find(callSid),
        report: Effect.fnUntraced(function*(callSid, status, sequence, facts = {}) {
          const place = yield* report(callSid, status, sequence, facts)
          if (place !== "here" && isTerminal(status)) yield* ownership.passToOwner(callSid, { ...facts, status, sequence })
        }),
        hangUp,
        end,
        hasEnded: Effect.fnUntraced(function*(callSid, status) {
          if (yield* absent.isEndConfirmed(callSid)) return true
          return status !== undefined && isUnanswered(status) && live.find(callSid) === undefined && (yield* absent.hasEnded(callSid))
        }),
        liveCount: Effect.sync(() => live.callsTakingLine().length),
        streamingCount: Effect.suspend(() =>
          Effect.map(
            Effect.forEach(live.all(), (call) => call.state),
            (states) => states.filter((state) => state.phase._tag === "Streaming").length
          )
        ),
        isDraining: Effect.sync(live.isDraining),
        drain: drain(live, hangUp, ownership.canLeave)
      })
    })
  )
}
