/**
 * Makes a conversational agent from a definition, and prepares the engines for it.
 */
import { Context, type Effect, type Scope } from "effect"
import type { EngineFailed, EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { Agent } from "./Agent.ts"

export class ConversationFactory extends Context.Service<ConversationFactory, {
  /** Run once for each agent, when the service starts. The prepared engines are kept until the scope closes. */
  readonly agentOf: (definition: AgentDefinition) => Effect.Effect<Agent, EngineFailed, Scope.Scope>
  /** The state of each engine that is a server; engines that run in this process have none. */
  readonly engines: Effect.Effect<ReadonlyArray<EngineState>>
}>()("client-caller/agent/ConversationFactory") {}
