/**
 * Whether a second request to an engine that failed is worthwhile.
 *
 * - An engine that refused a request would refuse it again.
 * - A request that `engines/failover/Failover` has repeated already has taken as long as a caller waits.
 * - Any other failure may have been an accident.
 */
import type { EngineFailed } from "../../ports/Engine.ts"

/** A failure in an event of the turn. */
export interface Failure {
  /** One of `EngineFailed`'s reasons, or a word of an older event log. */
  readonly reason: EngineFailed["reason"] | (string & {})
  /** The request was repeated already, and there is no time for another. */
  readonly isSpent?: boolean
}

export const isWorthwhile = ({ isSpent, reason }: Failure): boolean => reason !== "refused" && isSpent !== true
