/**
 * The steps of the caller's utterance: begin, transcribe and end it.
 */
import { type Draft, cancelTimer, addCommand, startTimer } from "../Draft.ts"
import type { Utterance } from "../TurnState.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"

/** Begins an utterance in the state and returns its number. The calling rule adds the command `BeginUtterance`. */
export const newUtterance = (draft: Draft, startedAt: number, turnStartedAt: number): number => {
  const id = draft.state.nextUtteranceId++
  const begun = { id, attempt: 0, isTranscribing: false, isOver: false, isRetried: false, endpointAfter: 0 }
  draft.state.utterance = { ...begun, startedAt, stoppedAt: startedAt, turnStartedAt, voicedMillis: 0 }
  startTimer(draft, "utterance", startedAt + SpeechParts.maxPartMillis)
  return id
}

/** Requests a transcript of all sound so far. */
export const transcribe = (draft: Draft): void => {
  const { utterance } = draft.state
  if (utterance === undefined) return
  const attempt = utterance.attempt + 1
  draft.state.utterance = { ...utterance, attempt, isTranscribing: true }
  addCommand(draft, { _tag: "Transcribe", utterance: utterance.id, attempt })
}

export const cancelTranscription = (draft: Draft, utterance: Utterance): void => {
  if (utterance.isTranscribing) {
    addCommand(draft, { _tag: "CancelTranscription", utterance: utterance.id, attempt: utterance.attempt })
  }
}

/** Ends the utterance and the earlier parts of its turn. */
export const endUtterance = (draft: Draft, utterance: Utterance): void => {
  cancelTranscription(draft, utterance)
  for (const timer of ["speculate", "endpoint", "utterance"] as const) cancelTimer(draft, timer)
  for (const part of draft.state.parts) addCommand(draft, { _tag: "EndUtterance", utterance: part.utterance })
  addCommand(draft, { _tag: "EndUtterance", utterance: utterance.id })
  draft.state.parts = []
  draft.state.callerSpoke = { startedAt: utterance.turnStartedAt, endedAt: utterance.stoppedAt }
  delete draft.state.utterance
}
