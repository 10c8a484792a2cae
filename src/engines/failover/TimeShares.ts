/**
 * How the time that a caller waits is divided among the engines of a stage. Pure; all times are ms.
 *
 * A late engine is not cut off: the next one joins it, and both go on. An embedded engine joins no late engine, because it would win each
 * time. Instead, the last part of the time is kept for an embedded engine that could still be needed.
 */

/** How much sooner the engines give up than the turn, so that the log names the engine and not an interrupted turn. */
const maxMargin = 50
const marginShare = 0.05

/** The part of the time that is kept for an embedded engine. */
const standInShare = 0.25
const maxStandInTime = 2000

/** The next engine joins after a sixth of the time. */
const hedgeParts = 6
/** The second engine joins after this time at the latest, however long the caller would wait. */
const maxHedge = 2000

/** From the request until all engines are given up. `budget`: how long the caller waits. */
export const untilGivenUp = (budget: number): number => budget - Math.min(maxMargin, budget * marginShare)

/** From the request until an engine is given up for an embedded one. */
export const untilStandIn = (budget: number): number => untilGivenUp(budget) - Math.min(maxStandInTime, budget * standInShare)

/** From a request until the next engine joins: at least `least`. */
export const hedgeAfter = (budget: number, least: number): number => Math.max(least, Math.min(maxHedge, budget / hedgeParts))
