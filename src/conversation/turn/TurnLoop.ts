/**
 * Runs the turn machine of one conversation. Events are processed one at a time, in order. All commands of an event are carried out before the
 * next event. The machine's state is kept here, and no other module reads it.
 */
import { Deferred, Effect, Queue } from "effect"
import type { TurnMemory as Memory } from "../ports/ConversationMemory.ts"
import type { Command } from "./TurnCommand.ts"
import type { ReportTurnEvent, TurnEvent } from "./TurnEvent.ts"
import type { Transition } from "./Transition.ts"
import * as TurnMemory from "./resumption/TurnMemory.ts"
import { initial } from "./TurnState.ts"

interface MakeOptions {
  readonly transition: Transition
  /** The conversation's clock, ms. */
  readonly now: () => number
  /** Called with each event before the machine processes the event. */
  readonly record: ((event: TurnEvent) => void) | undefined
  /** Called with the machine's memory if an event has changed the memory, before the event's commands are carried out. */
  readonly remember?: (memory: Memory) => void
}

/** Carries out the machine's commands. */
export interface Interpreter {
  readonly carryOut: (command: Command) => Effect.Effect<unknown>
  /** All commands of an event were carried out. */
  readonly onEventDone: () => void
}

export interface TurnLoop {
  readonly report: ReportTurnEvent
  /** Ends when all events that were reported before have been processed. */
  readonly processed: Effect.Effect<void>
  /** Processes events until it is interrupted. */
  readonly run: (interpreter: Interpreter) => Effect.Effect<never>
  /** Ends the call in the machine at once, ahead of queued events. Returns the commands. */
  readonly hangUp: (reason: string | null) => ReadonlyArray<Command>
}

export const make = Effect.fnUntraced(function*({ now, record, remember, transition }: MakeOptions): Effect.fn.Return<TurnLoop> {
  const inbox = yield* Queue.unbounded<TurnEvent | Deferred.Deferred<void>>()
  let state = initial

  const handle = (event: TurnEvent): ReadonlyArray<Command> => {
    record?.(event)
    const [commands, next] = transition(state, event)
    const isMemoryChanged = remember !== undefined && !next.isEnded && !TurnMemory.isSame(state, next)
    state = next
    if (isMemoryChanged) remember(TurnMemory.of(next))
    return commands
  }

  return {
    report: (event) => void Queue.offerUnsafe(inbox, { at: now(), ...event }),
    processed: Effect.suspend(() => {
      const barrier = Deferred.makeUnsafe<void>()
      Queue.offerUnsafe(inbox, barrier)
      return Deferred.await(barrier)
    }),
    run: (interpreter) => {
      const step = Effect.fnUntraced(function*(event: TurnEvent) {
        for (const command of handle(event)) yield* interpreter.carryOut(command)
        interpreter.onEventDone()
      })
      return Effect.forever(Effect.flatMap(
        Queue.take(inbox),
        (item) => "_tag" in item ? step(item) : Effect.asVoid(Deferred.succeed(item, undefined))
      ))
    },
    hangUp: (reason) => handle({ _tag: "HungUp", at: now(), reason })
  }
})
