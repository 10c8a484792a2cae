/**
 * Makes an agent that can be talked to out of a definition: the engines are told who it is.
 */
import { Context, type Effect, type Scope } from "effect"
import type { EngineFailed, EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { Agent } from "./Agent.ts"

export class ConversationFactory extends Context.Service<ConversationFactory, {
  /** To be run once for each agent, when the service starts. What it prepared is held until the scope is closed. */
  readonly agentOf: (definition: AgentDefinition) => Effect.Effect<Agent, EngineFailed, Scope.Scope>
  /** The state of each engine that is a server; engines that run in this process have none. */
  readonly engines: Effect.Effect<ReadonlyArray<EngineState>>
}>()("client-caller/agent/ConversationFactory") {}
