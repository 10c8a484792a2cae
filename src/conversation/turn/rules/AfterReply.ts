/**
 * What follows a reply that was heard to its end: goodbye, a transfer, what was kept for later, or silence.
 */
import { type Draft, order, tell } from "../Draft.ts"
import type { Reply } from "../TurnState.ts"
import * as Farewell from "../judgements/Farewell.ts"
import { commit, sayLine } from "./AgentTurn.ts"
import { awaitSilence, hangUp, startIdle } from "./Ending.ts"
import { digitsDue } from "./Keypad.ts"
import { endPart } from "./LongSpeech.ts"
import { dropPreemptive } from "./Speech.ts"
import { isHoldRequest, waitForCaller } from "./TurnEnd.ts"
import { endUtterance } from "./Utterance.ts"

/** What was said into the greeting is answered now, unless the caller is saying more. */
const answerOrWait = (draft: Draft): void => {
  const { areDigitsDue, carry, digits, utterance } = draft.state
  if (utterance !== undefined) return
  if (digits.length > 0) return areDigitsDue ? digitsDue(draft) : undefined
  if (carry.length === 0) startIdle(draft)
  else if (isHoldRequest(draft, carry)) waitForCaller(draft, carry, undefined)
  else commit(draft, [carry], undefined)
}

const bidFarewell = (draft: Draft, { isFinal }: Reply, reason: string): void => {
  const { answeredFarewells: answered, utterance } = draft.state
  const farewell = Farewell.begin({ at: draft.at, reason, isFinal, answered, maxDuration: draft.settings.maxDuration })
  draft.state.farewell = farewell
  if (!farewell.mayBeAnswered && utterance !== undefined) endUtterance(draft, utterance)
  awaitSilence(draft, farewell)
}

export const hangUpDue = (draft: Draft): void => {
  const { farewell, parts, utterance, voice } = draft.state
  if (farewell === undefined) return
  if (utterance === undefined) return hangUp(draft, farewell.reason)
  // A voice that does not stop: its words tell whether it is for us. In a pause the endpoint is near.
  if (voice.isOn && parts.length === 0) endPart(draft, utterance, draft.at)
}

/** Only to whom the agent's file names: a model may have made the name up. */
const handOn = (draft: Draft, to: string): void => {
  const { transfers = {} } = draft.settings
  draft.state.transferring = to
  tell(draft, draft.state.nextReply, { _tag: "Transferring", to })
  if (!Object.hasOwn(transfers, to)) return transferFailed(draft, "unknown")
  if (draft.state.utterance !== undefined) endUtterance(draft, draft.state.utterance)
  dropPreemptive(draft)
  order(draft, { _tag: "Transfer", to })
}

export const transferFailed = (draft: Draft, reason: string): void => {
  const { transferring } = draft.state
  if (transferring === undefined) return
  tell(draft, draft.state.nextReply, { _tag: "TransferFailed", to: transferring, reason })
  delete draft.state.transferring
  sayLine(draft, "transferFailed")
}

/** A reply was heard to its end: the call ends, goes on elsewhere, or it is the caller's turn. */
export const follow = (draft: Draft, reply: Reply): void => {
  if (reply.hangUp !== undefined) bidFarewell(draft, reply, reply.hangUp)
  else if (reply.transfer !== undefined) handOn(draft, reply.transfer)
  else answerOrWait(draft)
}
