/**
 * Decides when a failed request is made again, within the time that the caller waits. Pure. A server that is restarted is back in three
 * to six seconds, so tries are spread over that time.
 *
 * - A request that was refused, or whose answer was empty, is not repeated. Neither is one that took all of its time.
 * - A server that asks for a pause (`Retry-After`) gets it, if the caller waits that long.
 * - A request to an engine that is overloaded or can't be reached is repeated as long as the caller waits.
 * - A request that an engine fails on, with an error of its own, is made three times at most.
 *
 * A request to an engine changes nothing in the world: tools are requested elsewhere (docs/adr/0009).
 */
import { type EngineFailed, isAnswer } from "../../conversation/ports/Engine.ts"

/** ms before the second try; doubled with each try, up to the longest. */
const firstWait = 250
const maxWait = 1000

/** The most tries of a request that an engine fails on with an error of its own: the cause may be the request. */
const maxTriesOfBroken = 3

/** ms that an answer needs at least. With less left, no request is made. */
const minAnswerTime = 300

/** ms after which a restart is over. An engine that has been away for longer is tried once, and not waited for. */
const longestRestart = 30_000

export interface Tried {
  readonly reason: EngineFailed["reason"]
  /** Requests to the engine so far. */
  readonly tries: number
  /** ms that the caller still waits. */
  readonly left: number
  /** ms that the server asked to be left alone for. */
  readonly retryAfter?: number | undefined
  /** ms for which the engine could not be reached; unset: it can be reached. */
  readonly away?: number | undefined
}

/** ms until the request is made again; `undefined`: it is not. */
export const waitBefore = ({ away, left, reason, retryAfter, tries }: Tried): number | undefined => {
  if (isAnswer({ reason }) || reason === "timeout") return undefined
  if (reason === "broken" && tries >= maxTriesOfBroken) return undefined
  const room = Math.min(left, away === undefined ? left : longestRestart - away) - minAnswerTime
  if (retryAfter !== undefined) return retryAfter <= room ? retryAfter : undefined
  const wait = Math.min(maxWait, firstWait * 2 ** Math.min(tries - 1, 16))
  // The last try comes sooner than its wait says, so that all of the time is used.
  return room <= 0 ? undefined : Math.min(wait, room)
}
