/**
 * How long the turn waits for an answer of a stage to begin: `timeouts` of the agent's file, in ms from the request on. It stands
 * beside the request, in the fiber that makes it, so that all between the turn and the engine can go by it: who shares the time
 * out among several engines, who asks again, and who bounds the silence of a server. Unset: nobody has said.
 */
import { Context } from "effect"

export const StageBudget = Context.Reference<number | undefined>("client-caller/conversation/ports/StageBudget", {
  defaultValue: () => undefined
})
