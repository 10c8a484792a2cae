/**
 * Decides the next step after the caller has heard a whole reply: the end of the call, a transfer, an answer to unanswered words, or silence.
 */
import { type Draft, addCommand, publish } from "../Draft.ts"
import type { ReplyState } from "../ReplyState.ts"
import * as Farewell from "../judgements/Farewell.ts"
import { answerCaller, sayLine } from "./AgentTurn.ts"
import { awaitSilence, startIdle } from "./Ending.ts"
import { dropPreemptive } from "./Speech.ts"
import { digitsDue, isHoldRequest, waitForCaller } from "./TurnEnd.ts"
import { endUtterance } from "./Utterance.ts"

/** Removes a finished reply from the state and takes the next step. The next step may be a reply without words, which finishes at once, too. */
export const settleFinished = (draft: Draft): void => {
  for (let reply = draft.state.active; reply?.phase._tag === "Finished"; reply = draft.state.active) {
    delete draft.state.active
    afterReply(draft, reply)
  }
}

const afterReply = (draft: Draft, reply: ReplyState): void => {
  if (reply.hangUp !== undefined) awaitHangUp(draft, reply, reply.hangUp)
  else if (reply.transfer !== undefined) transferCall(draft, reply.transfer)
  else answerOrWait(draft)
}

/** Answers words and keys that had to wait for the end of the reply, unless the caller is speaking. */
const answerOrWait = (draft: Draft): void => {
  const { areDigitsDue, digits, unanswered, utterance } = draft.state
  if (utterance !== undefined) return
  if (digits.length > 0) return areDigitsDue ? digitsDue(draft) : undefined
  if (unanswered.length === 0) startIdle(draft)
  else if (isHoldRequest(draft, unanswered)) waitForCaller(draft, unanswered, undefined)
  else answerCaller(draft, [unanswered], undefined)
}

const awaitHangUp = (draft: Draft, { isFinal }: ReplyState, reason: string): void => {
  const { answeredFarewells, utterance } = draft.state
  const farewell = Farewell.begin({ at: draft.at, reason, isFinal, answeredFarewells, maxDuration: draft.settings.maxDuration })
  draft.state.farewell = farewell
  if (!farewell.mayBeAnswered && utterance !== undefined) endUtterance(draft, utterance)
  awaitSilence(draft, farewell)
}

/** Transfers the call. The model may have invented the name, so only names in the agent's file are allowed. */
const transferCall = (draft: Draft, to: string): void => {
  const { transfers = {} } = draft.settings
  draft.state.transferring = to
  publish(draft, draft.state.nextReplyId, { _tag: "Transferring", to })
  if (!Object.hasOwn(transfers, to)) return transferFailed(draft, "unknown")
  if (draft.state.utterance !== undefined) endUtterance(draft, draft.state.utterance)
  dropPreemptive(draft)
  addCommand(draft, { _tag: "Transfer", to })
}

/** The call was not transferred. The agent says so, and the conversation continues. */
export const transferFailed = (draft: Draft, reason: string): void => {
  const { transferring } = draft.state
  if (transferring === undefined) return
  publish(draft, draft.state.nextReplyId, { _tag: "TransferFailed", to: transferring, reason })
  delete draft.state.transferring
  sayLine(draft, "transferFailed")
}
