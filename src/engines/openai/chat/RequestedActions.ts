/**
 * The actions that the model asked for in one answer. Actions that end or change the call are carried out after the last word. The results
 * of tool calls go to the model before it goes on speaking. Pure.
 */
import { Result } from "effect"
import type { ReplyPart, ReplyRequest } from "../../../conversation/ports/ReplyModel.ts"
import type { ToolCall } from "../../../conversation/ports/Tools.ts"
import * as ChatStream from "./ChatStream.ts"
import * as ModelActions from "./ModelActions.ts"
import type { ReplyRound } from "./ReplyRound.ts"

interface RequestedActions {
  /** Keys in their order, then at most one hang-up or transfer. */
  readonly parts: ReadonlyArray<ReplyPart>
  /** Calls that must be answered before the model is asked again; empty if the model need not be asked again. */
  readonly calls: ReadonlyArray<ToolCall>
}

/** The most calls that are made for one answer. Further calls are refused. */
const maxToolCalls = 4

const endsCall = ({ _tag }: ReplyPart): boolean => _tag === "HangUp" || _tag === "Transfer"

class Collector {
  readonly parts: Array<ReplyPart> = []
  readonly calls: Array<ToolCall> = []
  /** At least one call has a result that the model needs. */
  needsAnswer = false

  /** `id`, `name` and `json` are repeated in the next request to the model. `name` is empty for an action that the model wrote as text. */
  add(id: string, name: string, json: string, action: ModelActions.CheckedAction): void {
    if (Result.isFailure(action)) {
      this.needsAnswer = true
      this.calls.push({ id, name, arguments: json, request: Result.fail(action.failure) })
      return
    }
    const asked = action.success
    if (asked._tag !== "Call") {
      // The first hang-up or transfer ends the call, so no action can follow it.
      if (!this.parts.some(endsCall)) this.parts.push(asked)
      // Servers require an answer to each of their own tool calls.
      if (name !== "") this.calls.push({ id, name, arguments: json, request: ModelActions.refused("It will be done after you have spoken.") })
      return
    }
    this.needsAnswer = true
    const { arguments: value, tool } = asked
    const callRequest: ToolCall["request"] = this.calls.length < maxToolCalls ? Result.succeed({ tool, value }) : ModelActions.refused("Too many calls at once.")
    this.calls.push({ id, name: tool.name, arguments: JSON.stringify(value), request: callRequest })
  }
}

/** All actions of a round's answer: first the actions in its text, then the server's tool calls. */
export const of = (
  round: Pick<ReplyRound, "answered" | "writtenActions">,
  request: Pick<ReplyRequest, "exchanges" | "history" | "isLastRound">,
  actions: Pick<ModelActions.ModelActions, "fromCall">
): RequestedActions => {
  const collector = new Collector()
  const exchanges = request.exchanges?.length ?? 0
  for (const [at, { action, body }] of round.writtenActions.entries()) collector.add(`line_${request.history.length}_${exchanges}_${at}`, "", body, action)
  for (const call of ChatStream.callsOf(round.answered)) collector.add(call.id, call.name, call.arguments, actions.fromCall(call.name, call.arguments))
  return { parts: collector.parts, calls: collector.needsAnswer && request.isLastRound !== true ? collector.calls : [] }
}
