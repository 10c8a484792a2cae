/**
 * The caller's utterance as the turn has it: begun, transcribed, ended.
 */
import { type Draft, cancelTimer, order, startTimer } from "../Draft.ts"
import type { Utterance } from "../TurnState.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"

export const newUtterance = (draft: Draft, startedAt: number, turnSince: number): number => {
  const id = draft.state.nextUtterance++
  const begun = { id, attempt: 0, isTranscribing: false, isOver: false, isRetried: false, due: 0 }
  draft.state.utterance = { ...begun, startedAt, stoppedAt: startedAt, turnSince, voicedMillis: 0 }
  startTimer(draft, "utterance", startedAt + SpeechParts.maxPart)
  return id
}

export const transcribe = (draft: Draft): void => {
  const { utterance } = draft.state
  if (utterance === undefined) return
  const attempt = utterance.attempt + 1
  draft.state.utterance = { ...utterance, attempt, isTranscribing: true }
  order(draft, { _tag: "Transcribe", utterance: utterance.id, attempt })
}

export const cancelTranscription = (draft: Draft, utterance: Utterance): void => {
  if (utterance.isTranscribing) {
    order(draft, { _tag: "CancelTranscription", utterance: utterance.id, attempt: utterance.attempt })
  }
}

export const endUtterance = (draft: Draft, utterance: Utterance): void => {
  cancelTranscription(draft, utterance)
  for (const timer of ["speculate", "endpoint", "utterance"] as const) cancelTimer(draft, timer)
  for (const { id } of [...draft.state.parts.map((part) => ({ id: part.utterance })), utterance]) {
    order(draft, { _tag: "EndUtterance", utterance: id })
  }
  draft.state.parts = []
  delete draft.state.utterance
}
