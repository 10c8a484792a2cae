/**
 * Divides the time that a caller waits among the engines of a stage. Pure. All times are ms.
 *
 * The request to a late engine is not aborted: the next engine gets the request, too, and both requests go on. An embedded engine does not
 * join a late engine, because it would always answer first. Instead, the last part of the time is kept for an embedded engine that could
 * still be needed.
 */

/** The engines' requests end this much before the turn stops waiting. So the log names the engine and not an interrupted turn. */
const maxMargin = 50
const marginShare = 0.05

/** The part of the time that is kept for an embedded engine. */
const standInShare = 0.25
const maxStandInTime = 2000

/** The next engine joins after a sixth of the time. */
const hedgeParts = 6
/** The next engine joins after this time at the latest, however long the caller would wait. */
const maxHedge = 2000

/** The time from the request until all engines are given up. `budget`: how long the caller waits. */
export const untilGivenUp = (budget: number): number => budget - Math.min(maxMargin, budget * marginShare)

/** The time from the request until a server is given up, so that an embedded engine can answer. */
export const untilStandIn = (budget: number): number => untilGivenUp(budget) - Math.min(maxStandInTime, budget * standInShare)

/** The time from a request until the next engine joins: at least `least`. */
export const hedgeAfter = (budget: number, least: number): number => Math.max(least, Math.min(maxHedge, budget / hedgeParts))
