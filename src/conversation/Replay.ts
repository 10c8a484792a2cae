/**
 * A call's events, written down as they came, and played again: the same commands come out.
 *
 * A recording is JSON lines: first the settings that the machine went by, then an event a line. It holds what
 * the caller said, so it is made only where somebody asked for it.
 */
import type { Persona } from "./Persona.ts"
import type { Command, TurnEvent } from "./TurnEvent.ts"
import * as TurnMachine from "./TurnMachine.ts"

/** The version of the events; a recording of another one can't be played. */
const version = 1

export interface Recording {
  readonly settings: TurnMachine.TurnSettings
  readonly events: ReadonlyArray<TurnEvent>
}

/** The first line of a recording. */
export const header = ({ endpointing, fillers, idle, interruption, lines, maxDuration, transfers = {} }: Persona): string => {
  const names = Object.fromEntries(Object.keys(transfers).map((name) => [name, true]))
  return JSON.stringify({ version, settings: { endpointing, idle, interruption, lines, maxDuration, fillers, transfers: names } })
}

export const eventLine = (event: TurnEvent): string => JSON.stringify(event)

/** Reads a recording; a last line that was cut off is left out, as a call that was killed leaves it. */
export const parse = (text: string): Recording | { readonly _tag: "Unreadable"; readonly reason: string } => {
  const [first = "", ...lines] = text.split("\n").filter((line) => line.trim().length > 0)
  try {
    const head: { readonly version?: unknown; readonly settings: TurnMachine.TurnSettings } = JSON.parse(first)
    if (head.version !== version) {
      return { _tag: "Unreadable", reason: `It is of version ${String(head.version)}; this program plays version ${version}.` }
    }
    const events: Array<TurnEvent> = []
    for (const [index, line] of lines.entries()) {
      try {
        events.push(JSON.parse(line))
      } catch {
        if (index < lines.length - 1) return { _tag: "Unreadable", reason: `Line ${index + 2} is not JSON.` }
      }
    }
    return { settings: head.settings, events }
  } catch {
    return { _tag: "Unreadable", reason: "It does not begin with the line of its settings." }
  }
}

/** The commands that each event gave. */
export const play = ({ events, settings }: Recording): ReadonlyArray<ReadonlyArray<Command>> => {
  const transition = TurnMachine.make(settings)
  let state = TurnMachine.initial
  return events.map((event) => {
    const [commands, next] = transition(state, event)
    state = next
    return commands
  })
}
