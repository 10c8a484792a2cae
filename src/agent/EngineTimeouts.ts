/**
 * How long an agent waits for the engines of each stage. If the agent's file does not say it, the number of engines decides.
 *
 * If a stage's only engine is a server, it gets more time, because a late answer is better than no answer. If another engine can take over,
 * or the engine runs in this process, less time is enough.
 */
import type { EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition, Timeouts } from "../definition/AgentDefinition.ts"

/** The timeouts of a server that is the only engine of its stage, in ms. */
const onlyServer: Timeouts = { transcript: 8000, reply: 10_000, speech: 8000 }

/** The engines of each stage. The list is empty if the stage has only the embedded engine, so a list of one is one server. */
export type Stages = { readonly [Name in keyof Timeouts]: ReadonlyArray<EngineState> }

/** The definition with the timeout of each stage. */
export const forEngines = (definition: AgentDefinition, stages: Stages): AgentDefinition => {
  const timeoutOf = (name: keyof Timeouts): number =>
    definition.ownTimeouts?.[name] ?? (stages[name].length === 1 ? onlyServer[name] : definition.timeouts[name])
  const timeouts: Timeouts = { transcript: timeoutOf("transcript"), reply: timeoutOf("reply"), speech: timeoutOf("speech") }
  const isSame = (Object.keys(timeouts) as ReadonlyArray<keyof Timeouts>).every((name) => timeouts[name] === definition.timeouts[name])
  return isSame ? definition : { ...definition, timeouts }
}
