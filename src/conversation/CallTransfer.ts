/**
 * Transfers the call to a telephone, and reports the result to the turn machine and to the store.
 *
 * The media stream may be lost before Twilio answers. The conversation in the next media stream then gets the answer.
 */
import { Cause, Effect, Exit, Fiber, Option } from "effect"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { Action } from "./ports/Actions.ts"
import { type CallSide, TransferFailed } from "./ports/AudioPort.ts"
import type { ToolOutcome } from "./ports/Tools.ts"
import type { ReportTurnEvent } from "./turn/TurnEvent.ts"

type Line = Pick<CallSide, "actions" | "transfer">

const transferred: ToolOutcome = { _tag: "Answered", text: "" }

const outcomeOf = (exit: Exit.Exit<void, TransferFailed>): ToolOutcome => {
  if (Exit.isSuccess(exit)) return transferred
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return { _tag: error === undefined || error.mayBeDone === true ? "Unknown" : "NotSent" }
}

/**
 * Stores the action, requests the transfer and waits for Twilio's answer. Interruption stops the waiting, but not the transfer.
 * `id`: the action's id.
 */
const transferTo = (to: string, id: string, { transfers }: Pick<AgentDefinition, "transfers">, line: Line): Effect.Effect<void, TransferFailed> => {
  const { actions, transfer } = line
  const number = Object.entries(transfers ?? {}).find(([name]) => name === to)?.[1]
  if (number === undefined || transfer === undefined) {
    return Effect.fail(new TransferFailed({ reason: number === undefined ? "unknown" : "unsupported" }))
  }
  const action: Action = { id, kind: "transfer", name: to, arguments: "", isRepeatable: false }
  const storeAction = actions === undefined ? Effect.void : Effect.mapError(actions.store(action), () => new TransferFailed({ reason: "notKept" }))
  const storeResult = (exit: Exit.Exit<void, TransferFailed>) => actions?.storeOutcome(action, outcomeOf(exit))
  const start = transfer(number).pipe(
    Effect.onError((cause) => Effect.sync(() => storeResult(Exit.failCause(cause)))),
    Effect.tap((fiber) => Effect.sync(() => fiber.addObserver(storeResult)))
  )
  // Uninterruptible, so that every stored action also gets a result.
  return Effect.flatMap(Effect.uninterruptible(Effect.andThen(storeAction, start)), Fiber.join)
}

/** Transfers the call to the telephone that has the name `to` in the agent's `transfers`. `id`: the action's id. */
export const run = (to: string, id: string, definition: Pick<AgentDefinition, "transfers">, line: Line, report: ReportTurnEvent): Effect.Effect<void> =>
  transferTo(to, id, definition, line).pipe(
    Effect.match({
      onSuccess: () => report({ _tag: "Transferred" }),
      onFailure: ({ reason }) => report({ _tag: "TransferFailed", reason })
    }),
    Effect.catchDefect(() => Effect.sync(() => report({ _tag: "TransferFailed", reason: "broken" })))
  )

/**
 * Reports the result of a transfer during which the media stream was lost. If this process does not wait for Twilio's answer, the transfer is
 * reported as failed.
 */
export const reportResult = ({ actions }: Line, report: ReportTurnEvent): void => {
  const reportFailure = () => report({ _tag: "TransferFailed", reason: "streamLost" })
  const [running] = actions?.running().filter(({ action }) => action.kind === "transfer") ?? []
  if (running === undefined) reportFailure()
  else running.onOutcome(({ _tag }) => _tag === "Answered" ? report({ _tag: "Transferred" }) : reportFailure())
}
