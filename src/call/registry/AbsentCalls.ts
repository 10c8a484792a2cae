/**
 * What this process knows about calls that are not live in it: reports that came before their call, and which calls have ended.
 *
 * Ages are measured by the monotonic clock, so that a change of the wall clock has no effect on them.
 */
import { Clock, Duration, Effect, Metric } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import { isTerminal } from "../CallState.ts"
import * as EarlyReports from "./EarlyReports.ts"
import * as EndedCalls from "./EndedCalls.ts"

/** How often old reports and ends are forgotten. */
const forgetEvery = Duration.seconds(10)

export interface AbsentCalls {
  /** The call has ended. `isOver`: Twilio has confirmed it. */
  readonly addEnd: (callSid: CallSid, isOver: boolean) => Effect.Effect<void>
  /** Whether the call has ended, confirmed or not. */
  readonly hasEnded: (callSid: CallSid) => Effect.Effect<boolean>
  /** Whether Twilio has confirmed the call's end. */
  readonly isOver: (callSid: CallSid) => Effect.Effect<boolean>
  /**
   * Keeps a report of a call that is not here and whose end is not confirmed. A terminal status confirms the end of any call. `isHere`: the
   * call is live, or its history is still here.
   */
  readonly addReport: (callSid: CallSid, report: EarlyReports.Report, isHere: boolean) => Effect.Effect<void>
  /** Gives the reports of this call, in the order of their numbers, and forgets them. */
  readonly takeReports: (callSid: CallSid) => Effect.Effect<ReadonlyArray<EarlyReports.Report>>
}

const count = (outcome: Parameters<typeof Metrics.earlyReports>[0], reports: number) =>
  reports === 0 ? Effect.void : Metric.update(Metrics.earlyReports(outcome), reports)

/** A fiber of the scope forgets old reports and ends. */
export const make = Effect.gen(function*() {
  const ended = EndedCalls.make()
  const early = EarlyReports.make()
  const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

  const forgetOld = Effect.gen(function*() {
    const now = yield* monotonicMillis
    ended.forgetOld(now)
    yield* count("expired", early.forgetOld(now))
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(forgetOld, forgetEvery)))

  const absent: AbsentCalls = {
    addEnd: (callSid, isOver) => Effect.map(monotonicMillis, (now) => ended.add(callSid, isOver, now)),
    hasEnded: (callSid) => Effect.map(monotonicMillis, (now) => ended.has(callSid, now)),
    isOver: (callSid) => Effect.map(monotonicMillis, (now) => ended.isOver(callSid, now)),
    addReport: Effect.fnUntraced(function*(callSid, report, isHere) {
      const now = yield* monotonicMillis
      if (!isHere && !ended.isOver(callSid, now)) {
        const { dropped, expired, isNew } = early.remember(callSid, report, now)
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
