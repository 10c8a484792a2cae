/**
 * How long an agent waits for its engines: as its file says, or by what stands behind a stage.
 *
 * One server that nobody stands in for gets more time: a late answer is better than none. Where another engine can take over, or
 * the engine runs in this process, less is enough.
 */
import type { EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition, Timeouts } from "../definition/AgentDefinition.ts"

/** Of a stage's only server; ms. */
export const alone: Timeouts = { transcript: 8000, reply: 10_000, speech: 8000 }

/** The engines of each stage, by what they tell of themselves; none for one that runs in this process. */
export type Stages = { readonly [Name in keyof Timeouts]: ReadonlyArray<EngineState> }

/** The persona with the time that each of its engines is to have. */
export const forEngines = (persona: AgentDefinition, stages: Stages): AgentDefinition => {
  const of = (name: keyof Timeouts): number =>
    persona.ownTimeouts?.[name] ?? (stages[name].length === 1 ? alone[name] : persona.timeouts[name])
  const timeouts: Timeouts = { transcript: of("transcript"), reply: of("reply"), speech: of("speech") }
  const isSame = (Object.keys(timeouts) as ReadonlyArray<keyof Timeouts>).every((name) => timeouts[name] === persona.timeouts[name])
  return isSame ? persona : { ...persona, timeouts }
}
