/**
 * Loads the agent files that `AGENT` and `AGENT_NUMBERS` name, and all agent files in `AGENTS_DIR`.
 */
import { Array, Data, Effect, FileSystem, Option, Path, Result } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import * as WebhookAddress from "../config/WebhookAddress.ts"
import type { EngineFailed } from "../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { AgentName } from "../domain/AgentName.ts"
import * as DialRules from "../domain/DialRules.ts"
import { echo } from "./Echo.ts"
import { type AgentFileInvalid, AgentFiles, type AgentFileUnreadable } from "./file/AgentFile.ts"

/** Two files give their agents the same name, or a file uses the name `echo`. */
class AgentNameTaken extends Data.TaggedError("AgentNameTaken")<{
  readonly agent: AgentName
  readonly file: string
  /** The file whose agent has the name already. Unset: a built-in agent has it. */
  readonly other?: string
}> {
  override get message() {
    return `${this.file}: the name "${this.agent}" is taken${
      this.other === undefined ? ": it is built in" : ` by ${this.other}`
    }. Give the agent another "name".`
  }
}

/** No webhook may be sent to the address that a file names. */
class AgentWebhookRefused extends Data.TaggedError("AgentWebhookRefused")<{
  readonly file: string
  readonly cause: WebhookAddress.WebhookAddressRefused
}> {
  override get message() {
    return `${this.file}: "webhook" ${this.cause.message}.`
  }
}

export type AgentProblem = AgentFileInvalid | AgentFileUnreadable | AgentNameTaken | AgentWebhookRefused | EngineFailed

/** All problems of the agents, in one message for the operator. */
export class AgentsUnusable extends Data.TaggedError("AgentsUnusable")<{
  readonly problems: Array.NonEmptyReadonlyArray<AgentProblem>
}> {
  override get message() {
    return this.problems.map(({ message }) => message).join("\n")
  }
}

interface ConfiguredAgent {
  /** The path of the agent's file, as the configuration has it. */
  readonly file: string
  readonly definition: AgentDefinition
}

/** The files of `AGENTS_DIR`, in the order of their names. */
const filesInFolder = Effect.fnUntraced(function*(folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* fs.readDirectory(folder).pipe(
    Effect.map((names) => names.filter((name) => /\.ya?ml$/i.test(name)).sort().map((name) => path.join(folder, name))),
    // A folder that can't be read is loaded as if it were an agent file. The loading fails with an error that names the settings to check.
    Effect.catch(() => Effect.succeed([folder]))
  )
})

/** Warns of transfers to numbers that the API would not dial. These transfers stay allowed, since the operator has written them. */
const warnOfTransfers = (rules: DialRules.DialRules, file: string, { transfers = {} }: AgentDefinition) =>
  Effect.forEach(Object.entries(transfers), ([name, number]) =>
    Option.match(DialRules.refusal(rules, number), {
      onNone: () => Effect.void,
      onSome: ({ message }) =>
        Effect.logWarning(`${file}: the transfer "${name}" is allowed, but leads to a number that the API would not dial. ${message}`)
    }), { discard: true })

/**
 * Loads each file once, even if the configuration names it several times. `agents` has absolute paths as keys, in the order of loading.
 * `chosenFiles`: the paths in `AGENT` and `AGENT_NUMBERS`, as written there.
 */
export const load = Effect.gen(function*() {
  const { agents: config, dialling, webhooks } = yield* AppConfig
  const files = yield* AgentFiles
  const path = yield* Path.Path
  const inFolder = yield* Option.match(config.dir, { onNone: () => Effect.succeed([]), onSome: filesInFolder })
  const choices = [config.standard, ...config.numbers.map(({ agent }) => agent)]
  const chosenFiles = choices.flatMap((choice) => choice._tag === "File" ? [choice.path] : [])

  const agents = new Map<string, ConfiguredAgent>()
  const problems: Array<AgentProblem> = []
  const seen = new Set<string>()
  for (const file of [...inFolder, ...chosenFiles]) {
    const absolutePath = path.resolve(file)
    if (seen.has(absolutePath)) continue
    seen.add(absolutePath)
    const loaded = yield* Effect.result(files.load(file))
    if (Result.isFailure(loaded)) {
      problems.push(loaded.failure)
      continue
    }
    const definition = loaded.success
    const address = definition.webhookUrl === undefined ? undefined : WebhookAddress.read(definition.webhookUrl, webhooks.isPrivateAllowed)
    if (address !== undefined && Result.isFailure(address)) problems.push(new AgentWebhookRefused({ file, cause: address.failure }))
    const other = [...agents.values()].find((agent) => agent.definition.name === definition.name)
    if (other !== undefined || definition.name === echo.name) {
      problems.push(new AgentNameTaken({ agent: definition.name, file, ...(other === undefined ? {} : { other: other.file }) }))
    } else agents.set(absolutePath, { file, definition })
  }
  if (Array.isArrayNonEmpty(problems)) return yield* new AgentsUnusable({ problems })
  for (const { definition, file } of agents.values()) yield* warnOfTransfers(dialling.rules, file, definition)
  return { agents: agents as ReadonlyMap<string, ConfiguredAgent>, chosenFiles }
})
