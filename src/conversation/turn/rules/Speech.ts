/**
 * The steps of a reply on its way to the caller: begin the reply, speak its pieces, press its keys, release its sound, abandon the reply.
 */
import * as ClauseChunker from "../../speak/ClauseChunker.ts"
import * as SpeechTextFilter from "../../speak/SpeechTextFilter.ts"
import { type Draft, updateReply, addCommand, publish } from "../Draft.ts"
import { noteMoment } from "../Latency.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { ReplyState } from "../ReplyState.ts"
import type { SpeechKind } from "../TurnCommand.ts"

/** A reply with a new number. It is not in the state yet. */
export const newReply = (
  draft: Draft,
  reply: Pick<ReplyState, "phase" | "line" | "request" | "times" | "hangUp"> & Partial<Pick<ReplyState, "isFinal" | "isModelRetried">>
): ReplyState => ({
  isFinal: false,
  isTextDone: false,
  chunker: ClauseChunker.begin(draft.settings.language),
  segments: [],
  nextSegmentId: 0,
  heard: "",
  digits: "",
  isModelRetried: false,
  isSpeechRetried: false,
  isBroken: false,
  ...reply,
  id: draft.state.nextReplyId++
})

/** Asks the model for the reply. A fixed line needs no model. */
export const startModel = (draft: Draft, reply: ReplyState): void => {
  if (reply.request !== undefined) addCommand(draft, { _tag: "StartReply", reply: reply.id, request: reply.request })
}

/** The caller's turn is over, so the reply may call tools with side effects. */
export const settleReply = (draft: Draft, reply: ReplyState): void => addCommand(draft, { _tag: "SettleReply", reply: reply.id })

/** Ends a reply of which the caller has heard nothing. */
export const abandonReply = (draft: Draft, reply: ReplyState): void => {
  addCommand(draft, { _tag: "CancelReply", reply: reply.id })
  addCommand(draft, { _tag: "ForgetReply", reply: reply.id })
}

/** Drops the preemptive reply, because the caller continues or the agent says other words. */
export const dropPreemptive = (draft: Draft): void => {
  const { preemptive } = draft.state
  if (preemptive === undefined) return
  if (!hasFailed(preemptive)) abandonReply(draft, preemptive)
  delete draft.state.preemptive
}

/** Whether a request of the preemptive reply failed and a second one is not worthwhile. */
export const hasFailed = ({ phase }: ReplyState): boolean => phase._tag === "Preemptive" && phase.hasFailed

/** Says a piece after the reply's earlier pieces. An interrupted reply keeps the piece for later. */
export const speakPiece = (draft: Draft, reply: ReplyState, piece: string, kind: SpeechKind = "reply"): ReplyState => {
  const text = SpeechTextFilter.toSpeech(piece)
  if (!/[\p{L}\p{N}]/u.test(text)) return reply
  if (reply.phase._tag === "Interrupted") {
    return updateReply(draft, { ...reply, phase: { ...reply.phase, unheard: [...reply.phase.unheard, text] } })
  }
  const begun = noteMoment(draft, reply, "firstClause")
  const segment = PlaybackLedger.wordSegment(begun.nextSegmentId, text)
  addCommand(draft, { _tag: "Speak", reply: reply.id, segment: segment.id, text, kind })
  if (reply.id === draft.state.active?.id) publish(draft, reply.id, { _tag: "AgentSays", text })
  return updateReply(draft, { ...begun, segments: [...begun.segments, segment], nextSegmentId: segment.id + 1 })
}

/** Requests speech again for words that were lost or interrupted. These words were published before. */
export const speakAgain = (draft: Draft, reply: ReplyState, text: string): ReplyState => {
  if (text.length === 0) return reply
  const segment = PlaybackLedger.wordSegment(reply.nextSegmentId, text)
  addCommand(draft, { _tag: "Speak", reply: reply.id, segment: segment.id, text, kind: reply.line === undefined ? "reply" : "line" })
  return updateReply(draft, { ...reply, segments: [...reply.segments, segment], nextSegmentId: segment.id + 1 })
}

/** Presses the reply's keys after its words. An interrupted reply keeps the keys for later. */
export const pressKeys = (draft: Draft, reply: ReplyState): ReplyState => {
  const { digits } = reply
  if (digits.length === 0 || reply.phase._tag === "Interrupted") return reply
  const segment = PlaybackLedger.keySegment(reply.nextSegmentId, digits)
  addCommand(draft, { _tag: "Press", reply: reply.id, segment: segment.id, digits })
  if (reply.id === draft.state.active?.id) publish(draft, reply.id, { _tag: "AgentPresses", digits })
  return updateReply(draft, { ...reply, digits: "", segments: [...reply.segments, segment], nextSegmentId: segment.id + 1 })
}

/** Lets a playing reply's sound leave, unless the sound must wait for a filler. */
export const releaseSound = (draft: Draft, reply: ReplyState): void => {
  const { filler, releasedReplyId, timers } = draft.state
  if (reply.phase._tag !== "Playing" || timers.filler !== undefined || (filler !== undefined && !filler.hasLeft)) return
  if (releasedReplyId === reply.id) return
  draft.state.releasedReplyId = reply.id
  addCommand(draft, { _tag: "Release", reply: reply.id })
}
