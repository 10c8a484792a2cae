/**
 * Transfers the call to a telephone, and reports the result to the turn machine and to the store.
 *
 * The media stream may be lost before Twilio's answer comes. The answer then goes to the conversation in the next media stream.
 */
import { Cause, Effect, Exit, Fiber, Option } from "effect"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { Action } from "./ports/Actions.ts"
import { type CallSide, TransferFailed } from "./ports/AudioPort.ts"
import type { ToolOutcome } from "./ports/Tools.ts"
import type { ReportTurnEvent } from "./turn/TurnEvent.ts"

type Line = Pick<CallSide, "actions" | "transfer">

const done: ToolOutcome = { _tag: "Answered", text: "" }

const outcomeOf = (exit: Exit.Exit<void, TransferFailed>): ToolOutcome => {
  if (Exit.isSuccess(exit)) return done
  const failed = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return { _tag: failed === undefined || failed.mayBeDone === true ? "Unknown" : "NotSent" }
}

/**
 * Stores the action, requests the transfer and waits for the answer. Interrupting this effect stops the waiting, but not the transfer.
 * `id`: the action's id.
 */
const transferTo = (to: string, id: string, { transfers }: Pick<AgentDefinition, "transfers">, line: Line): Effect.Effect<void, TransferFailed> => {
  const { actions, transfer } = line
  const number = Object.entries(transfers ?? {}).find(([name]) => name === to)?.[1]
  if (number === undefined || transfer === undefined) {
    return Effect.fail(new TransferFailed({ reason: number === undefined ? "unknown" : "unsupported" }))
  }
  const action: Action = { id, kind: "transfer", name: to, arguments: "", isRepeatable: false }
  const keep = actions === undefined ? Effect.void : Effect.mapError(actions.asked(action), () => new TransferFailed({ reason: "notKept" }))
  const settled = (exit: Exit.Exit<void, TransferFailed>) => actions?.settled(action, outcomeOf(exit))
  const begun = transfer(number).pipe(
    Effect.onError((cause) => Effect.sync(() => settled(Exit.failCause(cause)))),
    Effect.tap((fiber) => Effect.sync(() => fiber.addObserver(settled)))
  )
  // Uninterruptible: an action that was stored also gets its result.
  return Effect.flatMap(Effect.uninterruptible(Effect.andThen(keep, begun)), Fiber.join)
}

/** Transfers the call to the telephone with the name `to` in the agent's `transfers`. `id`: the action's id. */
export const run = (to: string, id: string, definition: Pick<AgentDefinition, "transfers">, line: Line, report: ReportTurnEvent): Effect.Effect<void> =>
  transferTo(to, id, definition, line).pipe(
    Effect.match({
      onSuccess: () => report({ _tag: "Transferred" }),
      onFailure: ({ reason }) => report({ _tag: "TransferFailed", reason })
    }),
    Effect.catchDefect(() => Effect.sync(() => report({ _tag: "TransferFailed", reason: "broken" })))
  )

/**
 * Reports the result of a transfer during which the media stream was lost. The transfer has failed if this process does not wait for
 * Twilio's answer to it.
 */
export const reportResult = ({ actions }: Line, report: ReportTurnEvent): void => {
  const failed = () => report({ _tag: "TransferFailed", reason: "streamLost" })
  const [running] = actions?.running().filter(({ action }) => action.kind === "transfer") ?? []
  if (running === undefined) failed()
  else running.onOutcome(({ _tag }) => _tag === "Answered" ? report({ _tag: "Transferred" }) : failed())
}
