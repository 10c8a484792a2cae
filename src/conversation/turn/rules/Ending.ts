/**
 * The rules for silence and for the end of the call. The call ends after the agent's last words, or when one side hangs up.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, addCommand, startTimer, publish } from "../Draft.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { Timer } from "../TurnEvent.ts"
import * as Farewell from "../judgements/Farewell.ts"
import { finishReply } from "./Playback.ts"
import { dropPreemptive } from "./Speech.ts"
import { endUtterance } from "./Utterance.ts"

/** If both sides are silent, starts a timer: for the agent's question whether the caller is there, or for the agent's goodbye. */
export const startIdle = (draft: Draft): void => {
  const { active, farewell, idleSince = draft.at, isIdlePrompted, onHoldUntil = -Infinity, transferring, utterance, voice } = draft.state
  if (active !== undefined || utterance !== undefined || voice.isOn || transferring !== undefined) return
  if (farewell !== undefined) return awaitSilence(draft, farewell)
  const { after, hangUpAfter } = draft.settings.idle
  // If the caller asked the agent to wait, the question comes at the end of the wait. The time between question and goodbye is the usual one.
  draft.state.idleSince = Math.max(idleSince, onHoldUntil - after)
  // Only one of the two timers runs. After a long noise both would be due at once.
  if (isIdlePrompted) startTimer(draft, "idleHangUp", Math.max(draft.at, draft.state.idleSince + hangUpAfter))
  else startTimer(draft, "idle", Math.max(draft.at, draft.state.idleSince + after))
}

/** Stops the timers that `startIdle` starts, because one side is active. */
export const stopIdle = (draft: Draft): void => {
  cancelTimer(draft, "idle")
  cancelTimer(draft, "idleHangUp")
}

/** Forgets earlier silence, because the caller was active. */
export const resetIdle = (draft: Draft): void => {
  delete draft.state.idleSince
  draft.state.isIdlePrompted = false
}

/** Starts the timer that ends the call after the agent's goodbye, when both sides are silent. */
export const awaitSilence = (draft: Draft, farewell: Farewell.Farewell): void => {
  const { utterance, voice } = draft.state
  startTimer(draft, "hangUp", Farewell.hangUpAt(farewell, draft.at, voice.isOn || utterance !== undefined))
}

/** Whether the caller answers the agent's goodbye with a goodbye. `false` if the call ends for another reason than a goodbye. */
export const isFarewellReturned = (draft: Draft, text: string): boolean => {
  const { active, farewell } = draft.state
  return (active?.hangUp ?? farewell?.reason) === "goodbye" && draft.phrases.isClosing(text)
}

/** The caller spoke after the agent's goodbye, and gets an answer. So the call does not end. */
export const takeBackFarewell = (draft: Draft): void => {
  if (draft.state.farewell === undefined) return
  delete draft.state.farewell
  draft.state.answeredFarewells++
  cancelTimer(draft, "hangUp")
}

/** The agent ends the call. */
export const hangUp = (draft: Draft, reason: string): void => {
  endCall(draft, reason)
  addCommand(draft, { _tag: "HangUp", reason })
}

/** The media stream has ended. `reason`: `null` if the call may continue. Then no `Ended` is published. */
export const hungUp = (draft: Draft, reason: string | null = "callerHungUp"): void => {
  const { active } = draft.state
  if (active !== undefined) {
    const heard = Words.join(active.heard, PlaybackLedger.divide(active.segments, draft.at).heard)
    addCommand(draft, { _tag: "CancelReply", reply: active.id })
    finishReply(draft, active, heard)
  }
  if (reason === null) stopAll(draft)
  else endCall(draft, reason)
}

/** Stops the utterance, the replies and the timers. After this, events have no effect. */
const stopAll = (draft: Draft): void => {
  if (draft.state.utterance !== undefined) endUtterance(draft, draft.state.utterance)
  dropPreemptive(draft)
  if (draft.state.filler !== undefined) addCommand(draft, { _tag: "CancelReply", reply: draft.state.filler.id })
  delete draft.state.filler
  for (const timer of Object.keys(draft.state.timers) as Array<Timer>) cancelTimer(draft, timer)
  draft.state.isEnded = true
}

/** The call is over. */
export const endCall = (draft: Draft, reason: string): void => {
  stopAll(draft)
  publish(draft, draft.state.nextReplyId, { _tag: "Ended", reason })
}
