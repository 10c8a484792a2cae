/**
 * Makes an agent that can be talked to out of a persona: its engines are told who it is.
 */
import { Context, type Effect, type Scope } from "effect"
import type { EngineFailed, EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { Agent } from "./Agent.ts"

export class ConversationFactory extends Context.Service<ConversationFactory, {
  /** Once an agent, when the service starts; what it prepared is held until the scope is closed. */
  readonly agentOf: (persona: AgentDefinition) => Effect.Effect<Agent, EngineFailed, Scope.Scope>
  /** How the engines do that are not of this process. */
  readonly engines: Effect.Effect<ReadonlyArray<EngineState>>
}>()("client-caller/agent/ConversationFactory") {}
