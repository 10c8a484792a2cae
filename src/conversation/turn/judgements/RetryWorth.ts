/**
 * Decides whether a second request is worthwhile after an engine has failed.
 *
 * - An engine that refused a request would refuse it again.
 * - After a request that `engines/failover/Failover` has repeated already, the caller would wait too long.
 * - After any other failure, a second request may succeed.
 */
import type { EngineFailed } from "../../ports/Engine.ts"

/** A failure in a turn event. */
export interface Failure {
  /** One of `EngineFailed`'s reasons, or a word of an older event log. */
  readonly reason: EngineFailed["reason"] | (string & {})
  /** The request was repeated already, and there is no time for another. */
  readonly isSpent?: boolean
}

export const isWorthwhile = ({ isSpent, reason }: Failure): boolean => reason !== "refused" && isSpent !== true
