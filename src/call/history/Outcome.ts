/**
 * Computes how a call ended and what it costs, from the facts so far. Facts may come late, twice and out of order. The newest fact of each
 * kind counts.
 */
import type { Cost, EndedBy, EngineUse, Outcome } from "../../store/StoreWrite.ts"
import { type EndReason, endReasons, isTerminal } from "../CallState.ts"
import type { Usage } from "../cost/Cost.ts"

/** Twilio's report of a call. */
export interface StatusFacts {
  /** Twilio's newest status, such as `completed`. */
  readonly status?: string
  /** The SIP status with which the called telephone answered, such as 486 for busy. */
  readonly sipCode?: number
  /** Twilio's `AnsweredBy`, such as `human` or `machine_start`. */
  readonly answeredBy?: string
  /** Twilio's `CallDuration`. */
  readonly durationSeconds?: number
}

export interface Facts extends StatusFacts {
  /** Why the call ended for this service. Unset while the call is live. */
  readonly reason?: EndReason
  /** ms since 1970. */
  readonly answeredAt?: number
  readonly endedAt?: number
  readonly resumptions: number
  readonly isMemoryLost: boolean
}

const endedBy: Record<EndReason, EndedBy> = {
  completed: "caller",
  callerLeft: "caller",
  agentLeft: "agent",
  transferred: "agent",
  requested: "operator",
  canceled: "operator",
  busy: "nobody",
  noAnswer: "nobody",
  failed: "nobody",
  agentFailed: "service",
  tooLong: "service",
  shutdown: "service",
  noStream: "network",
  streamLost: "network",
  mediaTimeout: "network",
  badMessages: "network",
  mediaAhead: "network",
  oversizedMessage: "network",
  slowPeer: "network"
}

/** The newest fact of each kind counts. But only another final status replaces a final status. */
export const add = <F extends StatusFacts>(before: F, more: StatusFacts): F => {
  const { status, ...others } = more
  return isTerminal(status) || !isTerminal(before.status) ? { ...before, ...more } : { ...before, ...others }
}

const secondsOf = ({ answeredAt, durationSeconds, endedAt }: Facts): number | undefined => {
  if (durationSeconds !== undefined) return durationSeconds
  return answeredAt === undefined || endedAt === undefined ? undefined : Math.max(0, Math.round((endedAt - answeredAt) / 1000))
}

/** The reasons of calls that nobody answered. */
const unanswered: ReadonlySet<EndReason> = new Set<EndReason>(["busy", "noAnswer", "failed", "canceled"])

/** Computes the cost of a call. */
export type Pricing = (usage: Pick<Usage, "minutes" | "engines">) => Cost

interface OutcomeOptions {
  readonly engines: ReadonlyArray<EngineUse>
  /** Twilio's final status has come, or the service no longer waits for it. */
  readonly isFinal: boolean
  /** Unset: there is no price list. */
  readonly pricing?: Pricing | undefined
}

export const of = (facts: Facts, { engines, isFinal, pricing }: OutcomeOptions): Outcome => {
  const { answeredBy, isMemoryLost, reason = endReasons[facts.status ?? ""] ?? "failed", resumptions, sipCode, status } = facts
  const seconds = secondsOf(facts)
  const billableMinutes = seconds === undefined ? undefined : Math.ceil(seconds / 60)
  const isUnanswered = unanswered.has(endReasons[status ?? ""] ?? reason)
  return {
    reason,
    endedBy: endedBy[reason],
    resumptions,
    isMemoryLost,
    engines,
    final: isFinal,
    ...(isTerminal(status) && status !== undefined ? { status } : {}),
    ...(sipCode === undefined ? {} : { sipCode }),
    ...(answeredBy === undefined ? {} : { answeredBy }),
    ...(seconds === undefined || billableMinutes === undefined ? {} : { durationSeconds: seconds, billableMinutes }),
    ...(pricing === undefined ? {} : { cost: pricing({ minutes: billableMinutes ?? (isUnanswered ? 0 : undefined), engines }) })
  }
}
