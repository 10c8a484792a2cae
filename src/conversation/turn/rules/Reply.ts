/**
 * Handles the reports of engines about a reply: its text, its end and its failures. A failed request is repeated once, if it has given no
 * result yet. Otherwise the agent apologises.
 */
import * as Words from "../../../definition/languages/Words.ts"
import * as ClauseChunker from "../../speak/ClauseChunker.ts"
import { type Draft, updateReply, addCommand, publishTrouble } from "../Draft.ts"
import { noteMoment } from "../Latency.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import { held, playing, type ReplyState, unheardOf } from "../ReplyState.ts"
import type { TurnEvent } from "../TurnEvent.ts"
import * as RetryWorth from "../judgements/RetryWorth.ts"
import { apologise, maxFailuresInRow } from "./AgentTurn.ts"
import { hangUp } from "./Ending.ts"
import { finishIfHeard, finishReply } from "./Playback.ts"
import { abandonReply, dropPreemptive, newReply, pressKeys, releaseSound, settleReply, speakAgain, speakPiece, startModel } from "./Speech.ts"

/** The model wrote more text. Whole clauses go to speech synthesis. */
export const replyText = (draft: Draft, reply: ReplyState, text: string): void => {
  if (reply.isTextDone) return
  const begun = noteMoment(draft, reply, "firstText")
  const [pieces, chunker] = ClauseChunker.push(begun.chunker, text)
  let next = updateReply(draft, { ...begun, chunker })
  for (const piece of pieces) next = speakPiece(draft, next, piece)
}

/** The model has written all text. The remaining text goes to speech synthesis, and the keys follow. */
export const replyDone = (draft: Draft, reply: ReplyState): void => {
  if (reply.isTextDone) return
  let next = updateReply(draft, { ...reply, isTextDone: true, chunker: ClauseChunker.empty })
  for (const piece of ClauseChunker.flush(reply.chunker)) next = speakPiece(draft, next, piece)
  next = pressKeys(draft, next)
  // The reply's last words may have been heard already.
  finishIfHeard(draft, next)
}

export const replyFailed = (draft: Draft, reply: ReplyState, failure: RetryWorth.Failure): void => {
  if (reply.isTextDone) return
  publishTrouble(draft, "replyModel", failure.reason)
  if (reply.id === draft.state.preemptive?.id) return preemptiveFailed(draft, reply, failure)
  if (reply.segments.length > 0 || reply.heard.length > 0 || unheardOf(reply) !== undefined) {
    return breakOff(draft, { ...reply, chunker: ClauseChunker.empty })
  }
  abandonReply(draft, reply)
  delete draft.state.active
  if (reply.isModelRetried || !RetryWorth.isWorthwhile(failure)) return apologise(draft)
  const phase = reply.phase._tag === "Held" ? held : playing
  const secondReply = newReply(draft, { phase, request: reply.request, times: reply.times, isModelRetried: true })
  draft.state.active = secondReply
  startModel(draft, secondReply)
  settleReply(draft, secondReply)
  releaseSound(draft, secondReply)
}

/** Drops the reply, so that it is requested again when the turn is over. If a second request is not worthwhile, the reply is kept as failed. */
const preemptiveFailed = (draft: Draft, reply: ReplyState, failure: RetryWorth.Failure): void => {
  if (RetryWorth.isWorthwhile(failure)) return dropPreemptive(draft)
  abandonReply(draft, reply)
  updateReply(draft, { ...reply, phase: { _tag: "Preemptive", hasFailed: true }, isTextDone: true })
}

/** The rest of a reply is lost. After the words so far, the agent apologises. */
const breakOff = (draft: Draft, { hangUp: _hangUp, transfer: _transfer, ...reply }: ReplyState): void => {
  draft.state.failuresInRow++
  const isLast = draft.state.failuresInRow >= maxFailuresInRow
  const next = updateReply(draft, { ...reply, digits: "", isTextDone: true, isBroken: true, ...(isLast ? { hangUp: "engineFailed", isFinal: true } : {}) })
  speakPiece(draft, next, draft.settings.lines[isLast ? "failure" : "apology"], "line")
}

/** Speech synthesis of a segment failed. Segments are made in order, so the later segments have no speech either. */
export const speechFailed = (draft: Draft, reply: ReplyState, event: Extract<TurnEvent, { readonly _tag: "SpeechFailed" }>): void => {
  const index = reply.segments.findIndex((segment) => segment.id === event.segment)
  if (index < 0) return
  publishTrouble(draft, "textToSpeech", event.reason)
  if (reply.id === draft.state.preemptive?.id) return preemptiveFailed(draft, reply, event)
  const lost = reply.segments.slice(index)
  addCommand(draft, { _tag: "StopSpeech", reply: reply.id, from: event.segment })
  const spoken = { ...reply, segments: reply.segments.slice(0, index) }
  if (!event.hadSound && !reply.isSpeechRetried && RetryWorth.isWorthwhile(event)) {
    const digits = PlaybackLedger.unpressedKeys(lost, draft.at) + reply.digits
    let next = updateReply(draft, { ...spoken, digits, isSpeechRetried: true })
    for (const { text } of lost) next = speakAgain(draft, next, text)
    // The model may still be writing. Then the keys follow its last words.
    if (next.isTextDone) pressKeys(draft, next)
    return
  }
  if (reply.line === undefined && !reply.isFinal) {
    return breakOff(draft, { ...spoken, isSpeechRetried: false, chunker: ClauseChunker.empty })
  }
  // A fixed line or final words can't be said.
  addCommand(draft, { _tag: "CancelReply", reply: reply.id })
  finishReply(draft, spoken, Words.join(spoken.heard, PlaybackLedger.divide(spoken.segments, draft.at).heard))
  if (reply.isFinal || reply.hangUp !== undefined) hangUp(draft, "engineFailed")
  else apologise(draft)
}
