/**
 * Writes down what the agent does on a call: before it is done, and again with its result.
 *
 * A result may come when the media stream that asked is gone. The conversation that goes on in this process learns it then. Where the
 * process itself is gone nobody learns it, and whoever takes the call over writes it down as unknown.
 */
import { Effect } from "effect"
import { type Action, type ActionKeeper, ActionNotKept } from "../../conversation/ports/Actions.ts"
import type { ToolOutcome } from "../../conversation/ports/Tools.ts"
import type { CallSid } from "../../domain/Sid.ts"
import type { CallStore, StoredCall } from "../../store/CallStore.ts"
import type { StoreWrite } from "../../store/StoreWrite.ts"

export interface CallActions extends ActionKeeper {
  /** The actions that another process, or an earlier life of this one, has left without a result: it is unknown. To be run once. */
  readonly abandonOpen: () => void
}

interface MakeOptions {
  readonly callSid: CallSid
  /** Where actions of this process are written, as long as the call is its own. */
  readonly store: Pick<CallStore["Service"], "write" | "keep">
  /** Where results of what was begun here are written: they are true whoever has the call meanwhile. */
  readonly results: Pick<CallStore["Service"], "write">
  /** Stands in front of each id, see `CallLife`. */
  readonly life: string
  /** Now, in ms on the call's axis. */
  readonly axis: () => number
  readonly keepsWords: boolean
  readonly open: StoredCall["openActions"]
}

type State = Extract<StoreWrite, { readonly _tag: "ActionWritten" }>["state"]

const stateOf = { Answered: "answered", NotSent: "notSent", Unknown: "unknown" } as const

export const make = ({ axis, callSid, keepsWords, life, open, results, store }: MakeOptions): CallActions => {
  const running = new Map<string, { readonly action: Action; readonly listeners: Array<(outcome: ToolOutcome) => void> }>()

  const written = (action: Action, state: State, answer?: string): StoreWrite => ({
    _tag: "ActionWritten",
    callSid,
    id: life + action.id,
    kind: action.kind,
    name: action.name,
    arguments: keepsWords ? action.arguments : "",
    isRepeatable: action.isRepeatable,
    at: axis(),
    state,
    ...(answer === undefined || !keepsWords ? {} : { answer })
  })

  const begin = (action: Action) => {
    if (action.kind !== "keys") running.set(action.id, { action, listeners: [] })
  }

  return {
    noted: (action) => {
      begin(action)
      store.write(written(action, "asked"))
    },
    asked: (action) =>
      store.keep(written(action, "asked")).pipe(
        Effect.tap(() => Effect.sync(() => begin(action))),
        Effect.mapError(() => new ActionNotKept())
      ),
    settled: (action, outcome) => {
      const begun = running.get(action.id)
      const place = begun === undefined ? store : results
      place.write(written(action, stateOf[outcome._tag], outcome._tag === "Answered" ? outcome.text : undefined))
      running.delete(action.id)
      for (const listener of begun?.listeners ?? []) listener(outcome)
    },
    running: () => [...running.values()].map(({ action, listeners }) => ({ action, onOutcome: (listener) => void listeners.push(listener) })),
    abandonOpen: () => {
      for (const action of open) store.write({ _tag: "ActionWritten", callSid, ...action, state: "unknown" })
    }
  }
}
