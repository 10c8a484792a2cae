/**
 * What an agent does to the world: tools, transfers, keys. An action that may change the world is stored before it is done, so that it is
 * not done twice after a fault.
 */
import { Data, type Effect } from "effect"
import type { ToolOutcome } from "./Tools.ts"

export interface Action {
  /** Unique within the conversation, also if it continues in several media streams. */
  readonly id: string
  readonly kind: "tool" | "transfer" | "keys"
  /** The tool, or the name of the transfer; empty for keys. */
  readonly name: string
  /** JSON of the tool's arguments, or the keys; empty for a transfer. */
  readonly arguments: string
  /** The action changes nothing, so it may be done again. */
  readonly isRepeatable: boolean
}

/** The action could not be stored, so it is not done. */
export class ActionNotKept extends Data.TaggedError("ActionNotKept") {
  override get message() {
    return "An action was not done, because it could not be stored first. Check the database and the disk of DATA_DIR."
  }
}

/** An action whose result this process still waits for. */
interface RunningAction {
  readonly action: Action
  /** The listener is called once, when the result has come. */
  readonly onOutcome: (listener: (outcome: ToolOutcome) => void) => void
}

export interface ActionKeeper {
  /** Stores in the background that the action is about to be done. For keys and for actions that change nothing: they do not wait. */
  readonly noted: (action: Action) => void
  /** Stores that the action is about to be done, and returns when this is stored. */
  readonly asked: (action: Action) => Effect.Effect<void, ActionNotKept>
  /** Stores the action's outcome in the background. */
  readonly settled: (action: Action, outcome: ToolOutcome) => void
  /** The actions whose results are awaited. Keys are not among them, since no conversation waits for their result. */
  readonly running: () => ReadonlyArray<RunningAction>
}
