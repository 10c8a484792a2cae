/**
 * How long (ms) a stage may take to begin its answer. The value comes from `timeouts` in the agent's file.
 *
 * The budget is a context reference that is set in the fiber of the request. So all layers between the turn machine and the engine can read
 * it. Failover divides the time among several engines. A retry must fit into the time, and a client limits how long its server may be
 * silent. Unset: no limit is known.
 */
import { Context } from "effect"

export const StageBudget = Context.Reference<number | undefined>("client-caller/conversation/ports/StageBudget", {
  defaultValue: () => undefined
})
