/**
 * The agents of this service, found by name or by the number that was called.
 *
 * `echo` and `receptionist` are built in. All other agents are files; see `ConfiguredAgents`. Files are loaded when the service starts. If a
 * file has a problem, the service does not start. A file whose agent has the name `receptionist` replaces the built-in agent.
 */
import { Context, Data, Effect, Fiber, Layer, Option, Path, Scope } from "effect"
import { fileURLToPath } from "node:url"
import type { AgentChoice } from "../config/AgentChoice.ts"
import { AppConfig } from "../config/AppConfig.ts"
import type { EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import { AgentName } from "../domain/AgentName.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { Agent } from "./Agent.ts"
import * as ConfiguredAgents from "./ConfiguredAgents.ts"
import { ConversationFactory } from "./ConversationFactory.ts"
import { echo } from "./Echo.ts"
import { AgentFiles } from "./file/AgentFile.ts"

/** No agent has this name, or the agent of this name can't be used. */
export class UnknownAgent extends Data.TaggedError("UnknownAgent")<{
  readonly agent: string
  readonly known: ReadonlyArray<AgentName>
  /** Why the agent of this name can't answer. Unset: there is no such agent. */
  readonly why?: string
}> {
  override get message() {
    return this.why === undefined
      ? `There is no agent "${this.agent}". Use one of: ${this.known.join(", ")}.`
      : `The agent "${this.agent}" can't answer: ${this.why}`
  }
}

/** The file of the built-in receptionist, in `src` and in `dist`. Tests and the bench read it too. */
export const receptionistFile = fileURLToPath(new URL("./builtin/receptionist.yaml", import.meta.url))

const receptionist = AgentName.make("receptionist")

/** Returns an agent. Some agents are loaded by the first use. */
type Source = Effect.Effect<Agent, ConfiguredAgents.AgentProblem>

const asUnusable = (problem: ConfiguredAgents.AgentProblem) => new ConfiguredAgents.AgentsUnusable({ problems: [problem] })

export class Agents extends Context.Service<Agents, {
  /** The agent for all calls for which no other agent is chosen. */
  readonly standard: Agent
  readonly find: (name: string) => Effect.Effect<Agent, UnknownAgent>
  /** The agent for calls to this number: the agent in `AGENT_NUMBERS` or, if the number is not there, the standard agent. */
  readonly forNumber: (called: Option.Option<PhoneNumber>) => Agent
  /** The state of each engine. A stage without servers is left out. */
  readonly engines: Effect.Effect<ReadonlyArray<EngineState>>
}>()("client-caller/agent/Agents") {
  /** A layer with only the given agents, for tests and for a service without engines. `AGENT` must name one of them. */
  static readonly layerWith = (agents: ReadonlyArray<Agent>) =>
    Layer.effect(
      Agents,
      Effect.flatMap(AppConfig, ({ agents: config }) =>
        make(config, new Map(agents.map((agent) => [agent.name, Effect.succeed(agent)])), new Map(), Effect.succeed([])))
    )

  /** The layer with the built-in agents and the agents of files. */
  static readonly layer = Layer.effect(
    Agents,
    Effect.gen(function*() {
      const { agents: config } = yield* AppConfig
      const files = yield* AgentFiles
      const conversations = yield* ConversationFactory
      const path = yield* Path.Path
      const scope = yield* Effect.scope
      const configured = yield* ConfiguredAgents.load

      const agentOf = (definition: AgentDefinition) => Scope.provide(conversations.agentOf(definition), scope)
      const builtIn = Effect.flatMap(files.load(receptionistFile), agentOf)

      /** The receptionist's engines cost time and memory. If the configuration does not name it, they are loaded at its first call. */
      const receptionistSource = Effect.gen(function*() {
        const isChosen = [config.standard, ...config.numbers.map(({ agent }) => agent)]
          .some((choice) => choice._tag === "Named" && choice.name === receptionist)
        if (isChosen) return Effect.succeed(yield* Effect.mapError(builtIn, asUnusable))
        // A fiber of the service does the loading, so that a call that ends meanwhile does not interrupt it.
        const loading = yield* Effect.cached(Effect.forkIn(builtIn, scope))
        return Effect.flatMap(loading, Fiber.join)
      })

      const sources = new Map<string, Source>([[echo.name, Effect.succeed(echo)]])
      const isReplaced = [...configured.agents.values()].some(({ definition }) => definition.name === receptionist)
      if (!isReplaced) sources.set(receptionist, yield* receptionistSource)
      const byPath = new Map<string, Agent>()
      for (const [absolutePath, { definition }] of configured.agents) {
        const agent = yield* Effect.mapError(agentOf(definition), asUnusable)
        byPath.set(absolutePath, agent)
        sources.set(agent.name, Effect.succeed(agent))
      }
      for (const file of configured.chosenFiles) {
        const agent = byPath.get(path.resolve(file))
        if (agent !== undefined) byPath.set(file, agent)
      }
      return yield* make(config, sources, byPath, conversations.engines)
    })
  )
}

/** `sources`: agents by name. `byPath`: agents of files, by absolute path and by the path in the configuration. */
const make = Effect.fnUntraced(function*(
  config: AppConfig["Service"]["agents"],
  sources: ReadonlyMap<string, Source>,
  byPath: ReadonlyMap<string, Agent>,
  engines: Effect.Effect<ReadonlyArray<EngineState>>
) {
  const known = [...sources.keys()].map((name) => AgentName.make(name))

  const find = Effect.fnUntraced(function*(name: string) {
    const source = sources.get(name)
    if (source === undefined) return yield* new UnknownAgent({ agent: name, known })
    return yield* Effect.mapError(source, ({ message }) => new UnknownAgent({ agent: name, known, why: message }))
  })

  const choose = Effect.fnUntraced(function*(choice: AgentChoice) {
    if (choice._tag === "Named") return yield* find(choice.name)
    return byPath.get(choice.path) ?? (yield* new UnknownAgent({ agent: choice.path, known }))
  })

  const standard = yield* choose(config.standard)
  const numbers = new Map<string, Agent>()
  for (const { agent, number } of config.numbers) numbers.set(number, yield* choose(agent))

  return Agents.of({
    standard,
    find,
    forNumber: (called) => Option.match(called, { onNone: () => standard, onSome: (number) => numbers.get(number) ?? standard }),
    engines
  })
})
