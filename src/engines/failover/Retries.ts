/**
 * Decides when a failed request is made again, within the time that the caller waits. Pure. A server that is restarted is back in three
 * to six seconds, so the tries are spread over that time.
 *
 * - A request is not repeated if it was refused, if its answer was empty, or if it timed out.
 * - If the server asks for a pause (`Retry-After`), the request is repeated after the pause, or not at all if the caller does not wait that
 *   long.
 * - A request to an engine that is overloaded or can't be reached is repeated as long as the caller waits.
 * - A request that ends with an error inside the engine (`broken`) is made three times at most.
 *
 * A request may be repeated because it has no lasting effect. Requests to tools are made elsewhere (docs/adr/0009).
 */
import { type EngineFailed, isAnswer } from "../../conversation/ports/Engine.ts"

/** ms before the second try. The wait doubles with each try, up to `maxWait`. */
const firstWait = 250
const maxWait = 1000

/** The most tries of a request that ends with an error inside the engine, because the request may be the cause. */
const maxTriesOfBroken = 3

/** ms that an answer needs at least. If less time is left, no request is made. */
const minAnswerTime = 300

/** The longest time (ms) that a restart takes. An engine that can't be reached for longer is tried once, and not again. */
const longestRestart = 30_000

export interface FailedTry {
  readonly reason: EngineFailed["reason"]
  /** Requests to the engine so far. */
  readonly tries: number
  /** ms that the caller still waits. */
  readonly left: number
  /** The pause (ms) that the server asked for. */
  readonly retryAfter?: number | undefined
  /** ms for which the engine could not be reached; unset if it can be reached. */
  readonly unreachableFor?: number | undefined
}

/** ms until the request is made again; `undefined` if it is not made again. */
export const waitBeforeRetry = ({ left, reason, retryAfter, tries, unreachableFor }: FailedTry): number | undefined => {
  if (isAnswer({ reason }) || reason === "timeout") return undefined
  if (reason === "broken" && tries >= maxTriesOfBroken) return undefined
  const longestWait = Math.min(left, unreachableFor === undefined ? left : longestRestart - unreachableFor) - minAnswerTime
  if (retryAfter !== undefined) return retryAfter <= longestWait ? retryAfter : undefined
  const wait = Math.min(maxWait, firstWait * 2 ** Math.min(tries - 1, 16))
  // The wait before the last try is shortened, so that this try still has time for an answer.
  return longestWait <= 0 ? undefined : Math.min(wait, longestWait)
}
