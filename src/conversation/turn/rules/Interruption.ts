/**
 * The caller's voice begins an utterance. If the voice lasts long enough or has words, it stops the agent (barge-in).
 */
import * as Words from "../../../definition/languages/Words.ts"
import type { ReplyRequest } from "../../ports/ReplyModel.ts"
import { type Draft, cancelTimer, updateReply, addCommand, startTimer, publish } from "../Draft.ts"
import { publishTimes } from "../Latency.ts"
import { held, isMediaSent, type ReplyState } from "../ReplyState.ts"
import type { TurnState } from "../TurnState.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"
import { awaitSilence, startIdle, stopIdle } from "./Ending.ts"
import { cutFiller } from "./Filler.ts"
import { mustBeHeard } from "./Greeting.ts"
import { endPart } from "./LongSpeech.ts"
import { finishReply, pauseReply, releaseHeld } from "./Playback.ts"
import { abandonReply, dropPreemptive } from "./Speech.ts"
import { cancelTranscription, newUtterance } from "./Utterance.ts"

/** Whether the agent no longer answers the caller: its line is final, its goodbye is final, or the call is being transferred. */
export const isPastAnswering = ({ state: { active, farewell, transferring } }: Draft): boolean =>
  active?.isFinal === true || transferring !== undefined || farewell?.mayBeAnswered === false

/** The caller's voice started. `since`: when the first voiced sample came. */
export const voiceStarted = (draft: Draft, since: number): void => {
  const { active, utterance } = draft.state
  draft.state.voice = { isOn: true, since }
  if (draft.state.farewell !== undefined) awaitSilence(draft, draft.state.farewell)
  if (isPastAnswering(draft)) return
  stopIdle(draft)
  if (utterance === undefined) {
    addCommand(draft, { _tag: "BeginUtterance", utterance: newUtterance(draft, since, since) })
  } else if (since - utterance.startedAt >= SpeechParts.partAtGapMillis) {
    endPart(draft, utterance, since, utterance.stoppedAt)
  } else {
    cancelTimer(draft, "speculate")
    cancelTimer(draft, "endpoint")
    if (active === undefined) cancelTimer(draft, "filler")
    cancelTranscription(draft, utterance)
    const { transcript: _transcript, ...withoutTranscript } = utterance
    draft.state.utterance = { ...withoutTranscript, isTranscribing: false, isOver: false }
    dropPreemptive(draft)
  }
  const canBeStopped = active !== undefined && active.phase._tag === "Playing" && !mustBeHeard(draft, active)
  if (canBeStopped && !isMediaSent(active)) {
    updateReply(draft, { ...active, phase: held })
    delete draft.state.releasedReplyId
    addCommand(draft, { _tag: "Hold", reply: active.id })
  }
  if (canBeStopped || draft.state.filler !== undefined) {
    startTimer(draft, "bargeIn", since + draft.settings.interruption.minSpeech)
  }
}

/** The caller's voice stopped. `since`: when the last voiced sample came. */
export const voiceStopped = (draft: Draft, since: number): void => {
  const { active, timers, utterance, voice } = draft.state
  if (!voice.isOn) return
  draft.state.voice = { isOn: false, since: voice.since }
  const wasShort = timers.bargeIn !== undefined
  cancelTimer(draft, "bargeIn")
  if (wasShort && active !== undefined) releaseHeld(draft, active)
  if (utterance === undefined) {
    if (active === undefined) startIdle(draft)
    return
  }
  if (utterance.isOver) return
  const { silence, speculate } = draft.settings.endpointing
  const voicedMillis = utterance.voicedMillis + since - Math.max(voice.since, utterance.startedAt)
  draft.state.utterance = { ...utterance, stoppedAt: since, voicedMillis, endpointAfter: silence }
  startTimer(draft, "speculate", since + speculate)
  startTimer(draft, "endpoint", since + silence)
}

/** A partial transcript. Its words show earlier than the length of the voice whether the caller wants to stop the agent. */
export const partialTranscript = (draft: Draft, id: number, text: string): void => {
  const { active, timers, utterance, voice } = draft.state
  if (utterance === undefined || utterance.id !== id || utterance.partial === text) return
  draft.state.utterance = { ...utterance, partial: text }
  const words = Words.plain(text)
  if (words.length === 0) return
  publish(draft, draft.state.nextReplyId, { _tag: "CallerSays", text })
  if (!voice.isOn || timers.bargeIn === undefined) return
  if (draft.phrases.backchannels.has(words) || (active?.line === "greeting" && draft.phrases.isBareGreeting(text, false))) {
    // These words alone do not stop the agent. Further words stop it, and so does a voice that lasts longer.
    startTimer(draft, "bargeIn", draft.at + draft.settings.interruption.minSpeech)
  } else {
    cancelTimer(draft, "bargeIn")
    bargeIn(draft)
  }
}

/** Partial transcripts are wanted while the voice may stop the agent. `before`: the state before this event. */
export const wantWords = (draft: Draft, before: TurnState): void => {
  const isWanted = draft.state.timers.bargeIn !== undefined
  if (isWanted !== (before.timers.bargeIn !== undefined)) addCommand(draft, { _tag: "WantWords", isWanted })
}

/** The voice has lasted long enough or has words, so the caller wants to stop the agent. */
export const bargeIn = (draft: Draft): void => {
  const { active, filler, voice } = draft.state
  if (!voice.isOn || active?.isFinal === true || (active !== undefined && mustBeHeard(draft, active))) return
  if (filler !== undefined && (active === undefined || !isMediaSent(active))) {
    cutFiller(draft)
    publish(draft, active?.id ?? filler.id, { _tag: "BargeIn", clearAfter: draft.at - voice.since })
  }
  if (active === undefined || active.phase._tag === "Interrupted") return
  if (isMediaSent(active)) {
    pauseReply(draft, active)
    publish(draft, active.id, { _tag: "BargeIn", clearAfter: draft.at - voice.since })
  } else if (active.request !== undefined) {
    reopenTurn(draft, active, active.request)
  } else if (active.line !== "greeting") {
    addCommand(draft, { _tag: "CancelReply", reply: active.id })
    finishReply(draft, active, "")
    draft.state.wasAskedAgain = false
  }
  // A greeting that was not heard yet stays held, because it is the answer to the caller's first words.
}

/** The caller continues the turn before hearing any of the answer. So the caller's words are moved from the history back to the turn. */
const reopenTurn = (draft: Draft, active: ReplyState, request: ReplyRequest): void => {
  abandonReply(draft, active)
  cancelTimer(draft, "filler")
  publishTimes(draft, active)
  delete draft.state.active
  draft.state.dialogue = request.state
  const last = draft.state.history.at(-1)
  if (last?.role !== "caller") return
  draft.state.history = draft.state.history.slice(0, -1)
  draft.state.unheardGreeting = last.unheard
  draft.state.unanswered = Words.join(last.text, draft.state.unanswered)
}
