/**
 * The histories of this process's calls. A history stays for a while after its call's end, because Twilio's final status may come late.
 */
import { Clock, Context, Duration, Effect, Layer, Option, Schedule } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { CallStore, type StoredCall } from "../../store/CallStore.ts"
import { CallRecorder } from "../recording/CallRecorder.ts"
import * as CallHistory from "./CallHistory.ts"
import { add as addFacts, type StatusFacts } from "./Outcome.ts"

/** How long after a call's end its outcome becomes final without Twilio's final status. */
const settleAfter = Duration.minutes(1)

/** How long (ms) after the end a report from Twilio still changes the outcome. */
const lateFactsMillis = 15 * 60_000

/** Facts that came before their call are kept within the same limits as the reports in `EarlyReports`. */
const earlyFactsMillis = 60_000
const maxEarlyFacts = 10_000

export class CallHistories extends Context.Service<CallHistories, {
  /** The account whose calls these are. */
  readonly accountSid: string
  /** The history of a call that begins, or that this process takes over. */
  readonly open: (info: CallHistory.HistoryInfo, before?: StoredCall | "lost") => Effect.Effect<CallHistory.CallHistory>
  /** Takes what Twilio tells of a call. `false`: another process may have the call, and has to be told. */
  readonly report: (callSid: CallSid, facts: StatusFacts) => Effect.Effect<boolean>
}>()("client-caller/call/history/CallHistories") {
  static readonly layer = Layer.effect(
    CallHistories,
    Effect.gen(function*() {
      const store = yield* CallStore
      const { account } = yield* Credentials
      const recorder = yield* CallRecorder
      const { webhooks } = yield* AppConfig
      const service = Option.match(webhooks.url, { onNone: () => ({}), onSome: ({ href }) => ({ webhookUrl: href }) })
      const clock = yield* Clock.Clock
      const histories = new Map<CallSid, CallHistory.CallHistory>()
      /** When each call ended, ms since 1970; in the order of their ends. */
      const endedAt = new Map<CallSid, number>()
      /** Calls that another process has taken over. */
      const handedOver = new Set<CallSid>()
      const early = new Map<CallSid, { readonly facts: StatusFacts; readonly at: number }>()
      const now = () => clock.currentTimeMillisUnsafe()

      const tidy = Effect.sync(() => {
        for (const [callSid, at] of endedAt) {
          if (now() - at >= Duration.toMillis(settleAfter)) histories.get(callSid)?.settled()
          if (now() - at < lateFactsMillis) continue
          endedAt.delete(callSid)
          handedOver.delete(callSid)
          histories.delete(callSid)
        }
        for (const [callSid, { at }] of early) {
          if (now() - at < earlyFactsMillis && early.size <= maxEarlyFacts) break
          early.delete(callSid)
        }
      })
      yield* Effect.forkScoped(Effect.repeat(tidy, Schedule.spaced("5 seconds")))
      // Writes the outcomes of calls that end with the process.
      yield* Effect.addFinalizer(() => Effect.sync(() => histories.forEach((history) => history.settled())))

      return CallHistories.of({
        accountSid: account.accountSid,
        open: (info, before) =>
          Effect.sync(() => {
            const { callSid } = info
            const live = histories.get(callSid)
            // Another request of the same call was faster.
            if (live !== undefined && !endedAt.has(callSid) && !handedOver.has(callSid)) return live
            handedOver.delete(callSid)
            const made = CallHistory.make({ info, accountSid: account.accountSid, store, clock, recorder, ...service, ...(before === undefined ? {} : { before }) })
            const history: CallHistory.CallHistory = {
              ...made,
              handOver: () => {
                made.handOver()
                handedOver.add(callSid)
              },
              ended: (...end) => {
                made.ended(...end)
                endedAt.delete(callSid)
                endedAt.set(callSid, now())
              }
            }
            endedAt.delete(callSid)
            histories.set(callSid, history)
            const known = early.get(callSid)
            early.delete(callSid)
            if (known !== undefined) history.reported(known.facts)
            return history
          }),
        report: (callSid, facts) =>
          Effect.sync(() => {
            const history = histories.get(callSid)
            if (history !== undefined && !handedOver.has(callSid)) {
              history.reported(facts)
              // If another process may have the call, that process has to be told.
              return !history.isElsewhere()
            }
            const before = early.get(callSid)?.facts ?? {}
            early.delete(callSid)
            early.set(callSid, { facts: addFacts(before, facts), at: now() })
            return false
          })
      })
    })
  )

  /** Keeps nothing: for tests of calls alone. */
  static readonly layerNone = Layer.effect(
    CallHistories,
    Effect.map(Clock.Clock, (clock) =>
      CallHistories.of({
        accountSid: "",
        open: (info) => Effect.sync(() => CallHistory.make({ info, accountSid: "", store: { write: () => {}, keep: () => Effect.void }, clock })),
        report: () => Effect.succeed(true)
      }))
  )
}
