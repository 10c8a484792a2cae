/**
 * Silence, and the end of the call: when nobody speaks, when the agent's last words were heard, when somebody hangs up.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, order, startTimer, tell } from "../Draft.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { Timer } from "../TurnEvent.ts"
import * as Farewell from "../judgements/Farewell.ts"
import { finishReply } from "./Playback.ts"
import { dropPreemptive } from "./Speech.ts"
import { endUtterance } from "./Utterance.ts"

/** Both are silent: asks once, and in the end says goodbye. */
export const startIdle = (draft: Draft): void => {
  const { active, farewell, heldUntil = -Infinity, idleSince = draft.at, isIdlePrompted, transferring, utterance, voice } = draft.state
  if (active !== undefined || utterance !== undefined || voice.isOn || transferring !== undefined) return
  if (farewell !== undefined) return awaitSilence(draft, farewell)
  const { after, hangUpAfter } = draft.settings.idle
  // Who has asked to wait is asked at the end of the wait, and has from there what others have.
  draft.state.idleSince = Math.max(idleSince, heldUntil - after)
  // One or the other: both would speak at once after a long noise.
  if (isIdlePrompted) startTimer(draft, "idleHangUp", Math.max(draft.at, draft.state.idleSince + hangUpAfter))
  else startTimer(draft, "idle", Math.max(draft.at, draft.state.idleSince + after))
}

export const awaitSilence = (draft: Draft, farewell: Farewell.Farewell): void => {
  const { utterance, voice } = draft.state
  startTimer(draft, "hangUp", Farewell.due(farewell, draft.at, voice.isOn || utterance !== undefined))
}

/** "Goodbye" to the agent's own goodbye, or into it. Who answers a line for the silent has words to say. */
export const isFarewellReturned = (draft: Draft, text: string): boolean => {
  const { active, farewell } = draft.state
  return (active?.hangUp ?? farewell?.reason) === "goodbye" && draft.phrases.isClosing(text)
}

/** The caller is answered instead. */
export const takeBackFarewell = (draft: Draft): void => {
  if (draft.state.farewell === undefined) return
  delete draft.state.farewell
  draft.state.answeredFarewells++
  cancelTimer(draft, "hangUp")
}

export const hangUp = (draft: Draft, reason: string): void => {
  endCall(draft, reason)
  order(draft, { _tag: "HangUp", reason })
}

export const hungUp = (draft: Draft): void => {
  const { active } = draft.state
  if (active !== undefined) {
    const heard = Words.join(active.heard, PlaybackLedger.divide(active.segments, draft.at).heard)
    order(draft, { _tag: "CancelReply", reply: active.id })
    finishReply(draft, active, heard)
  }
  endCall(draft, "callerHungUp")
}

export const endCall = (draft: Draft, reason: string): void => {
  if (draft.state.utterance !== undefined) endUtterance(draft, draft.state.utterance)
  dropPreemptive(draft)
  if (draft.state.filler !== undefined) order(draft, { _tag: "CancelReply", reply: draft.state.filler.id })
  delete draft.state.filler
  for (const timer of Object.keys(draft.state.timers) as Array<Timer>) cancelTimer(draft, timer)
  tell(draft, draft.state.nextReply, { _tag: "Ended", reason })
  draft.state.isEnded = true
}
