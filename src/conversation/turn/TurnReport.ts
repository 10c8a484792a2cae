/**
 * An event for the turn machine without its time, which `Conversation` adds when the event is reported.
 */
import type { TurnEvent } from "./TurnEvent.ts"

type WithoutTime<Event> = Event extends TurnEvent ? Omit<Event, "at"> : never

export type TurnReport = WithoutTime<TurnEvent>

/** Takes an event in the order of its happening; never waits. */
export type Report = (event: TurnReport) => void
