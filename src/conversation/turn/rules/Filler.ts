/**
 * A short line while the answer is late. It is no reply, and nothing of it is remembered.
 */
import { type Draft, cancelTimer, order, startTimer, tell, trouble } from "../Draft.ts"
import type { TurnEvent } from "../TurnEvent.ts"
import type { Filler, Reply } from "../TurnState.ts"
import * as FillerChoice from "../judgements/FillerChoice.ts"
import { releaseSound } from "./Speech.ts"

/** Until its first sound the reply is kept back, so that none of it can be before the filler. */
export const awaitSound = (draft: Draft, reply: Reply): void => {
  if (reply.moments.firstSound === undefined && reply.since !== undefined && !draft.state.isFilled) startFiller(draft, reply.since)
}

/** `since`: the caller's last voiced sample. */
export const startFiller = (draft: Draft, since: number): void => {
  const { fillers } = draft.settings
  if (fillers === undefined || fillers.lines.length === 0) return
  startTimer(draft, "filler", FillerChoice.dueAt(fillers, since, draft.at))
}

export const sayFiller = (draft: Draft): void => {
  const { active, filler, nextFiller, utterance, voice } = draft.state
  const { fillers } = draft.settings
  if (filler !== undefined) return filler.hasSound ? undefined : dropFiller(draft, filler)
  if (fillers === undefined) return
  // Either a reply is late, or the words that it is to answer.
  const isQuiet = !voice.isOn && (active === undefined ? utterance?.isOver === true : utterance === undefined && !active.isHeld)
  const place = isQuiet ? FillerChoice.next(fillers, nextFiller, draft.state.lastFiller) : undefined
  if (place === undefined) {
    // Of a single line every other one is left out.
    if (isQuiet) delete draft.state.lastFiller
    return active === undefined ? undefined : releaseSound(draft, active)
  }
  const text = fillers.lines[place]
  const id = draft.state.nextReply++
  draft.state.nextFiller = (place + 1) % fillers.lines.length
  draft.state.lastFiller = text
  draft.state.isFilled = true
  if (utterance !== undefined) draft.state.utterance = { ...utterance, isFilled: true }
  draft.state.filler = { id, hasSound: false, isLeft: false }
  order(draft, { _tag: "Speak", reply: id, segment: 0, text, kind: "filler" })
  order(draft, { _tag: "Release", reply: id })
  tell(draft, active?.id ?? draft.state.nextReply, { _tag: "AgentFills", text })
  startTimer(draft, "filler", draft.at + FillerChoice.longestMaking)
}

export const onFiller = (draft: Draft, filler: Filler, event: TurnEvent): void => {
  switch (event._tag) {
    case "SpeechBegan":
      cancelTimer(draft, "filler")
      draft.state.filler = { ...filler, hasSound: true }
      return
    case "MediaSent":
      draft.state.filler = { ...filler, playedFrom: draft.at }
      return
    case "SpeechEnded":
      draft.state.filler = { ...filler, duration: event.duration }
      return
    case "FillerLeft":
      draft.state.filler = { ...filler, isLeft: true }
      if (draft.state.active !== undefined) releaseSound(draft, draft.state.active)
      return
    case "SpeechFailed":
      trouble(draft, "textToSpeech", event.reason)
      return dropFiller(draft, filler)
    case "MarkReturned":
      return dropFiller(draft, filler)
  }
}

/** It was heard, or never will be. */
export const dropFiller = (draft: Draft, filler: Filler): void => {
  cancelTimer(draft, "filler")
  order(draft, { _tag: "CancelReply", reply: filler.id })
  delete draft.state.filler
  if (!filler.isLeft && draft.state.active !== undefined) releaseSound(draft, draft.state.active)
}

export const cutFiller = (draft: Draft): void => {
  const { filler } = draft.state
  if (filler === undefined) return
  cancelTimer(draft, "filler")
  order(draft, { _tag: "CancelReply", reply: filler.id })
  delete draft.state.filler
  order(draft, { _tag: "Clear" })
}
