/**
 * Makes an agent that can be talked to out of a persona: its engines are told who it is.
 */
import { Context, type Effect, type Scope } from "effect"
import type { EngineFailed, EngineState } from "../conversation/Engine.ts"
import type { Persona } from "../conversation/Persona.ts"
import type { Agent } from "./Agent.ts"

export class Conversations extends Context.Service<Conversations, {
  /** Once an agent, when the service starts; what it prepared is held until the scope is closed. */
  readonly agentOf: (persona: Persona) => Effect.Effect<Agent, EngineFailed, Scope.Scope>
  /** How the engines do that are not of this process. */
  readonly engines: Effect.Effect<ReadonlyArray<EngineState>>
}>()("client-caller/agent/Conversations") {}
