/**
 * The actions of an agent: tool requests, transfers and key presses. A transfer, or a tool request with side effects, is stored before it is
 * carried out. So the action is not repeated after a crash.
 */
import { Data, type Effect } from "effect"
import type { ToolOutcome } from "./Tools.ts"

export interface Action {
  /** Unique within the conversation, over all its media streams. */
  readonly id: string
  readonly kind: "tool" | "transfer" | "keys"
  /** The name of the tool or of the transfer. Empty for keys. */
  readonly name: string
  /** The tool's arguments as JSON, or the keys to press. Empty for a transfer. */
  readonly arguments: string
  /** The action has no side effects, so it may be carried out again. */
  readonly isRepeatable: boolean
}

/** The action could not be stored, so it is not carried out. */
export class ActionNotKept extends Data.TaggedError("ActionNotKept") {
  override get message() {
    return "An action was not done, because it could not be stored first. Check the database and the disk of DATA_DIR."
  }
}

/** An action that was started. This process still waits for its result. */
interface RunningAction {
  readonly action: Action
  /** The listener is called once, when the result has come. */
  readonly onOutcome: (listener: (outcome: ToolOutcome) => void) => void
}

export interface ActionKeeper {
  /** Stores the action in the background. For keys and for actions without side effects, which do not wait for the store. */
  readonly storeSoon: (action: Action) => void
  /** Stores the action, and ends when it is stored. After that the action may be carried out. */
  readonly store: (action: Action) => Effect.Effect<void, ActionNotKept>
  /** Stores the action's outcome in the background. */
  readonly storeOutcome: (action: Action, outcome: ToolOutcome) => void
  /** The actions for whose results this process waits. Keys are not among them, since no conversation needs their result. */
  readonly running: () => ReadonlyArray<RunningAction>
}
