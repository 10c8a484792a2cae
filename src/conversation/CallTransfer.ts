/**
 * Hands the call on to a telephone, and reports what came of it: to the turn machine, and to whoever writes actions down.
 *
 * The media stream may be lost before the answer comes. Then the answer is reported to the conversation that goes on.
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

/** Writes it down and asks for it, and waits for the answer. Interruption stops the waiting alone. `id`: of the action. */
const handOn = (to: string, id: string, { transfers }: Pick<AgentDefinition, "transfers">, line: Line): Effect.Effect<void, TransferFailed> => {
  const { actions, transfer } = line
  const number = Object.entries(transfers ?? {}).find(([name]) => name === to)?.[1]
  if (number === undefined || transfer === undefined) {
    return Effect.fail(new TransferFailed({ reason: number === undefined ? "unknown" : "unsupported" }))
  }
  const action: Action = { id, kind: "transfer", name: to, arguments: "", isRepeatable: false }
  const isKept = actions === undefined ? Effect.void : Effect.mapError(actions.asked(action), () => new TransferFailed({ reason: "notKept" }))
  const settled = (exit: Exit.Exit<void, TransferFailed>) => actions?.settled(action, outcomeOf(exit))
  const begun = transfer(number).pipe(
    Effect.onError((cause) => Effect.sync(() => settled(Exit.failCause(cause)))),
    Effect.tap((fiber) => Effect.sync(() => fiber.addObserver(settled)))
  )
  // Uninterruptible: what was written down is also settled.
  return Effect.flatMap(Effect.uninterruptible(Effect.andThen(isKept, begun)), Fiber.join)
}

/** Hands the call on to a telephone, by its name in the agent's `transfers`. `id`: of the action. */
export const run = (to: string, id: string, definition: Pick<AgentDefinition, "transfers">, line: Line, report: ReportTurnEvent): Effect.Effect<void> =>
  handOn(to, id, definition, line).pipe(
    Effect.match({
      onSuccess: () => report({ _tag: "Transferred" }),
      onFailure: ({ reason }) => report({ _tag: "TransferFailed", reason })
    }),
    Effect.catchDefect(() => Effect.sync(() => report({ _tag: "TransferFailed", reason: "broken" })))
  )

/** The conversation goes on that was handing the call on when its line was lost. Unless Twilio may still do it, it is not done. */
export const goOn = ({ actions }: Line, report: ReportTurnEvent): void => {
  const failed = () => report({ _tag: "TransferFailed", reason: "streamLost" })
  const [running] = actions?.running().filter(({ action }) => action.kind === "transfer") ?? []
  if (running === undefined) failed()
  else running.onOutcome(({ _tag }) => _tag === "Answered" ? report({ _tag: "Transferred" }) : failed())
}
