/**
 * Status reports that came before their call was admitted. Twilio may report the status of a call before it answers our request to dial the
 * call. Such reports are kept for a minute, and applied when the call is admitted.
 *
 * The number of calls and the number of reports of one call are limited, so that a flood of unknown SIDs costs little memory.
 */
import { type CallSid, copy } from "../../domain/Sid.ts"
import type { CallStatus } from "../../twilio/webhook/WebhookParameters.ts"
import type { StatusFacts } from "../history/Outcome.ts"

export const lifetimeMillis = 60_000

/** The most calls whose reports are kept. */
export const maxCalls = 10_000

/** The most reports of one call. Twilio has nine statuses. */
export const maxReports = 16

export interface Report extends StatusFacts {
  readonly status: CallStatus
  /** Twilio's `SequenceNumber`. */
  readonly sequence: number
}

interface KeptReport {
  readonly report: Report
  /** When the report came, monotonic ms. */
  readonly at: number
}

/** All times are monotonic ms. */
interface EarlyReports {
  /**
   * Keeps a report. `isNew`: the same report was not kept before. `expired`: how many other reports were removed because they were too old.
   * `dropped`: how many were removed because there were too many.
   */
  readonly keep: (callSid: CallSid, report: Report, now: number) => {
    readonly isNew: boolean
    readonly expired: number
    readonly dropped: number
  }
  /** Removes the reports of this call, and returns them in the order of their numbers. `expired`: how many were too old. */
  readonly take: (callSid: CallSid, now: number) => { readonly reports: ReadonlyArray<Report>; readonly expired: number }
  /** Removes the reports that are older than a minute. Returns their number. */
  readonly forgetOld: (now: number) => number
  /** The number of calls whose reports are kept. */
  readonly size: () => number
}

export const make = (limit = maxCalls): EarlyReports => {
  /** First the call whose newest report is the oldest. */
  const calls = new Map<CallSid, ReadonlyArray<KeptReport>>()

  const isFresh = ({ at }: KeptReport, now: number) => now - at < lifetimeMillis

  const forgetOld = (now: number): number => {
    let expired = 0
    for (const [callSid, reports] of calls) {
      if (isFresh(reports[reports.length - 1], now)) break
      expired += reports.length
      calls.delete(callSid)
    }
    return expired
  }

  return {
    keep: (callSid, report, now) => {
      let expired = forgetOld(now)
      let dropped = 0
      const before = calls.get(callSid) ?? []
      const fresh = before.filter((report) => isFresh(report, now))
      expired += before.length - fresh.length
      calls.delete(callSid)
      // Twilio may send a report twice.
      const others = fresh.filter((other) => other.report.status !== report.status || other.report.sequence !== report.sequence)
      const reports = [...others, { report, at: now }]
      if (reports.length > maxReports) dropped += reports.splice(0, reports.length - maxReports).length
      calls.set(copy(callSid), reports)
      for (const [oldest, { length }] of calls) {
        if (calls.size <= limit) break
        dropped += length
        calls.delete(oldest)
      }
      return { isNew: others.length === fresh.length, expired, dropped }
    },
    take: (callSid, now) => {
      const all = calls.get(callSid) ?? []
      calls.delete(callSid)
      const fresh = all.filter((report) => isFresh(report, now))
      return {
        reports: fresh.map(({ report }) => report).toSorted((a, b) => a.sequence - b.sequence),
        expired: all.length - fresh.length
      }
    },
    forgetOld,
    size: () => calls.size
  }
}
