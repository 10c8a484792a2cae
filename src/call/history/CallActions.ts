/**
 * Stores each action of the agent on a call: before the action is carried out, and again with its result.
 *
 * The result may come after the action's media stream has ended. A conversation that resumes in this process still gets the result. If this
 * process has ended, the process that takes the call over stores the result as unknown.
 */
import { Effect } from "effect"
import { type Action, type ActionKeeper, ActionNotKept } from "../../conversation/ports/Actions.ts"
import type { ToolOutcome } from "../../conversation/ports/Tools.ts"
import type { CallSid } from "../../domain/Sid.ts"
import type { CallStore, StoredCall } from "../../store/CallStore.ts"
import type { StoreWrite } from "../../store/StoreWrite.ts"

export interface CallActions extends ActionKeeper {
  /** Stores `unknown` as the result of each action that an earlier process of the call left without a result. Run it once. */
  readonly abandonOpen: () => void
}

interface MakeOptions {
  readonly callSid: CallSid
  /** Stores actions while the call belongs to this process. */
  readonly store: Pick<CallStore["Service"], "write" | "save">
  /** Stores the results of actions that this process began, even if another process has taken the call over. */
  readonly results: Pick<CallStore["Service"], "write">
  /** The prefix of each action's id, see `CallLife`. */
  readonly life: string
  /** The time now on the call's axis: ms since the call's first media stream began. */
  readonly axisNow: () => number
  readonly keepsWords: boolean
  /** The actions that an earlier process of the call left without a result. */
  readonly openActions: StoredCall["openActions"]
}

type State = Extract<StoreWrite, { readonly _tag: "ActionWritten" }>["state"]

const stateOf = { Answered: "answered", NotSent: "notSent", Unknown: "unknown" } as const

export const make = ({ axisNow, callSid, keepsWords, life, openActions, results, store }: MakeOptions): CallActions => {
  /** The actions without a result, by id. `at`: when the action was requested, on the call's axis. */
  const begun = new Map<string, { readonly action: Action; readonly at: number; readonly listeners: Array<(outcome: ToolOutcome) => void> }>()

  const writeOf = (action: Action, at: number, state: State, answer?: string): StoreWrite => ({
    _tag: "ActionWritten",
    callSid,
    id: life + action.id,
    kind: action.kind,
    name: action.name,
    arguments: keepsWords ? action.arguments : "",
    isRepeatable: action.isRepeatable,
    at,
    state,
    ...(answer === undefined || !keepsWords ? {} : { answer })
  })

  const begin = (action: Action, at: number) => {
    begun.set(action.id, { action, at, listeners: [] })
  }

  /** An empty answer is none: keys and transfers have no other, and a tool's server may send none. */
  const answerOf = (outcome: ToolOutcome) => outcome._tag === "Answered" && outcome.text !== "" ? outcome.text : undefined

  return {
    storeSoon: (action) => {
      const at = axisNow()
      begin(action, at)
      store.write(writeOf(action, at, "asked"))
    },
    store: (action) =>
      Effect.suspend(() => {
        const at = axisNow()
        return store.save(writeOf(action, at, "asked")).pipe(
          Effect.tap(() => Effect.sync(() => begin(action, at))),
          Effect.mapError(() => new ActionNotKept())
        )
      }),
    storeOutcome: (action, outcome) => {
      const known = begun.get(action.id)
      const target = known === undefined ? store : results
      target.write(writeOf(action, known?.at ?? axisNow(), stateOf[outcome._tag], answerOf(outcome)))
      begun.delete(action.id)
      for (const listener of known?.listeners ?? []) listener(outcome)
    },
    running: () => [...begun.values()].filter(({ action }) => action.kind !== "keys").map(({ action, listeners }) => ({ action, onOutcome: (listener) => void listeners.push(listener) })),
    abandonOpen: () => {
      for (const action of openActions) store.write({ _tag: "ActionWritten", callSid, ...action, state: "unknown" })
    }
  }
}
