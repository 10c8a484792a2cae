/**
 * A reply on its way to the voice: begun, spoken piece by piece, pressed as keys, released to the line.
 */
import * as ClauseChunker from "../../speak/ClauseChunker.ts"
import * as SpeechTextFilter from "../../speak/SpeechTextFilter.ts"
import { type Draft, keepReply, order, tell } from "../Draft.ts"
import { markMoment } from "../Latency.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { SpeechKind } from "../TurnEvent.ts"
import type { Reply } from "../TurnState.ts"

export const newReply = (draft: Draft, reply: Pick<Reply, "line" | "request" | "since" | "hangUp"> & Partial<Pick<Reply, "isFinal" | "moments" | "isRetried">>): Reply => {
  return {
    isFinal: false,
    isHeld: false,
    isMediaSent: false,
    isTextDone: false,
    text: ClauseChunker.begin(draft.settings.language),
    segments: [],
    nextSegment: 0,
    heard: "",
    digits: "",
    isRetried: false,
    isSpeechRetried: false,
    isMeasured: false,
    moments: {},
    ...reply,
    id: draft.state.nextReply++
  }
}

export const startModel = (draft: Draft, reply: Reply): void => {
  if (reply.request !== undefined) order(draft, { _tag: "StartReply", reply: reply.id, request: reply.request })
}

export const dropPreemptive = (draft: Draft): void => {
  const { speculation } = draft.state
  if (speculation === undefined) return
  if (speculation.isRefused !== true) order(draft, { _tag: "CancelReply", reply: speculation.id })
  delete draft.state.speculation
}

/** Says a piece behind what is said already; one that is interrupted keeps it for later. */
export const speakPiece = (draft: Draft, reply: Reply, piece: string, kind: SpeechKind = "reply"): Reply => {
  const text = SpeechTextFilter.toSpeech(piece)
  if (!/[\p{L}\p{N}]/u.test(text)) return reply
  if (reply.rest !== undefined) return keepReply(draft, { ...reply, rest: [...reply.rest, text] })
  const begun = markMoment(draft, reply, "firstClause")
  const segment = PlaybackLedger.segment(begun.nextSegment, text)
  order(draft, { _tag: "Speak", reply: reply.id, segment: segment.id, text, kind })
  if (reply.id === draft.state.active?.id) tell(draft, reply.id, { _tag: "AgentSays", text })
  return keepReply(draft, { ...begun, segments: [...begun.segments, segment], nextSegment: segment.id + 1 })
}

export const speakAgain = (draft: Draft, reply: Reply, text: string): Reply => {
  if (text.length === 0) return reply
  const segment = PlaybackLedger.segment(reply.nextSegment, text)
  order(draft, { _tag: "Speak", reply: reply.id, segment: segment.id, text, kind: reply.line === undefined ? "reply" : "line" })
  return keepReply(draft, { ...reply, segments: [...reply.segments, segment], nextSegment: segment.id + 1 })
}

/** Presses the keys behind what is said; a reply that is interrupted keeps them for later. */
export const pressKeys = (draft: Draft, reply: Reply): Reply => {
  const { digits } = reply
  if (digits.length === 0 || reply.rest !== undefined) return reply
  const segment = PlaybackLedger.keys(reply.nextSegment, digits)
  order(draft, { _tag: "Press", reply: reply.id, segment: segment.id, digits })
  if (reply.id === draft.state.active?.id) tell(draft, reply.id, { _tag: "AgentPresses", digits })
  return keepReply(draft, { ...reply, digits: "", segments: [...reply.segments, segment], nextSegment: segment.id + 1 })
}

/** Lets a reply's sound leave, unless it has to wait for the caller or for a filler. */
export const releaseSound = (draft: Draft, reply: Reply): void => {
  const { filler, timers } = draft.state
  if (reply.isHeld || timers.filler !== undefined || (filler !== undefined && !filler.isLeft)) return
  if (draft.state.released === reply.id) return
  draft.state.released = reply.id
  order(draft, { _tag: "Release", reply: reply.id })
}
