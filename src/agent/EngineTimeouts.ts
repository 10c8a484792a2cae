/**
 * How long an agent waits for its engines: as its file says, else by the number of servers of each stage.
 *
 * A stage's only server gets more time: a late answer is better than none. Where another engine can take over, or the engine runs in this
 * process, less time is enough.
 */
import type { EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition, Timeouts } from "../definition/AgentDefinition.ts"

/** Timeouts of a stage's only server, ms. */
const onlyServer: Timeouts = { transcript: 8000, reply: 10_000, speech: 8000 }

/** The servers of each stage; none for an engine that runs in this process. */
export type Stages = { readonly [Name in keyof Timeouts]: ReadonlyArray<EngineState> }

/** The definition with the timeout of each stage. */
export const forEngines = (definition: AgentDefinition, stages: Stages): AgentDefinition => {
  const timeoutOf = (name: keyof Timeouts): number =>
    definition.ownTimeouts?.[name] ?? (stages[name].length === 1 ? onlyServer[name] : definition.timeouts[name])
  const timeouts: Timeouts = { transcript: timeoutOf("transcript"), reply: timeoutOf("reply"), speech: timeoutOf("speech") }
  const isSame = (Object.keys(timeouts) as ReadonlyArray<keyof Timeouts>).every((name) => timeouts[name] === definition.timeouts[name])
  return isSame ? definition : { ...definition, timeouts }
}
