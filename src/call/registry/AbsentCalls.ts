/**
 * Calls that are not live in this process. Keeps reports that came before their call was admitted, and which calls have ended.
 *
 * Ages are measured by the monotonic clock, so a change of the wall clock does not affect them.
 */
import { Clock, Duration, Effect, Metric } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import { isTerminal } from "../CallState.ts"
import * as EarlyReports from "./EarlyReports.ts"
import * as EndedCalls from "./EndedCalls.ts"

/** How often old reports and ends are removed. */
const forgetInterval = Duration.seconds(10)

export interface AbsentCalls {
  /** Stores that the call has ended. `isConfirmed`: Twilio has confirmed the end. */
  readonly addEnd: (callSid: CallSid, isConfirmed: boolean) => Effect.Effect<void>
  /** Whether the call has ended, confirmed or not. */
  readonly hasEnded: (callSid: CallSid) => Effect.Effect<boolean>
  /** Whether Twilio has confirmed the call's end. */
  readonly isEndConfirmed: (callSid: CallSid) => Effect.Effect<boolean>
  /**
   * Keeps the report, unless this process knows the call or the call's end is confirmed. A final status confirms the end of any call.
   * `isKnown`: the call is live in this process, or its history is still in this process.
   */
  readonly addReport: (callSid: CallSid, report: EarlyReports.Report, isKnown: boolean) => Effect.Effect<void>
  /** Removes the reports of this call, and returns them in the order of their numbers. */
  readonly takeReports: (callSid: CallSid) => Effect.Effect<ReadonlyArray<EarlyReports.Report>>
}

const count = (outcome: Parameters<typeof Metrics.earlyReports>[0], reports: number) =>
  reports === 0 ? Effect.void : Metric.update(Metrics.earlyReports(outcome), reports)

/** A fiber of the scope removes old reports and ends. */
export const make = Effect.gen(function*() {
  const ended = EndedCalls.make()
  const early = EarlyReports.make()
  const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

  const forgetOld = Effect.gen(function*() {
    const now = yield* monotonicMillis
    ended.forgetOld(now)
    yield* count("expired", early.forgetOld(now))
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(forgetOld, forgetInterval)))

  const absent: AbsentCalls = {
    addEnd: (callSid, isConfirmed) => Effect.map(monotonicMillis, (now) => ended.add(callSid, isConfirmed, now)),
    hasEnded: (callSid) => Effect.map(monotonicMillis, (now) => ended.has(callSid, now)),
    isEndConfirmed: (callSid) => Effect.map(monotonicMillis, (now) => ended.isConfirmed(callSid, now)),
    addReport: Effect.fnUntraced(function*(callSid, report, isKnown) {
      const now = yield* monotonicMillis
      if (!isKnown && !ended.isConfirmed(callSid, now)) {
        const { dropped, expired, isNew } = early.keep(callSid, report, now)
        yield* count("remembered", isNew ? 1 : 0)
        yield* count("expired", expired)
        yield* count("dropped", dropped)
      }
      if (isTerminal(report.status)) ended.add(callSid, true, now)
    }),
    takeReports: Effect.fnUntraced(function*(callSid) {
      const { expired, reports } = early.take(callSid, yield* monotonicMillis)
      yield* count("expired", expired)
      yield* count("applied", reports.length)
      return reports
    })
  }
  return absent
})
