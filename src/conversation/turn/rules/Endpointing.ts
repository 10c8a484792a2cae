/**
 * Decides when the caller's turn is over. This depends on the length of the pause, on the words, and on whether the caller is dictating.
 */
import * as Words from "../../../definition/languages/Words.ts"
import type { Transcript } from "../../ports/SpeechToText.ts"
import { type Draft, cancelTimer, startTimer, publishTrouble } from "../Draft.ts"
import * as FillerChoice from "../judgements/FillerChoice.ts"
import * as RetryWorth from "../judgements/RetryWorth.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"
import * as Dictation from "../words/Dictation.ts"
import { apologise, interruptWith } from "./AgentTurn.ts"
import { startFillerTimer } from "./Filler.ts"
import { mustBeHeard } from "./Greeting.ts"
import { partFailed, partsKnown } from "./LongSpeech.ts"
import { resumeReply } from "./Playback.ts"
import { beginPreemptive, decideTurn, isOnHold } from "./TurnEnd.ts"
import { endUtterance, transcribe } from "./Utterance.ts"

/** The transcript has come. The words shorten or lengthen the pause that ends the turn. */
export const transcribed = (draft: Draft, id: number, attempt: number, transcript: Transcript): void => {
  const { parts, utterance } = draft.state
  const part = SpeechParts.find(parts, id, attempt)
  if (part !== undefined) return partsKnown(draft, SpeechParts.withWords(parts, part, transcript.text))
  if (utterance === undefined || utterance.id !== id || utterance.attempt !== attempt || !utterance.isTranscribing) return
  const { complete, silence, trailing } = draft.settings.endpointing
  const usual = transcript.ending === "complete" ? complete : transcript.ending === "trailing" ? trailing : silence
  const dictation = dictationSilence(draft, transcript)
  const endpointAfter = Math.max(usual, dictation)
  // A transcript that comes after the endpoint may show that the caller is dictating. Then the turn is not over.
  const isOver = utterance.isOver && (draft.state.voice.isOn || dictation === 0 || draft.at >= utterance.stoppedAt + endpointAfter)
  const transcribedUtterance = { ...utterance, transcript, transcribedAt: draft.at, isTranscribing: false, isOver, endpointAfter }
  draft.state.utterance = transcribedUtterance
  if (transcribedUtterance.isOver) return decideTurn(draft, transcribedUtterance, transcript)
  if (draft.state.active === undefined) cancelTimer(draft, "filler")
  startTimer(draft, "endpoint", Math.max(draft.at, transcribedUtterance.stoppedAt + endpointAfter))
  beginPreemptive(draft, transcribedUtterance, transcript)
}

/** A failed transcript is requested once more. After a second failure the agent answers earlier words of the turn, or apologises. */
export const transcriptionFailed = (draft: Draft, id: number, attempt: number, failure: RetryWorth.Failure): void => {
  const { active, parts, utterance } = draft.state
  const part = SpeechParts.find(parts, id, attempt)
  if (part !== undefined) return partFailed(draft, part, failure.reason)
  if (utterance === undefined || utterance.id !== id || utterance.attempt !== attempt || !utterance.isTranscribing) return
  publishTrouble(draft, "speechToText", failure.reason)
  if (!utterance.isRetried && RetryWorth.isWorthwhile(failure)) {
    draft.state.utterance = { ...utterance, isRetried: true, isTranscribing: false }
    return transcribe(draft)
  }
  if (parts.length > 0) {
    // Earlier parts are still being transcribed, and their words will be answered.
    draft.state.utterance = { ...utterance, transcript: { text: "", ending: "unknown" }, isTranscribing: false, isOver: true }
    return
  }
  endUtterance(draft, utterance)
  // Earlier words of the turn are answered after the greeting.
  if (active !== undefined && mustBeHeard(draft, active)) return
  if (draft.state.unanswered.length > 0) interruptWith(draft, draft.state.unanswered)
  else if (active !== undefined) return resumeReply(draft, active)
  apologise(draft)
}

/** The silence (ms) that ends the turn while the caller is dictating. 0: the caller is not dictating. */
const dictationSilence = (draft: Draft, { text }: Transcript): number => {
  const { endpointing: { dictation = 0 }, language = "en", region, script } = draft.settings
  if (dictation === 0) return 0
  const { active, history, unanswered } = draft.state
  const question = active?.heard || (history.findLast(({ role }) => role === "agent")?.text ?? "")
  const asked = { question, needs: script?.intents.flatMap(({ needs }) => needs) ?? [] }
  return Dictation.of(language, region).isInProgress(Words.join(unanswered, text), asked) ? dictation : 0
}

/** The pause was long enough. The turn ends now, or waits for the transcript. */
export const endpointReached = (draft: Draft): void => {
  const { utterance } = draft.state
  if (utterance === undefined) return
  if (utterance.transcript !== undefined) return decideTurn(draft, utterance, utterance.transcript)
  // A key or a short endpoint may end the turn before the transcript was requested.
  cancelTimer(draft, "speculate")
  draft.state.utterance = { ...utterance, isOver: true }
  if (!utterance.isTranscribing) transcribe(draft)
  const { active, digits, unanswered, wasFillerSaid } = draft.state
  const hadFiller = utterance.wasFillerSaid === true || (unanswered.length > 0 && wasFillerSaid)
  if (active === undefined && digits.length === 0 && !hadFiller && !isOnHold(draft) && FillerChoice.isSpeech(utterance)) {
    startFillerTimer(draft, utterance.stoppedAt)
  }
}
