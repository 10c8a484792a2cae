/**
 * The agents that this service has: by name, and by the number that was called.
 *
 * `echo` and `receptionist` are built in; others are files, named by `AGENT`, by `AGENT_NUMBERS`, or all of
 * `AGENTS_DIR`. They are loaded when the service starts, and what is wrong with any of them keeps it from
 * starting. A file may take the place of the built-in `receptionist` by taking its name.
 */
import { Array, Context, Data, Effect, Fiber, FileSystem, Layer, Option, Path, Result, Scope } from "effect"
import { fileURLToPath } from "node:url"
import type { AgentChoice } from "../config/AgentChoice.ts"
import { AppConfig } from "../config/AppConfig.ts"
import type { EngineFailed, EngineState } from "../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import { AgentName } from "../domain/AgentName.ts"
import * as DialRules from "../domain/DialRules.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { Agent } from "./Agent.ts"
import { type AgentFileInvalid, AgentFiles, type AgentFileUnreadable } from "./file/AgentFile.ts"
import { ConversationFactory } from "./ConversationFactory.ts"
import { echo } from "./Echo.ts"

/** No agent has this name, or the one that has it can't be used. */
export class UnknownAgent extends Data.TaggedError("UnknownAgent")<{
  readonly agent: string
  readonly known: ReadonlyArray<AgentName>
  /** There is one, but this keeps it from answering. */
  readonly why?: string
}> {
  override get message() {
    return this.why === undefined
      ? `There is no agent "${this.agent}". Use one of: ${this.known.join(", ")}.`
      : `The agent "${this.agent}" can't answer: ${this.why}`
  }
}

/** Two files have one name, or a file has the name of `echo`. */
export class AgentNameTaken extends Data.TaggedError("AgentNameTaken")<{
  readonly agent: AgentName
  readonly file: string
  /** Unset: it is built in. */
  readonly other?: string
}> {
  override get message() {
    return `${this.file}: the name "${this.agent}" is taken${
      this.other === undefined ? ": it is built in" : ` by ${this.other}`
    }. Give the agent another "name".`
  }
}

type AgentProblem = AgentFileInvalid | AgentFileUnreadable | AgentNameTaken | EngineFailed

/** All that keeps agents from answering, for the operator. */
export class AgentsUnusable extends Data.TaggedError("AgentsUnusable")<{
  readonly problems: Array.NonEmptyReadonlyArray<AgentProblem>
}> {
  override get message() {
    return this.problems.map(({ message }) => message).join("\n")
  }
}

/** The built-in agent's file: beside this one, here and in `dist`. */
export const receptionistFile = fileURLToPath(new URL("./builtin/receptionist.yaml", import.meta.url))

const receptionist = AgentName.make("receptionist")

/** A transfer is the operator's own choice: where it leads to a number that the API would not dial, the operator is told, and it stays. */
const warnOfTransfers = (rules: DialRules.DialRules, file: string, { transfers = {} }: AgentDefinition) =>
  Effect.forEach(Object.entries(transfers), ([name, number]) =>
    Option.match(DialRules.refusal(rules, number), {
      onNone: () => Effect.void,
      onSome: ({ message }) =>
        Effect.logWarning(`${file}: the transfer "${name}" is made, but leads to a number that the API would not dial. ${message}`)
    }), { discard: true })

/** An agent, at once or as soon as it is wanted. */
type Source = Effect.Effect<Agent, AgentProblem>

export class Agents extends Context.Service<Agents, {
  /** The one that answers when nothing else is said. */
  readonly standard: Agent
  readonly find: (name: string) => Effect.Effect<Agent, UnknownAgent>
  /** The one that answers a call to this number: that of `AGENT_NUMBERS`, else the standard one. */
  readonly forNumber: (called: Option.Option<PhoneNumber>) => Agent
  /** How the engines do that they use; none of those that run in this process. */
  readonly engines: Effect.Effect<ReadonlyArray<EngineState>>
}>()("client-caller/agent/Agents") {
  /** These agents; `AGENT` must name one of them. For tests, and for a service without engines. */
  static readonly layerWith = (agents: ReadonlyArray<Agent>) =>
    Layer.effect(
      Agents,
      Effect.flatMap(AppConfig, ({ agents: config }) =>
        make(config, new Map(agents.map((agent) => [agent.name, Effect.succeed(agent)])), new Map(), Effect.succeed([])))
    )

  /** The built-in agents and those of files. */
  static readonly personas = Layer.effect(
    Agents,
    Effect.gen(function*() {
      const { agents: config, dialling } = yield* AppConfig
      const files = yield* AgentFiles
      const conversations = yield* ConversationFactory
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const scope = yield* Effect.scope
      const problems: Array<AgentProblem> = []

      const chosen = [config.standard, ...config.numbers.map(({ agent }) => agent)]
      const inFolder = yield* Option.match(config.dir, {
        onNone: () => Effect.succeed([]),
        onSome: (dir) =>
          fs.readDirectory(dir).pipe(
            Effect.map((names) => names.filter((name) => /\.ya?ml$/i.test(name)).sort().map((name) => path.join(dir, name))),
            // The file's own error is the right one for a folder too: it says where to look.
            Effect.catch(() => Effect.succeed([dir]))
          )
      })
      const named = chosen.flatMap((choice) => choice._tag === "File" ? [choice.path] : [])

      /** By where it is: a file that is named twice is one agent. */
      const personas = new Map<string, { readonly file: string; readonly persona: AgentDefinition }>()
      const seen = new Set<string>()
      for (const file of [...inFolder, ...named]) {
        const where = path.resolve(file)
        if (seen.has(where)) continue
        seen.add(where)
        const read = yield* Effect.result(files.load(file))
        if (Result.isFailure(read)) {
          problems.push(read.failure)
          continue
        }
        const persona = read.success
        const other = [...personas.values()].find((one) => one.persona.name === persona.name)
        if (other !== undefined || persona.name === echo.name) {
          problems.push(new AgentNameTaken({ agent: persona.name, file, ...(other === undefined ? {} : { other: other.file }) }))
        } else personas.set(where, { file, persona })
      }
      if (Array.isArrayNonEmpty(problems)) return yield* new AgentsUnusable({ problems })
      for (const { file, persona } of personas.values()) yield* warnOfTransfers(dialling.rules, file, persona)

      const agentOf = (persona: AgentDefinition) => Scope.provide(conversations.agentOf(persona), scope)
      const builtIn = Effect.flatMap(files.load(receptionistFile), agentOf)
      const sources = new Map<string, Source>([[echo.name, Effect.succeed(echo)]])
      // Its engines cost time and memory: only a service that uses it pays, at its start or at the first call.
      if (![...personas.values()].some(({ persona }) => persona.name === receptionist)) {
        const isChosen = chosen.some((choice) => choice._tag === "Named" && choice.name === receptionist)
        if (isChosen) {
          const agent = yield* Effect.mapError(builtIn, (problem) => new AgentsUnusable({ problems: [problem] }))
          sources.set(receptionist, Effect.succeed(agent))
        } else {
          // A fiber of the service's: a call that goes away while it waits does not take the agent with it.
          const loading = yield* Effect.cached(Effect.forkIn(builtIn, scope))
          sources.set(receptionist, Effect.flatMap(loading, Fiber.join))
        }
      }
      const byPath = new Map<string, Agent>()
      for (const [where, { persona }] of personas) {
        const agent = yield* Effect.mapError(agentOf(persona), (problem) => new AgentsUnusable({ problems: [problem] }))
        byPath.set(where, agent)
        sources.set(agent.name, Effect.succeed(agent))
      }
      for (const file of named) {
        const agent = byPath.get(path.resolve(file))
        if (agent !== undefined) byPath.set(file, agent)
      }
      return yield* make(config, sources, byPath, conversations.engines)
    })
  )
}

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
