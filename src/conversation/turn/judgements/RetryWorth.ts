/**
 * Whether the turn asks once more for what an engine failed at.
 *
 * - What was refused is refused again.
 * - What was asked again already, for as long as a caller waits (`engines/failover/Failover`), has had its time.
 * - Anything else may have been an accident, and is asked once more.
 */
import type { EngineFailed } from "../../ports/Engine.ts"

export interface Failure {
  /** One of `EngineFailed`'s, or a word of an older recording. */
  readonly reason: EngineFailed["reason"] | (string & {})
  readonly isSpent?: boolean
}

export const isOfUse = ({ isSpent, reason }: Failure): boolean => reason !== "refused" && isSpent !== true
