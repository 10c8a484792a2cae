/**
 * Status callbacks that came before their call: Twilio may report a call that we dialled before it has answered the request to dial. Such
 * reports are kept for a minute, and applied to the call when it is admitted.
 *
 * Both the calls and the reports of one call are bounded, so that a flood of unknown SIDs costs little memory.
 */
import { type CallSid, copy } from "../../domain/Sid.ts"
import type { CallStatus } from "../../twilio/webhook/WebhookParameters.ts"
import type { StatusFacts } from "../history/Outcome.ts"

export const lifetimeMillis = 60_000

/** How many unknown calls may have reports here. */
export const maxCalls = 10_000

/** How many reports one call may have: Twilio has nine statuses. */
export const maxReports = 16

export interface Report extends StatusFacts {
  readonly status: CallStatus
  /** Twilio's `SequenceNumber`. */
  readonly sequence: number
}

interface Remembered {
  readonly report: Report
  /** When it came, monotonic ms. */
  readonly at: number
}

/** All times are monotonic ms. */
interface EarlyReports {
  /** Keeps a report. Returns whether it is new, and how many other reports were forgotten: too old (`expired`), or too many (`dropped`). */
  readonly remember: (callSid: CallSid, report: Report, now: number) => {
    readonly isNew: boolean
    readonly expired: number
    readonly dropped: number
  }
  /** Returns the reports of this call in the order of their numbers, and forgets them. `expired`: how many were too old. */
  readonly take: (callSid: CallSid, now: number) => { readonly reports: ReadonlyArray<Report>; readonly expired: number }
  /** Forgets reports older than a minute. Returns how many. */
  readonly forgetOld: (now: number) => number
  /** How many calls have reports here. */
  readonly size: () => number
}

export const make = (limit = maxCalls): EarlyReports => {
  /** In the order of each call's newest report, oldest first. */
  const calls = new Map<CallSid, ReadonlyArray<Remembered>>()

  const isFresh = ({ at }: Remembered, now: number) => now - at < lifetimeMillis

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
    remember: (callSid, report, now) => {
      let expired = forgetOld(now)
      let dropped = 0
      const before = calls.get(callSid) ?? []
      const fresh = before.filter((report) => isFresh(report, now))
      expired += before.length - fresh.length
      calls.delete(callSid)
      // Twilio may deliver a callback twice.
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
