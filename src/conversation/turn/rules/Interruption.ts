/**
 * The caller's voice: it begins an utterance, and stops the agent where it is meant to (barge-in).
 */
import * as Words from "../../../definition/languages/Words.ts"
import type { ReplyRequest } from "../../ports/ReplyModel.ts"
import { type Draft, cancelTimer, keepReply, order, startTimer, tell } from "../Draft.ts"
import { tellTimes } from "../Latency.ts"
import type { Reply } from "../TurnState.ts"
import * as SpeechParts from "../judgements/SpeechParts.ts"
import { awaitSilence, startIdle } from "./Ending.ts"
import { cutFiller } from "./Filler.ts"
import { mustBeHeard } from "./Greeting.ts"
import { endPart } from "./LongSpeech.ts"
import { finishReply, letGo, pauseReply } from "./Playback.ts"
import { dropPreemptive } from "./Speech.ts"
import { cancelTranscription, newUtterance } from "./Utterance.ts"

export const voiceStarted = (draft: Draft, since: number): void => {
  const { active, utterance } = draft.state
  draft.state.voice = { isOn: true, since }
  if (draft.state.farewell !== undefined) awaitSilence(draft, draft.state.farewell)
  if (active?.isFinal === true || draft.state.transferring !== undefined || draft.state.farewell?.mayBeAnswered === false) return
  cancelTimer(draft, "idle")
  cancelTimer(draft, "idleHangUp")
  if (utterance === undefined) {
    order(draft, { _tag: "BeginUtterance", utterance: newUtterance(draft, since, since) })
  } else if (since - utterance.startedAt >= SpeechParts.partAtGap) {
    endPart(draft, utterance, since, utterance.stoppedAt)
  } else {
    cancelTimer(draft, "speculate")
    cancelTimer(draft, "endpoint")
    if (active === undefined) cancelTimer(draft, "filler")
    cancelTranscription(draft, utterance)
    const { transcript: _transcript, ...rest } = utterance
    draft.state.utterance = { ...rest, isTranscribing: false, isOver: false }
    dropPreemptive(draft)
  }
  const isSpoken = active !== undefined && active.rest === undefined && !active.isHeld && !mustBeHeard(draft, active)
  if (isSpoken && !active.isMediaSent) {
    keepReply(draft, { ...active, isHeld: true })
    delete draft.state.released
    order(draft, { _tag: "Hold", reply: active.id })
  }
  if (isSpoken || draft.state.filler !== undefined) {
    startTimer(draft, "bargeIn", since + draft.settings.interruption.minSpeech)
  }
}

export const voiceStopped = (draft: Draft, since: number): void => {
  const { active, utterance, voice } = draft.state
  if (!voice.isOn) return
  draft.state.voice = { isOn: false, since: voice.since }
  const wasShort = draft.state.timers.bargeIn !== undefined
  cancelTimer(draft, "bargeIn")
  if (wasShort && active?.isHeld === true) letGo(draft, active)
  if (utterance === undefined) {
    if (active === undefined) startIdle(draft)
    return
  }
  if (utterance.isOver) return
  const due = draft.settings.endpointing.silence
  draft.state.utterance = { ...utterance, stoppedAt: since, voicedMillis: utterance.voicedMillis + since - Math.max(voice.since, utterance.startedAt), due }
  startTimer(draft, "speculate", since + draft.settings.endpointing.speculate)
  startTimer(draft, "endpoint", since + due)
}

/** Words while the agent speaks tell sooner than the voice alone whether they are meant to stop it. */
export const partial = (draft: Draft, id: number, text: string): void => {
  const { active, timers, utterance, voice } = draft.state
  if (utterance === undefined || utterance.id !== id || utterance.partial === text) return
  draft.state.utterance = { ...utterance, partial: text }
  const words = Words.plain(text)
  if (words.length === 0) return
  tell(draft, draft.state.nextReply, { _tag: "CallerSays", text })
  if (!voice.isOn || timers.bargeIn === undefined) return
  if (draft.phrases.backchannels.has(words) || (active?.line === "greeting" && draft.phrases.isBareGreeting(text, false))) {
    // It may be all. What follows it, or a voice that goes on without, stops the agent as ever.
    startTimer(draft, "bargeIn", draft.at + draft.settings.interruption.minSpeech)
  } else {
    cancelTimer(draft, "bargeIn")
    bargeIn(draft)
  }
}

/** Voice has lasted long enough to be meant for the agent. */
export const bargeIn = (draft: Draft): void => {
  const { active, filler, voice } = draft.state
  if (!voice.isOn || active?.isFinal === true || (active !== undefined && mustBeHeard(draft, active))) return
  if (filler !== undefined && active?.isMediaSent !== true) {
    cutFiller(draft)
    tell(draft, active?.id ?? filler.id, { _tag: "BargeIn", clearAfter: draft.at - voice.since })
  }
  if (active === undefined || active.rest !== undefined) return
  if (active.isMediaSent) {
    pauseReply(draft, active)
    tell(draft, active.id, { _tag: "BargeIn", clearAfter: draft.at - voice.since })
  } else if (active.request !== undefined) {
    reopen(draft, active, active.request)
  } else if (active.line !== "greeting") {
    order(draft, { _tag: "CancelReply", reply: active.id })
    finishReply(draft, active, "")
    draft.state.isAskedAgain = false
  }
  // A greeting that was not heard yet stays held: it will be the answer to what is being said.
}

/** Nothing of the answer was heard: the caller goes on with the same turn. */
const reopen = (draft: Draft, active: Reply, request: ReplyRequest): void => {
  order(draft, { _tag: "CancelReply", reply: active.id })
  cancelTimer(draft, "filler")
  tellTimes(draft, active)
  delete draft.state.active
  draft.state.dialogue = request.state
  const last = draft.state.history.at(-1)
  if (last?.role !== "caller") return
  draft.state.history = draft.state.history.slice(0, -1)
  draft.state.unheard = last.unheard
  draft.state.carry = Words.join(last.text, draft.state.carry)
}
