/**
 * The agents that this service has, by name.
 */
import { Context, Data, Effect, Layer } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import type { AgentName } from "../domain/AgentName.ts"
import type { Agent } from "./Agent.ts"
import { echo } from "./Echo.ts"

/** No agent has this name. */
export class UnknownAgent extends Data.TaggedError("UnknownAgent")<{
  readonly agent: string
  readonly known: ReadonlyArray<AgentName>
}> {
  override get message() {
    return `There is no agent "${this.agent}". Use one of: ${this.known.join(", ")}.`
  }
}

export class Agents extends Context.Service<Agents, {
  /** The one that answers when nothing else is said. */
  readonly standard: Agent
  readonly find: (name: string) => Effect.Effect<Agent, UnknownAgent>
}>()("client-caller/agent/Agents") {
  /** The built-in agents and those given; `AGENT` must name one of them. */
  static readonly layerWith = (agents: ReadonlyArray<Agent>) =>
    Layer.effect(
      Agents,
      Effect.gen(function*() {
        const config = yield* AppConfig
        const byName = new Map<string, Agent>(agents.map((agent) => [agent.name, agent]))
        const find = Effect.fnUntraced(function*(name: string) {
          const agent = byName.get(name)
          return agent ?? (yield* new UnknownAgent({ agent: name, known: agents.map((agent) => agent.name) }))
        })
        return Agents.of({ standard: yield* find(config.agent), find })
      })
    )

  static readonly layer = Agents.layerWith([echo])
}
