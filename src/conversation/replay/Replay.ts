/**
 * A call's events, written down as they came, and played again: the same commands come out.
 *
 * A recording is JSON lines: first the settings that the machine went by, then an event a line. It holds what
 * the caller said, so it is made only where somebody asked for it.
 */
import { Schema } from "effect"
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import type { Replier } from "../ports/ReplyModel.ts"
import type { Command, TurnEvent } from "../turn/TurnEvent.ts"
import * as Transition from "../turn/Transition.ts"
import { initial as initialState } from "../turn/TurnState.ts"
import type { TurnSettings } from "../turn/TurnState.ts"

/** The version of the events; a recording of another one can't be played. */
const version = 1

/** What the machine can't do without; more is kept as it is. */
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

const isEvent = Schema.is(Schema.Struct({ _tag: Schema.String, at: Schema.Finite }))

export interface Recording {
  readonly settings: TurnSettings
  readonly events: ReadonlyArray<TurnEvent>
}

/** The first line of a recording. */
export const header = (
  { attention, endpointing, fillers, idle, interruption, isOutbound, language, lines, maxDuration, region, script = { intents: [] }, transfers = {} }:
    & AgentDefinition
    & { readonly isOutbound?: boolean },
  { answersUnheard = false }: Pick<Replier, "answersUnheard"> = {}
): string => {
  const names = Object.fromEntries(Object.keys(transfers).map((name) => [name, true]))
  const asking = { intents: script.intents.flatMap(({ needs }) => needs.length === 0 ? [] : [{ needs }]) }
  const settings: TurnSettings = {
    endpointing, idle, interruption, lines, maxDuration, transfers: names, language, script: asking, answersUnheard,
    ...(attention === undefined ? {} : { attention }),
    ...(fillers === undefined ? {} : { fillers }),
    ...(isOutbound === undefined ? {} : { isOutbound }),
    ...(region === undefined ? {} : { region })
  }
  return JSON.stringify({ version, settings })
}

export const eventLine = (event: TurnEvent): string => JSON.stringify(event)

export interface Unreadable {
  readonly _tag: "Unreadable"
  readonly reason: string
}

const unreadable = (reason: string): Unreadable => ({ _tag: "Unreadable", reason })

const fromJson = (line: string): { readonly json: unknown } | undefined => {
  try {
    return { json: JSON.parse(line) }
  } catch {
    return undefined
  }
}

/** Reads a recording; a last line that was cut off is left out, as a call that was killed leaves it. */
export const parse = (text: string): Recording | Unreadable => {
  const lines = text.split("\n").flatMap((line, index) => (line.trim().length > 0 ? [{ line, number: index + 1 }] : []))
  const head = fromJson(lines[0]?.line ?? "")?.json as { readonly version?: unknown; readonly settings?: unknown } | null | undefined
  if (head === undefined || head === null || head.version === undefined) return unreadable("It does not begin with the line of its settings.")
  if (head.version !== version) return unreadable(`It is of version ${String(head.version)}; this program plays version ${version}.`)
  if (!isSettings(head.settings)) return unreadable("The settings in its first line are not whole.")
  const events: Array<TurnEvent> = []
  for (const { line, number } of lines.slice(1)) {
    const read = fromJson(line)
    if (read === undefined && number === lines.at(-1)?.number) break
    if (read === undefined) return unreadable(`Line ${number} is not JSON.`)
    if (!isEvent(read.json)) return unreadable(`Line ${number} is not an event.`)
    events.push(read.json as TurnEvent)
  }
  return { settings: head.settings, events }
}

/** The commands that each event gave. */
export const play = ({ events, settings }: Recording): ReadonlyArray<ReadonlyArray<Command>> => {
  const transition = Transition.make(settings)
  let state = initialState
  return events.map((event) => {
    const [commands, next] = transition(state, event)
    state = next
    return commands
  })
}
