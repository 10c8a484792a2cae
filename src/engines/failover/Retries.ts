/**
 * When a request that failed is made again, within the time that the caller waits: pure. A server that is restarted is back in three
 * to six seconds, so tries are spread over all of that time, instead of two in a row.
 *
 * - An answer is not asked for again, whatever it says; neither is what took all of its time.
 * - Who asks for a pause (`Retry-After`) gets it, if the caller waits for so long.
 * - What can't be reached, or is overloaded, is asked for as long as the caller waits; what breaks, three times.
 *
 * A request to an engine changes nothing in the world: tools are not asked here (docs/adr/0009).
 */
import { type EngineFailed, isAnswer } from "../../conversation/ports/Engine.ts"

/** ms; doubled with each try. */
const firstWait = 250
const longestWait = 1000

/** Tries of what breaks: it may be about this request. */
const triesOfBroken = 3

/** ms: the least that an answer needs. With less left, nothing is asked any more. */
const leastTime = 300

/** ms: a restart is over by then. What has been away for longer is asked once, and not waited for. */
export const longestRestart = 30_000

export interface Tried {
  readonly reason: EngineFailed["reason"]
  /** How often it was asked. */
  readonly tries: number
  /** ms that the caller still waits. */
  readonly left: number
  /** ms that the server asked to be left alone for. */
  readonly retryAfter?: number | undefined
  /** ms for which it can't be reached; unset: it can. */
  readonly away?: number | undefined
}

/** ms until it is asked again; `undefined`: it is not. */
export const waitBefore = ({ away, left, reason, retryAfter, tries }: Tried): number | undefined => {
  if (isAnswer({ reason }) || reason === "timeout") return undefined
  if (reason === "broken" && tries >= triesOfBroken) return undefined
  const room = Math.min(left, away === undefined ? left : longestRestart - away) - leastTime
  if (retryAfter !== undefined) return retryAfter <= room ? retryAfter : undefined
  const wait = Math.min(longestWait, firstWait * 2 ** Math.min(tries - 1, 16))
  // The last try is sooner, so that no time is left unused.
  return room <= 0 ? undefined : Math.min(wait, room)
}
