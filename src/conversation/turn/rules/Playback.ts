/**
 * What of a reply the caller hears: its sound leaves, its marks come back, it is paused, resumed or finished.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, keepReply, order, startTimer, tell } from "../Draft.ts"
import { remember, unheardOf } from "../History.ts"
import { markMoment, tellTimes } from "../Latency.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { Reply } from "../TurnState.ts"
import { cutFiller, dropFiller } from "./Filler.ts"
import { dropPreemptive, pressKeys, releaseSound, speakAgain } from "./Speech.ts"

/** A mark that is later than this (ms) is taken to have come back. */
export const markGrace = 5000

export const speechBegan = (draft: Draft, reply: Reply, id: number): void => {
  const isNext = reply.segments.find((piece) => !piece.isHeard)?.id === id
  const marked = markMoment(draft, reply, "firstSound")
  // All before it was heard: nothing keeps it from being played at once.
  const begun = isNext && marked.isMediaSent
    ? keepReply(draft, { ...marked, segments: marked.segments.map((piece) => piece.id === id ? { ...piece, playedFrom: draft.at } : piece) })
    : marked
  if (begun.id !== draft.state.active?.id) return
  cancelTimer(draft, "filler")
  const { filler } = draft.state
  // Slower than what it was to wait for.
  if (filler !== undefined && !filler.hasSound) cutFiller(draft)
  releaseSound(draft, begun)
}

export const mediaSent = (draft: Draft, reply: Reply, id: number): void => {
  if (!reply.segments.some((piece) => piece.id === id)) return
  // What has left behind a filler is played behind it.
  const { duration = 0, playedFrom = draft.at } = draft.state.filler ?? {}
  const from = Math.max(draft.at, playedFrom + duration)
  const segments = reply.segments.map((piece) => piece.id === id ? { ...piece, playedFrom: from } : piece)
  expectMarks(draft, keepReply(draft, { ...markMoment(draft, reply, "firstMedia"), isMediaSent: true, segments }))
}

export const speechEnded = (draft: Draft, reply: Reply, id: number, duration: number): void => {
  const next = keepReply(draft, {
    ...reply,
    segments: reply.segments.map((piece) => piece.id === id ? { ...piece, duration } : piece)
  })
  if (next.id === draft.state.active?.id) expectMarks(draft, next)
}

export const markReturned = (draft: Draft, reply: Reply, id: number): void => {
  if (!reply.segments.some((piece) => piece.id === id)) return
  // Marks come back in order: what was before the reply is over.
  if (draft.state.filler !== undefined) dropFiller(draft, draft.state.filler)
  const upTo = reply.segments.slice(0, reply.segments.findIndex((piece) => piece.id === id) + 1)
  const length = upTo.reduce((sum, piece) => sum + PlaybackLedger.durationOf(piece), 0)
  const marked = markMoment(draft, markMoment(draft, reply, "firstMark"), "heard", draft.at - length)
  const next = tellTimes(draft, keepReply(draft, { ...marked, segments: PlaybackLedger.confirm(marked.segments, id, draft.at) }))
  finishIfHeard(draft, next)
  if (draft.state.active?.id === next.id) expectMarks(draft, next)
}

/** A mark that does not come back must not hold up the call. */
const expectMarks = (draft: Draft, reply: Reply): void => {
  const waiting = reply.segments.filter((piece) => !piece.isHeard && piece.duration !== undefined)
  if (waiting.length === 0) return cancelTimer(draft, "playback")
  const length = waiting.reduce((sum, piece) => sum + PlaybackLedger.durationOf(piece), 0)
  startTimer(draft, "playback", draft.at + length + markGrace)
}

export const marksAreLate = (draft: Draft): void => {
  const { active } = draft.state
  const last = active?.segments.findLast((piece) => piece.duration !== undefined)
  if (active === undefined || last === undefined || active.isHeld || active.rest !== undefined) return
  markReturned(draft, active, last.id)
}

export const finishIfHeard = (draft: Draft, reply: Reply): void => {
  const isHeard = reply.isTextDone && reply.rest === undefined && reply.segments.every((piece) => piece.isHeard)
  if (!isHeard || reply.id !== draft.state.active?.id) return
  cancelTimer(draft, "bargeIn")
  finishReply(draft, reply, Words.join(reply.heard, ...reply.segments.map((piece) => piece.text)), true)
  if (reply.line === undefined && reply.isBroken !== true) draft.state.failures = 0
  draft.afterReply(draft, reply)
}

/** The reply is over, and this is what the caller heard of it. */
export const finishReply = (draft: Draft, reply: Reply, heard: string, isWhole = false): void => {
  cancelTimer(draft, "playback")
  cancelTimer(draft, "filler")
  tellTimes(draft, reply)
  if (heard.length > 0) remember(draft, "agent", heard)
  tell(draft, reply.id, { _tag: "AgentHeard", text: Words.join(reply.remembered ?? "", heard), isWhole })
  if (draft.state.active?.id === reply.id) delete draft.state.active
}

/** Stops what is being said, for now: the reply keeps what was not heard. */
export const pauseReply = (draft: Draft, active: Reply): Reply => {
  const { heard, rest } = PlaybackLedger.divide(active.segments, draft.at)
  const { filler } = draft.state
  cancelTimer(draft, "playback")
  order(draft, { _tag: "StopSpeech", reply: active.id, from: 0 })
  if (filler === undefined) order(draft, { _tag: "Clear" })
  else cutFiller(draft)
  return keepReply(draft, {
    ...active,
    digits: PlaybackLedger.unpressed(active.segments, draft.at) + active.digits,
    heard: Words.join(active.heard, heard),
    rest,
    segments: [],
    isMediaSent: false
  })
}

/** Stops what is being said, for good. */
export const interruptReply = (draft: Draft, active: Reply): void => {
  const stopped = active.rest === undefined && active.isMediaSent ? pauseReply(draft, active) : active
  if (stopped !== active && draft.state.voice.since > 0) {
    tell(draft, active.id, { _tag: "BargeIn", clearAfter: draft.at - draft.state.voice.since })
  }
  order(draft, { _tag: "CancelReply", reply: active.id })
  finishReply(draft, stopped, stopped.heard)
  draft.state.unheard = unheardOf(stopped) ?? draft.state.unheard
}

/** It was no interruption: the agent says the rest. */
export const goOn = (draft: Draft, active: Reply): void => {
  dropPreemptive(draft)
  if (active.isHeld) letGo(draft, active)
  if (active.rest === undefined) return
  const { rest, ...reply } = active
  let next = keepReply(draft, reply)
  for (const text of rest) next = speakAgain(draft, next, text)
  if (next.isTextDone) next = pressKeys(draft, next)
  tell(draft, active.id, { _tag: "Resumed" })
  finishIfHeard(draft, next)
}

export const letGo = (draft: Draft, active: Reply): void => {
  const next = keepReply(draft, { ...active, isHeld: false })
  releaseSound(draft, next)
  // What has waited until now is not late.
  expectMarks(draft, next)
}
