/**
 * How the time that a caller waits is shared out among the engines of a stage: pure; all in ms.
 *
 * Nobody is cut off while the caller waits and nobody else could use the time: an engine that is late is joined by the next, and both
 * go on. Only what runs in this process joins nobody, since it would win every time: it has the last of the time, as long as it
 * could still be needed.
 */

/** The layer ends before the turn does, so that it is the engine that is told of, and not the turn that was called off. */
const margin = 50
const marginShare = 0.05

/** What an engine of this process has of the time, and the most of it. */
const standInShare = 0.25
const longestStandIn = 2000

const hedgeParts = 6
/** A budget may be long since the engines are slow, or only to be sure: a caller is not to wait longer than this for the second. */
const longestHedge = 2000

/** From the request until nothing is waited for. */
export const whole = (budget: number): number => budget - Math.min(margin, budget * marginShare)

/** From the request until an engine is given up for one of this process. */
export const besideStandIn = (budget: number): number => whole(budget) - Math.min(longestStandIn, budget * standInShare)

/** From a request until the next engine joins; `least` for engines of a usual speed. */
export const hedgeAfter = (budget: number, least: number): number => Math.max(least, Math.min(longestHedge, budget / hedgeParts))
