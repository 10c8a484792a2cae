/**
 * The longest time that the turn waits for a stage's answer to begin: `timeouts` of the agent's file, ms from the request on.
 *
 * It is a context reference, set in the fiber of the request. So all layers between the turn and the engine can read it. Failover
 * divides the time among several engines. A retry must fit into the time, and a client limits how long its server may be silent.
 * Unset: no limit is known.
 */
import { Context } from "effect"

export const StageBudget = Context.Reference<number | undefined>("client-caller/conversation/ports/StageBudget", {
  defaultValue: () => undefined
})
