/**
 * The variables for the agents, for the choice of the agent that answers, and for the folders to which the service writes.
 */
import { Effect, Option, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import { AgentName } from "../../domain/AgentName.ts"
import * as AgentChoices from "../AgentChoice.ts"
import { AgentChoice, AgentNumber } from "../AgentChoice.ts"
import { List, splitList, text } from "./Values.ts"
import { type ValuesOf, withDefault } from "./Variable.ts"

const AgentText = Schema.String.pipe(
  Schema.decodeTo(AgentChoice, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Effect.mapError(Effect.fromOption(AgentChoices.read(text)), () => new SchemaIssue.InvalidValue({ expected: "an agent" }))
    ),
    encode: SchemaGetter.transform(AgentChoices.write)
  })
)

/** One agent for each called number: `+14155550100=receptionist,+14155550101=./agents/shop.yaml`. */
const AgentNumbersText = List.pipe(
  Schema.decodeTo(Schema.Array(AgentNumber), {
    decode: SchemaGetter.transformEffect((entries: ReadonlyArray<string>) =>
      Result.match(AgentChoices.readNumbers(entries), {
        onSuccess: Effect.succeed,
        onFailure: () => Effect.fail(new SchemaIssue.InvalidValue({ expected: "an agent for each number" }))
      })
    ),
    encode: SchemaGetter.transform((entries) => entries.map(({ agent, number }) => `${number}=${AgentChoices.write(agent)}`))
  })
)

export const agentVariables = {
  AGENT: withDefault(
    AgentText,
    { _tag: "Named", name: AgentName.make("receptionist") },
    "the name of an agent or the path of its file",
    "receptionist"
  ),
  AGENT_NUMBERS: withDefault(
    AgentNumbersText,
    [],
    "called numbers, each once, with an agent's name or file",
    "+14155550100=receptionist,+14155550101=./agents/shop.yaml",
    (value) => Option.map(Result.getFailure(AgentChoices.readNumbers(splitList(value))), ({ why }) => why)
  ),
  AGENTS_DIR: text("a folder with agent files", "agents"),
  DATA_DIR: withDefault(Schema.NonEmptyString, "data", "a folder that the service may write to", "data"),
  EVENTS_DIR: text("a folder that the service may write to", "data/events")
} as const

export interface AgentSettings {
  /** The agent that answers when neither the called number nor the request names another. */
  readonly standard: AgentChoice
  /** The agents that answer calls to these numbers. */
  readonly numbers: ReadonlyArray<AgentNumber>
  /** A folder with agent files. Each file contains its agent's name. */
  readonly dir: Option.Option<string>
}

type Values = ValuesOf<typeof agentVariables>

export const agentSettings = (values: Values): AgentSettings => ({
  standard: values.AGENT,
  numbers: values.AGENT_NUMBERS,
  dir: values.AGENTS_DIR
})

export interface FolderSettings {
  /** The folder for the service's own files: its local account and secrets and, by default, the call history and the recordings. */
  readonly dataDir: string
  /** The folder for the event logs of conversations (`npm run replay`). Unset: no event logs are written. */
  readonly eventsDir: Option.Option<string>
}

export const folderSettings = (values: Values): FolderSettings => ({ dataDir: values.DATA_DIR, eventsDir: values.EVENTS_DIR })
