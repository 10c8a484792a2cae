/**
 * The histories of this process's calls. A history stays for a while after its call's end, because Twilio's final status may come late.
 */
import { Clock, Context, Duration, Effect, Layer, Option, Schedule } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { CallStore, type StoredCall } from "../../store/CallStore.ts"
import { Prices } from "../cost/Prices.ts"
import { CallRecorder } from "../recording/CallRecorder.ts"
import * as CallHistory from "./CallHistory.ts"
import * as RenewableHistory from "./RenewableHistory.ts"
import type { StatusFacts } from "./Outcome.ts"

/** How long after a call's end its outcome becomes final without Twilio's final status. */
const settleAfter = Duration.minutes(1)

/** How long (ms) after a call's end a report from Twilio still changes the outcome. */
const lateFactsMillis = 15 * 60_000

export class CallHistories extends Context.Service<CallHistories, {
  /** The Twilio account of the calls. */
  readonly accountSid: string
  /** Opens the history of a call that begins, or that this process takes over. */
  readonly open: (info: CallHistory.HistoryInfo, before?: StoredCall | "unreachable") => Effect.Effect<RenewableHistory.RenewableHistory>
  /**
   * Adds Twilio's report to the call's history. `mayBeElsewhere`: another process may have the call, and needs the report too. `unknown`:
   * the call's history is not in this process.
   */
  readonly report: (callSid: CallSid, facts: StatusFacts) => Effect.Effect<"here" | "mayBeElsewhere" | "unknown">
}>()("client-caller/call/history/CallHistories") {
  static readonly layer = Layer.effect(
    CallHistories,
    Effect.gen(function*() {
      const store = yield* CallStore
      const { account } = yield* Credentials
      const recorder = yield* CallRecorder
      const prices = Option.getOrUndefined((yield* Prices).list)
      const { webhooks } = yield* AppConfig
      const defaultWebhook = Option.match(webhooks.url, { onNone: () => ({}), onSome: ({ href }) => ({ webhookUrl: href }) })
      const clock = yield* Clock.Clock
      const histories = new Map<CallSid, RenewableHistory.RenewableHistory>()
      /** When each call ended, monotonic ms; in the order of their ends. */
      const endedAt = new Map<CallSid, number>()
      /** Calls that another process has taken over. */
      const handedOver = new Set<CallSid>()
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

      const tidy = Effect.sync(() => {
        for (const [callSid, at] of endedAt) {
          if (now() - at >= Duration.toMillis(settleAfter)) histories.get(callSid)?.settle()
          if (now() - at < lateFactsMillis) continue
          endedAt.delete(callSid)
          handedOver.delete(callSid)
          histories.delete(callSid)
        }
      })
      yield* Effect.forkScoped(Effect.repeat(tidy, Schedule.spaced("5 seconds")))
      // When the process ends, it can't wait for Twilio's final statuses. So all outcomes become final.
      yield* Effect.addFinalizer(() => Effect.sync(() => histories.forEach((history) => history.settle())))

      return CallHistories.of({
        accountSid: account.accountSid,
        open: (info, before) =>
          Effect.sync(() => {
            const { callSid } = info
            const existing = histories.get(callSid)
            // Another request of the same call has opened the history already.
            if (existing !== undefined && !endedAt.has(callSid) && !handedOver.has(callSid)) return existing
            handedOver.delete(callSid)
            const history = RenewableHistory.make({
              before,
              open: (before) =>
                CallHistory.make({ info, accountSid: account.accountSid, store, clock, recorder, prices, ...defaultWebhook, ...(before === undefined ? {} : { before }) }),
              onHandOver: () => handedOver.add(callSid),
              onRenew: () => handedOver.delete(callSid),
              onEnd: () => {
                endedAt.delete(callSid)
                endedAt.set(callSid, now())
              }
            })
            endedAt.delete(callSid)
            histories.set(callSid, history)
            return history
          }),
        report: (callSid, facts) =>
          Effect.sync(() => {
            const history = histories.get(callSid)
            if (history === undefined || handedOver.has(callSid)) return "unknown" as const
            history.reported(facts)
            return history.isElsewhere() ? "mayBeElsewhere" as const : "here" as const
          })
      })
    })
  )

  /** Stores nothing. For tests without a store. */
  static readonly layerNone = Layer.effect(
    CallHistories,
    Effect.map(Clock.Clock, (clock) => {
      const opened = new Set<CallSid>()
      return CallHistories.of({
        accountSid: "",
        open: (info) =>
          Effect.sync(() => {
            opened.add(info.callSid)
            return RenewableHistory.make({ open: () => CallHistory.make({ info, accountSid: "", store: { write: () => {}, save: () => Effect.void }, clock }) })
          }),
        report: (callSid) => Effect.sync(() => opened.has(callSid) ? "here" : "unknown")
      })
    })
  )
}
