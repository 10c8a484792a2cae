/**
 * Divides long speech of the caller into parts, so that no request for a transcript has too much sound.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, addCommand, publishTrouble } from "../Draft.ts"
import type { Utterance } from "../TurnState.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"
import { settleFinished } from "./AfterReply.ts"
import { hangUp, isFarewellReturned, takeBackFarewell } from "./Ending.ts"
import { resumeReply } from "./Playback.ts"
import { dropPreemptive } from "./Speech.ts"
import { beginPreemptive, decideTurn } from "./TurnEnd.ts"
import { cancelTranscription, newUtterance, transcribe } from "./Utterance.ts"

/** The caller has spoken for too long without a gap, so the part ends here. During a pause the endpoint decides instead. */
export const speaksTooLong = (draft: Draft): void => {
  const { utterance, voice } = draft.state
  if (utterance === undefined || !voice.isOn) return
  endPart(draft, utterance, draft.at)
}

/** Ends the call after a goodbye, unless the caller may be speaking to the agent. */
export const hangUpDue = (draft: Draft): void => {
  const { farewell, parts, utterance, voice } = draft.state
  if (farewell === undefined) return
  if (utterance === undefined) return hangUp(draft, farewell.reason)
  // If the voice does not stop, the transcript so far shows whether somebody speaks to the agent. During a pause the endpoint comes soon.
  if (voice.isOn && parts.length === 0) endPart(draft, utterance, draft.at)
}

/**
 * Ends a part. If the turn has lasted too long, ends the turn. `at`: when the next part begins. `since`: when the gap between the two parts
 * began. Unset: there is no gap.
 */
export const endPart = (draft: Draft, utterance: Utterance, at: number, since?: number): void => {
  for (const timer of ["speculate", "endpoint", "utterance"] as const) cancelTimer(draft, timer)
  dropPreemptive(draft)
  if (at - utterance.turnStartedAt < SpeechParts.maxTurnMillis) return takePart(draft, utterance, at, since)
  cancelTranscription(draft, utterance)
  const { transcript: _transcript, ...withoutTranscript } = utterance
  const voicedMillis = utterance.voicedMillis + at - Math.max(draft.state.voice.since, utterance.startedAt)
  draft.state.utterance = { ...withoutTranscript, stoppedAt: at, voicedMillis, isOver: true, isTranscribing: false }
  transcribe(draft)
}

/** Makes the utterance a part of the turn, and begins the next utterance. */
const takePart = (draft: Draft, utterance: Utterance, at: number, since?: number): void => {
  const { id, isRetried, isTranscribing, transcript, turnStartedAt } = utterance
  const isRequested = isTranscribing || transcript !== undefined
  const attempt = utterance.attempt + (isRequested ? 0 : 1)
  if (!isRequested) addCommand(draft, { _tag: "Transcribe", utterance: id, attempt })
  const next = newUtterance(draft, at, turnStartedAt)
  addCommand(draft, { _tag: "BeginUtterance", utterance: next, after: id, ...(since === undefined ? {} : { since }) })
  const part = { utterance: id, attempt, isRetried }
  const parts = [...draft.state.parts, part]
  draft.state.parts = parts
  if (transcript !== undefined) partsKnown(draft, SpeechParts.withWords(parts, part, transcript.text))
}

/** A failed transcript of a part is requested once more. After a second failure the part's words are lost. */
export const partFailed = (draft: Draft, part: SpeechParts.Part, reason: string): void => {
  publishTrouble(draft, "speechToText", reason)
  const { again, parts } = SpeechParts.afterFailure(draft.state.parts, part)
  if (again === undefined) return partsKnown(draft, parts)
  draft.state.parts = parts
  addCommand(draft, { _tag: "Transcribe", utterance: again.utterance, attempt: again.attempt })
}

/** The words of a part are known, or lost. If the words of all parts are known, the turn is decided, or its preemptive reply begins. */
export const partsKnown = (draft: Draft, known: ReadonlyArray<SpeechParts.Part>): void => {
  const { parts, text } = SpeechParts.takeKnown(known)
  for (const { utterance } of known.slice(0, known.length - parts.length)) addCommand(draft, { _tag: "EndUtterance", utterance })
  draft.state.parts = parts
  draft.state.unanswered = Words.join(draft.state.unanswered, text)
  if (parts.length > 0) return
  const { active, farewell, unanswered, utterance } = draft.state
  if (farewell !== undefined && utterance?.isOver !== true) {
    // After a goodbye the words show whether somebody speaks to the agent.
    if (unanswered.length === 0 || isFarewellReturned(draft, unanswered)) return hangUp(draft, farewell.reason)
    takeBackFarewell(draft)
  }
  // If no part has words, the voice was only a long noise, and the stopped reply continues.
  if (unanswered.length === 0 && active !== undefined && active.phase._tag !== "Playing") {
    resumeReply(draft, active)
    // The caller may have heard all of the reply. Then `settleFinished` runs before the turn is decided.
    settleFinished(draft)
  }
  if (utterance?.transcript === undefined) return
  if (utterance.isOver) decideTurn(draft, utterance, utterance.transcript)
  else beginPreemptive(draft, utterance, utterance.transcript)
}
