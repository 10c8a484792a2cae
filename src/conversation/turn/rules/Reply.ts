/**
 * What comes of a reply that was asked for: its text, its end, its failures.
 */
import * as Words from "../../../definition/languages/Words.ts"
import * as ClauseChunker from "../../speak/ClauseChunker.ts"
import { type Draft, keepReply, order, trouble } from "../Draft.ts"
import { markMoment } from "../Latency.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { TurnEvent } from "../TurnEvent.ts"
import type { Reply } from "../TurnState.ts"
import * as RetryWorth from "../judgements/RetryWorth.ts"
import { apologise, maxFailures } from "./AgentTurn.ts"
import { hangUp } from "./Ending.ts"
import { finishIfHeard, finishReply } from "./Playback.ts"
import { dropPreemptive, newReply, pressKeys, releaseSound, speakAgain, speakPiece, startModel } from "./Speech.ts"

export const replyText = (draft: Draft, reply: Reply, text: string): void => {
  if (reply.isTextDone) return
  const begun = markMoment(draft, reply, "firstText")
  const [pieces, chunker] = ClauseChunker.push(begun.text, text)
  let next = keepReply(draft, { ...begun, text: chunker })
  for (const piece of pieces) next = speakPiece(draft, next, piece)
}

export const replyDone = (draft: Draft, reply: Reply): void => {
  if (reply.isTextDone) return
  let next = keepReply(draft, { ...reply, isTextDone: true, text: ClauseChunker.empty })
  for (const piece of ClauseChunker.flush(reply.text)) next = speakPiece(draft, next, piece)
  next = pressKeys(draft, next)
  if (next.segments.length === 0 && next.id === draft.state.active?.id) finishIfHeard(draft, next)
}

export const replyFailed = (draft: Draft, reply: Reply, failure: RetryWorth.Failure): void => {
  if (reply.isTextDone) return
  trouble(draft, "replyModel", failure.reason)
  if (reply.id === draft.state.speculation?.id) return preemptiveFailed(draft, reply, failure)
  if (reply.segments.length > 0 || reply.heard.length > 0 || reply.rest !== undefined) {
    return breakOff(draft, { ...reply, text: ClauseChunker.empty })
  }
  order(draft, { _tag: "CancelReply", reply: reply.id })
  delete draft.state.active
  if (reply.isRetried || !RetryWorth.isOfUse(failure)) return apologise(draft)
  const again = newReply(draft, { request: reply.request, since: reply.since, moments: reply.moments, isRetried: true })
  draft.state.active = { ...again, isHeld: reply.isHeld }
  startModel(draft, again)
  releaseSound(draft, draft.state.active)
}

/** It is asked for again when the turn is over, unless that would be the same in vain. */
const preemptiveFailed = (draft: Draft, reply: Reply, failure: RetryWorth.Failure): void => {
  if (RetryWorth.isOfUse(failure)) return dropPreemptive(draft)
  order(draft, { _tag: "CancelReply", reply: reply.id })
  keepReply(draft, { ...reply, isTextDone: true, isRefused: true })
}

/** The rest of a reply is lost: it says so behind what it has said. */
const breakOff = (draft: Draft, { hangUp: _hangUp, transfer: _transfer, ...reply }: Reply): void => {
  draft.state.failures++
  const isLast = draft.state.failures >= maxFailures
  const next = keepReply(draft, { ...reply, digits: "", isTextDone: true, isBroken: true, ...(isLast ? { hangUp: "engineFailed", isFinal: true } : {}) })
  speakPiece(draft, next, draft.settings.lines[isLast ? "failure" : "apology"], "line")
}

export const speechFailed = (draft: Draft, reply: Reply, event: Extract<TurnEvent, { readonly _tag: "SpeechFailed" }>): void => {
  const index = reply.segments.findIndex((piece) => piece.id === event.segment)
  if (index < 0) return
  trouble(draft, "textToSpeech", event.reason)
  if (reply.id === draft.state.speculation?.id) return preemptiveFailed(draft, reply, event)
  const lost = reply.segments.slice(index)
  order(draft, { _tag: "StopSpeech", reply: reply.id, from: event.segment })
  const kept = { ...reply, segments: reply.segments.slice(0, index) }
  if (!event.hadSound && !reply.isSpeechRetried && RetryWorth.isOfUse(event)) {
    const digits = PlaybackLedger.unpressed(lost, draft.at)
    let next = keepReply(draft, { ...kept, digits, isSpeechRetried: true })
    for (const { text } of lost) next = speakAgain(draft, next, text)
    pressKeys(draft, next)
    return
  }
  if (reply.line === undefined && !reply.isFinal) {
    return breakOff(draft, { ...kept, isSpeechRetried: false, text: ClauseChunker.empty })
  }
  // Not even a fixed line can be said.
  order(draft, { _tag: "CancelReply", reply: reply.id })
  finishReply(draft, kept, Words.join(kept.heard, PlaybackLedger.divide(kept.segments, draft.at).heard))
  if (reply.isFinal || reply.hangUp !== undefined) hangUp(draft, "engineFailed")
  else apologise(draft)
}
