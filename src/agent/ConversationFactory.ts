/**
 * Makes a conversational agent from a definition, and prepares the engines for it.
 */
import { Context, type Effect, type Scope } from "effect"
import type { EngineFailed, EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { Agent } from "./Agent.ts"

export class ConversationFactory extends Context.Service<ConversationFactory, {
  /** Makes an agent, once for all of its calls. The prepared engines are kept until the scope closes. */
  readonly agentOf: (definition: AgentDefinition) => Effect.Effect<Agent, EngineFailed, Scope.Scope>
  /** The state of each engine. A stage without servers is left out. */
  readonly engines: Effect.Effect<ReadonlyArray<EngineState>>
}>()("client-caller/agent/ConversationFactory") {}
