/**
 * What an agent does to the world: tools, transfers, keys. Each is kept before it is done, so that nobody does it twice after a fault.
 */
import { Data, type Effect } from "effect"
import type { ToolOutcome } from "./Tools.ts"

export interface Action {
  /** Unique within the conversation, over all media streams in which it goes on. */
  readonly id: string
  readonly kind: "tool" | "transfer" | "keys"
  /** The tool, or the name of the transfer; empty for keys. */
  readonly name: string
  /** JSON of a tool's arguments; the keys. */
  readonly arguments: string
  /** It changes nothing, so it may be done again. */
  readonly isRepeatable: boolean
}

/** It could not be written down that the action is about to be done, so it is not done. */
export class ActionNotKept extends Data.TaggedError("ActionNotKept") {
  override get message() {
    return "An action was not done, since it could not be written down before. Check the database and the disk of DATA_DIR."
  }
}

/** An action that an earlier media stream of the conversation began, and whose result this process still waits for. */
export interface RunningAction {
  readonly action: Action
  /** The listener is called once, when the result has come. */
  readonly onOutcome: (listener: (outcome: ToolOutcome) => void) => void
}

export interface ActionKeeper {
  /** It is being done and changes nothing, so nothing waits until it is written down. Never waits. */
  readonly noted: (action: Action) => void
  /** Returns soon, when it is written down that the action is about to be done. */
  readonly asked: (action: Action) => Effect.Effect<void, ActionNotKept>
  /** What became of it. Never waits. */
  readonly settled: (action: Action, outcome: ToolOutcome) => void
  /** Keys are not among them: nobody waits for a result of those. */
  readonly running: () => ReadonlyArray<RunningAction>
}
