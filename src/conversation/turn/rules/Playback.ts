/**
 * Follows how much of a reply the caller hears: sound is sent, marks come back, and the reply is interrupted, resumed or finished.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, updateReply, addCommand, startTimer, publish } from "../Draft.ts"
import { rememberAgent, unheardGreetingOf } from "../History.ts"
import { noteMoment, publishTimes } from "../Latency.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import { isMediaSent, playing, type ReplyState } from "../ReplyState.ts"
import { cutFiller, dropFiller } from "./Filler.ts"
import { dropPreemptive, pressKeys, releaseSound, speakAgain } from "./Speech.ts"

/** If a mark is this late (ms), it counts as returned. */
const markGraceMillis = 5000

/** The first sound of a segment has been made. */
export const speechBegan = (draft: Draft, reply: ReplyState, segmentId: number): void => {
  const isNext = reply.segments.find((segment) => !segment.isHeard)?.id === segmentId
  const noted = noteMoment(draft, reply, "firstSound")
  // If the caller has heard all earlier segments, this segment plays at once.
  const begun = isNext && isMediaSent(noted)
    ? updateReply(draft, { ...noted, segments: PlaybackLedger.change(noted.segments, segmentId, { playedFrom: draft.at }) })
    : noted
  if (begun.id !== draft.state.active?.id) return
  cancelTimer(draft, "filler")
  const { filler } = draft.state
  // The reply is ready before the filler, so the filler is not needed.
  if (filler !== undefined && !filler.hasSound) cutFiller(draft)
  releaseSound(draft, begun)
}

/** The first sound of a segment was sent. */
export const mediaSent = (draft: Draft, reply: ReplyState, segmentId: number): void => {
  if (!reply.segments.some((segment) => segment.id === segmentId)) return
  // If the filler is still playing, the segment plays after the filler.
  const { duration = 0, playedFrom = draft.at } = draft.state.filler ?? {}
  const segments = PlaybackLedger.change(reply.segments, segmentId, { playedFrom: Math.max(draft.at, playedFrom + duration) })
  const noted = noteMoment(draft, reply, "firstMedia")
  const phase = noted.phase._tag === "Playing" || noted.phase._tag === "Held" ? { ...noted.phase, isMediaSent: true } : noted.phase
  expectMarks(draft, updateReply(draft, { ...noted, phase, segments }))
}

/** All sound of a segment has been made. `duration`: ms. */
export const speechEnded = (draft: Draft, reply: ReplyState, segmentId: number, duration: number): void => {
  const next = updateReply(draft, { ...reply, segments: PlaybackLedger.change(reply.segments, segmentId, { duration }) })
  if (next.id === draft.state.active?.id) expectMarks(draft, next)
}

/** The caller has heard a segment and all segments before it. */
export const markReturned = (draft: Draft, reply: ReplyState, segmentId: number): void => {
  const index = reply.segments.findIndex((segment) => segment.id === segmentId)
  if (index < 0) return
  // Marks come back in order, so a filler before the reply is over.
  if (draft.state.filler !== undefined) dropFiller(draft, draft.state.filler)
  const playedMillis = PlaybackLedger.durationOfAll(reply.segments.slice(0, index + 1))
  const noted = noteMoment(draft, noteMoment(draft, reply, "firstMark"), "heard", draft.at - playedMillis)
  const next = publishTimes(draft, updateReply(draft, { ...noted, segments: PlaybackLedger.confirm(noted.segments, segmentId, draft.at) }))
  if (next.id === draft.state.active?.id && !finishIfHeard(draft, next)) expectMarks(draft, next)
}

/** Starts a timer, so that the call does not wait for ever for a mark. */
const expectMarks = (draft: Draft, reply: ReplyState): void => {
  const unheard = reply.segments.filter((segment) => !segment.isHeard && segment.duration !== undefined)
  if (unheard.length === 0) return cancelTimer(draft, "playback")
  startTimer(draft, "playback", draft.at + PlaybackLedger.durationOfAll(unheard) + markGraceMillis)
}

/** The marks did not come back in time. All segments that were made count as heard. */
export const marksAreLate = (draft: Draft): void => {
  const { active } = draft.state
  const last = active?.segments.findLast((segment) => segment.duration !== undefined)
  if (active === undefined || last === undefined || active.phase._tag !== "Playing") return
  markReturned(draft, active, last.id)
}

/** Finishes the active reply if the caller has heard all of it. Returns whether the reply was finished. */
export const finishIfHeard = (draft: Draft, reply: ReplyState): boolean => {
  const isHeard = reply.isTextDone && reply.phase._tag !== "Interrupted" && reply.segments.every((segment) => segment.isHeard)
  if (!isHeard || reply.id !== draft.state.active?.id) return false
  cancelTimer(draft, "bargeIn")
  finishReply(draft, reply, Words.join(reply.heard, ...reply.segments.map((segment) => segment.text)), true)
  if (reply.line === undefined && !reply.isBroken) draft.state.failuresInRow = 0
  draft.state.active = { ...reply, phase: { _tag: "Finished" } }
  return true
}

/** All words of a reply that were heard until `at`, with their times. */
const playedOf = (reply: ReplyState, at: number) => [...reply.played ?? [], ...PlaybackLedger.playedUntil(reply.segments, at)]

/** The reply is over. `heard`: its words that the caller heard and that are not in the history yet. */
export const finishReply = (draft: Draft, reply: ReplyState, heard: string, isWhole = false): void => {
  cancelTimer(draft, "playback")
  cancelTimer(draft, "filler")
  publishTimes(draft, reply)
  if (heard.length > 0) rememberAgent(draft, heard)
  const text = Words.join(reply.remembered ?? "", heard)
  publish(draft, reply.id, { _tag: "AgentHeard", text, isWhole, played: playedOf(reply, draft.at) })
  addCommand(draft, { _tag: "RememberAgentWords", reply: reply.id, text })
  addCommand(draft, { _tag: "ForgetReply", reply: reply.id })
  if (draft.state.active?.id === reply.id) delete draft.state.active
}

/** Stops the reply, so that it can be resumed. The unheard words are kept in the phase `Interrupted`. */
export const pauseReply = (draft: Draft, active: ReplyState): ReplyState => {
  // The notice that the stream was lost is no part of the answer, so it is not repeated.
  const { heard, unheard } = PlaybackLedger.divide(active.segments, draft.at)
  const { filler } = draft.state
  cancelTimer(draft, "playback")
  addCommand(draft, { _tag: "StopSpeech", reply: active.id, from: 0 })
  if (filler === undefined) addCommand(draft, { _tag: "Clear" })
  else cutFiller(draft)
  return updateReply(draft, {
    ...active,
    phase: { _tag: "Interrupted", unheard },
    digits: PlaybackLedger.unpressedKeys(active.segments, draft.at) + active.digits,
    heard: Words.join(active.heard, heard),
    played: playedOf(active, draft.at),
    segments: []
  })
}

/** The caller interrupts the reply. It ends, and can't be resumed. */
export const interruptReply = (draft: Draft, active: ReplyState): void => {
  const isHeardNow = isMediaSent(active)
  const stopped = isHeardNow ? pauseReply(draft, active) : active
  // `since` is 0 until the caller's first voice.
  if (isHeardNow && draft.state.voice.since > 0) {
    publish(draft, active.id, { _tag: "BargeIn", clearAfter: draft.at - draft.state.voice.since })
  }
  endReply(draft, stopped)
}

/** The agent itself stops its reply, for words that can't wait. */
export const stopReply = (draft: Draft, active: ReplyState): void => endReply(draft, isMediaSent(active) ? pauseReply(draft, active) : active)

const endReply = (draft: Draft, stopped: ReplyState): void => {
  addCommand(draft, { _tag: "CancelReply", reply: stopped.id })
  finishReply(draft, stopped, stopped.heard)
  draft.state.unheardGreeting = unheardGreetingOf(stopped) ?? draft.state.unheardGreeting
}

/** The caller's voice was no interruption, so the agent says the rest of the reply. */
export const resumeReply = (draft: Draft, active: ReplyState): void => {
  dropPreemptive(draft)
  if (active.phase._tag === "Held") return releaseHeld(draft, active)
  if (active.phase._tag !== "Interrupted") return
  let next = updateReply(draft, { ...active, phase: playing })
  // A reply may be interrupted while it is held, if some sound left before the hold took effect. Then it is not released yet.
  releaseSound(draft, next)
  for (const text of active.phase.unheard) next = speakAgain(draft, next, text)
  if (next.isTextDone) next = pressKeys(draft, next)
  publish(draft, active.id, { _tag: "Resumed" })
  finishIfHeard(draft, next)
}

/** The caller's voice was short, so the reply that was held plays. */
export const releaseHeld = (draft: Draft, active: ReplyState): void => {
  if (active.phase._tag !== "Held") return
  const next = updateReply(draft, { ...active, phase: { ...active.phase, _tag: "Playing" } })
  releaseSound(draft, next)
  // While the reply was held, its marks could not come back. So the wait for the marks begins now.
  expectMarks(draft, next)
}
