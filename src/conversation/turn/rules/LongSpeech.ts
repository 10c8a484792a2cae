/**
 * A caller who speaks for long is understood in parts, so that the sound of a transcript stays bounded.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, order, trouble } from "../Draft.ts"
import type { Utterance } from "../TurnState.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"
import { hangUp, isFarewellReturned, takeBackFarewell } from "./Ending.ts"
import { goOn } from "./Playback.ts"
import { dropPreemptive } from "./Speech.ts"
import { beginPreemptive, decideTurn } from "./TurnEnd.ts"
import { cancelTranscription, newUtterance, transcribe } from "./Utterance.ts"

/** Without a gap: a part ends here, and in the end the turn does. In a pause `endpointReached` decides. */
export const speaksTooLong = (draft: Draft): void => {
  const { utterance, voice } = draft.state
  if (utterance === undefined || !voice.isOn) return
  endPart(draft, utterance, draft.at)
}

/** The voice goes on at `at`. `since`: the end of the part's last word, where it is known. */
export const endPart = (draft: Draft, utterance: Utterance, at: number, since?: number): void => {
  for (const timer of ["speculate", "endpoint", "utterance"] as const) cancelTimer(draft, timer)
  dropPreemptive(draft)
  if (at - utterance.turnSince < SpeechParts.maxTurn) return takePart(draft, utterance, at, since)
  cancelTranscription(draft, utterance)
  const { transcript: _transcript, ...rest } = utterance
  const voicedMillis = utterance.voicedMillis + at - Math.max(draft.state.voice.since, utterance.startedAt)
  draft.state.utterance = { ...rest, stoppedAt: at, voicedMillis, isOver: true, isTranscribing: false }
  transcribe(draft)
}

/** What was said so far is a part of the turn, which goes on. */
const takePart = (draft: Draft, utterance: Utterance, at: number, since?: number): void => {
  const { id, isRetried, isTranscribing, transcript, turnSince } = utterance
  const isAsked = isTranscribing || transcript !== undefined
  const attempt = utterance.attempt + (isAsked ? 0 : 1)
  if (!isAsked) order(draft, { _tag: "Transcribe", utterance: id, attempt })
  const next = newUtterance(draft, at, turnSince)
  order(draft, { _tag: "BeginUtterance", utterance: next, after: id, ...(since === undefined ? {} : { since }) })
  const part = { utterance: id, attempt, isRetried }
  const parts = [...draft.state.parts, part]
  draft.state.parts = parts
  if (transcript !== undefined) partsHeard(draft, SpeechParts.heard(parts, part, transcript.text))
}

export const partFailed = (draft: Draft, part: SpeechParts.Part, reason: string): void => {
  trouble(draft, "speechToText", reason)
  const { again, parts } = SpeechParts.failed(draft.state.parts, part)
  if (again === undefined) return partsHeard(draft, parts)
  draft.state.parts = parts
  order(draft, { _tag: "Transcribe", utterance: again.utterance, attempt: again.attempt })
}

export const partsHeard = (draft: Draft, heard: ReadonlyArray<SpeechParts.Part>): void => {
  const { parts, text } = SpeechParts.settle(heard)
  for (const { utterance } of heard.slice(0, heard.length - parts.length)) order(draft, { _tag: "EndUtterance", utterance })
  draft.state.parts = parts
  draft.state.carry = Words.join(draft.state.carry, text)
  if (parts.length > 0) return
  const { active, utterance } = draft.state
  if (draft.state.farewell !== undefined && utterance?.isOver !== true) {
    // It is asked for behind a goodbye, to learn whether somebody speaks to us.
    if (draft.state.carry.length === 0 || isFarewellReturned(draft, draft.state.carry)) return hangUp(draft, draft.state.farewell.reason)
    takeBackFarewell(draft)
  }
  // A long noise: what it has stopped goes on.
  if (draft.state.carry.length === 0 && active !== undefined && (active.isHeld || active.rest !== undefined)) goOn(draft, active)
  if (utterance?.transcript === undefined) return
  if (utterance.isOver) decideTurn(draft, utterance, utterance.transcript)
  else beginPreemptive(draft, utterance, utterance.transcript)
}
