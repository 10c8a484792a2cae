/**
 * When is the caller's turn over: by the pause, by the words, and by whether something is being dictated.
 */
import * as Words from "../../../definition/languages/Words.ts"
import type { Transcript } from "../../ports/SpeechToText.ts"
import { type Draft, cancelTimer, startTimer, trouble } from "../Draft.ts"
import * as FillerChoice from "../judgements/FillerChoice.ts"
import * as RetryWorth from "../judgements/RetryWorth.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"
import * as Dictation from "../words/Dictation.ts"
import { apologise, interruptWith } from "./AgentTurn.ts"
import { startFiller } from "./Filler.ts"
import { mustBeHeard } from "./Greeting.ts"
import { partFailed, partsHeard } from "./LongSpeech.ts"
import { goOn } from "./Playback.ts"
import { beginPreemptive, decideTurn, isOnHold } from "./TurnEnd.ts"
import { endUtterance, transcribe } from "./Utterance.ts"

export const transcribed = (draft: Draft, id: number, attempt: number, transcript: Transcript): void => {
  const { parts, utterance } = draft.state
  const part = SpeechParts.find(parts, id, attempt)
  if (part !== undefined) return partsHeard(draft, SpeechParts.heard(parts, part, transcript.text))
  if (utterance === undefined || utterance.id !== id || utterance.attempt !== attempt || !utterance.isTranscribing) return
  const { complete, silence, trailing } = draft.settings.endpointing
  const usual = transcript.ending === "complete" ? complete : transcript.ending === "trailing" ? trailing : silence
  const dictation = dictationDue(draft, transcript)
  const due = Math.max(usual, dictation)
  // A transcript that comes late tells that the pause was none.
  const isOver = utterance.isOver && (draft.state.voice.isOn || dictation === 0 || draft.at >= utterance.stoppedAt + due)
  const heard = { ...utterance, transcript, transcribedAt: draft.at, isTranscribing: false, isOver, due }
  draft.state.utterance = heard
  if (heard.isOver) return decideTurn(draft, heard, transcript)
  if (draft.state.active === undefined) cancelTimer(draft, "filler")
  startTimer(draft, "endpoint", Math.max(draft.at, heard.stoppedAt + due))
  beginPreemptive(draft, heard, transcript)
}

export const transcriptionFailed = (draft: Draft, id: number, attempt: number, failure: RetryWorth.Failure): void => {
  const { active, parts, utterance } = draft.state
  const part = SpeechParts.find(parts, id, attempt)
  if (part !== undefined) return partFailed(draft, part, failure.reason)
  if (utterance === undefined || utterance.id !== id || utterance.attempt !== attempt || !utterance.isTranscribing) return
  trouble(draft, "speechToText", failure.reason)
  if (!utterance.isRetried && RetryWorth.isOfUse(failure)) {
    draft.state.utterance = { ...utterance, isRetried: true, isTranscribing: false }
    return transcribe(draft)
  }
  if (parts.length > 0) {
    // The words of the parts before are on their way, and are answered.
    draft.state.utterance = { ...utterance, transcript: { text: "", ending: "unknown" }, isTranscribing: false, isOver: true }
    return
  }
  endUtterance(draft, utterance)
  // What was said before is answered behind the greeting.
  if (active !== undefined && mustBeHeard(draft, active)) return
  if (draft.state.carry.length > 0) interruptWith(draft, draft.state.carry)
  else if (active !== undefined) return goOn(draft, active)
  apologise(draft)
}

/** How long the silence is after which somebody who dictates has ended, ms; 0 for others. */
const dictationDue = (draft: Draft, { text }: Transcript): number => {
  const { endpointing: { dictation = 0 }, language = "en", region, script } = draft.settings
  if (dictation === 0) return 0
  const { active, carry, history } = draft.state
  const question = active?.heard || (history.findLast(({ role }) => role === "agent")?.text ?? "")
  const asked = { question, needs: script?.intents.flatMap(({ needs }) => needs) ?? [] }
  return Dictation.of(language, region).isInProgress(Words.join(carry, text), asked) ? dictation : 0
}

export const endpointReached = (draft: Draft): void => {
  const { utterance } = draft.state
  if (utterance === undefined) return
  if (utterance.transcript !== undefined) return decideTurn(draft, utterance, utterance.transcript)
  // A key, or a short pause, may end the turn before the words were asked for.
  cancelTimer(draft, "speculate")
  draft.state.utterance = { ...utterance, isOver: true }
  if (!utterance.isTranscribing) transcribe(draft)
  const { active, carry, digits, isFilled } = draft.state
  const hadFiller = utterance.isFilled === true || (carry.length > 0 && isFilled)
  if (active === undefined && digits.length === 0 && !hadFiller && !isOnHold(draft) && FillerChoice.isSpeech(utterance)) {
    startFiller(draft, utterance.stoppedAt)
  }
}
