/**
 * Writes a call's event log line by line, reads the log, and replays it: the turn machine gets the same events and gives the same commands.
 *
 * The log is JSON lines: first the turn machine's settings, then one event in each line. The log contains the caller's words, so it is
 * written only if `EVENTS_DIR` is set.
 */
import { Data, Result, Schema } from "effect"
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import type { Replier } from "../ports/ReplyModel.ts"
import * as Transition from "../turn/Transition.ts"
import type { Command } from "../turn/TurnCommand.ts"
import type { TurnEvent } from "../turn/TurnEvent.ts"
import * as TurnState from "../turn/TurnState.ts"

/** Version of the log's events and settings. A log of another version can't be replayed. */
const version = 1

/** Checks the settings that the turn machine can't do without. Other settings are not checked. */
const isSettings = Schema.is(Schema.Struct({
  lines: Schema.Struct({
    greeting: Schema.String,
    idle: Schema.String,
    idleGoodbye: Schema.String,
    apology: Schema.String,
    failure: Schema.String,
    timeIsUp: Schema.String
  }),
  endpointing: Schema.Struct({ silence: Schema.Finite, complete: Schema.Finite, trailing: Schema.Finite, speculate: Schema.Finite }),
  interruption: Schema.Struct({ minSpeech: Schema.Finite, backchannels: Schema.Array(Schema.String) }),
  idle: Schema.Struct({ after: Schema.Finite, hangUpAfter: Schema.Finite }),
  maxDuration: Schema.Finite
}))

/** The settings as version 1 of the log writes them: two of them have older names. */
type LoggedSettings = Omit<TurnState.TurnSettings, "answersUnintelligible" | "smallTalk"> & {
  readonly answersUnheard?: boolean
  readonly attention?: ReadonlyArray<string>
}

const fromLogged = ({ answersUnheard, attention, ...settings }: LoggedSettings): TurnState.TurnSettings => ({
  ...settings,
  ...(answersUnheard === undefined ? {} : { answersUnintelligible: answersUnheard }),
  ...(attention === undefined ? {} : { smallTalk: attention })
})

const isEvent = Schema.is(Schema.Struct({ _tag: Schema.String, at: Schema.Finite }))

/** A call's events in order, and the turn machine's settings. */
export interface EventLog {
  readonly settings: TurnState.TurnSettings
  readonly events: ReadonlyArray<TurnEvent>
}

/** The text is not an event log that this program can replay. */
class EventLogUnreadable extends Data.TaggedError("EventLogUnreadable")<{
  /** A sentence for the person who runs the replay. */
  readonly reason: string
}> {
  override get message() {
    return this.reason
  }
}

/** The first line of a log, without its line break. It has only the settings that the turn machine uses. */
export const header = (
  { endpointing, fillers, idle, interruption, isOutbound, language, lines, maxDuration, region, script = { intents: [] }, smallTalk, transfers = {} }:
    & AgentDefinition
    & { readonly isOutbound?: boolean },
  { answersUnintelligible = false }: Pick<Replier, "answersUnintelligible"> = {}
): string => {
  const transferNames = Object.fromEntries(Object.keys(transfers).map((name) => [name, true]))
  const scriptNeeds = { intents: script.intents.flatMap(({ needs }) => needs.length === 0 ? [] : [{ needs }]) }
  const settings: LoggedSettings = {
    endpointing, idle, interruption, lines, maxDuration, transfers: transferNames, language, script: scriptNeeds,
    answersUnheard: answersUnintelligible,
    ...(smallTalk === undefined ? {} : { attention: smallTalk }),
    ...(fillers === undefined ? {} : { fillers }),
    ...(isOutbound === undefined ? {} : { isOutbound }),
    ...(region === undefined ? {} : { region })
  }
  return JSON.stringify({ version, settings })
}

/** The line of an event, without its line break. */
export const eventLine = (event: TurnEvent): string => JSON.stringify(event)

const unreadable = (reason: string): Result.Result<never, EventLogUnreadable> => Result.fail(new EventLogUnreadable({ reason }))

const fromJson = (line: string): { readonly json: unknown } | undefined => {
  try {
    return { json: JSON.parse(line) }
  } catch {
    return undefined
  }
}

/** Reads a log. If the process was killed, the last line may be cut off. So a last line that is not JSON is skipped. */
export const parse = (text: string): Result.Result<EventLog, EventLogUnreadable> => {
  const lines = text.split("\n").flatMap((line, index) => (line.trim().length > 0 ? [{ line, number: index + 1 }] : []))
  const head = fromJson(lines[0]?.line ?? "")?.json as { readonly version?: unknown; readonly settings?: unknown } | null | undefined
  if (head === undefined || head === null || head.version === undefined) return unreadable("Its first line does not hold the settings.")
  if (head.version !== version) return unreadable(`Its version is ${String(head.version)}, but this program plays version ${version}.`)
  if (!isSettings(head.settings)) return unreadable("The settings in its first line are not complete.")
  const events: Array<TurnEvent> = []
  for (const { line, number } of lines.slice(1)) {
    const read = fromJson(line)
    if (read === undefined && number === lines.at(-1)?.number) break
    if (read === undefined) return unreadable(`Line ${number} is not JSON.`)
    if (!isEvent(read.json)) return unreadable(`Line ${number} is not an event.`)
    events.push(read.json as TurnEvent)
  }
  return Result.succeed({ settings: fromLogged(head.settings), events })
}

/** Replays a log. Returns the commands of each event, in the order of the events. */
export const play = ({ events, settings }: EventLog): ReadonlyArray<ReadonlyArray<Command>> => {
  const transition = Transition.make(settings)
  let state = TurnState.initial
  return events.map((event) => {
    const [commands, next] = transition(state, event)
    state = next
    return commands
  })
}
