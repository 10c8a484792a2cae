/**
 * Says a filler while the transcript or the reply is late ("One moment, please."). A filler is not a reply, and is not in the history.
 */
import { type Draft, cancelTimer, addCommand, startTimer, publish, publishTrouble } from "../Draft.ts"
import type { ReplyState } from "../ReplyState.ts"
import type { TurnEvent } from "../TurnEvent.ts"
import type { Filler } from "../TurnState.ts"
import * as FillerChoice from "../judgements/FillerChoice.ts"
import { releaseSound } from "./Speech.ts"

/** Starts the timer for a filler, unless the turn had one already or the reply has sound already. */
export const awaitSound = (draft: Draft, { times }: ReplyState): void => {
  if (times !== undefined && times.moments.firstSound === undefined && !draft.state.wasFillerSaid) startFillerTimer(draft, times.since)
}

/** Starts the timer for a filler. `since`: when the caller's last voiced sample came. */
export const startFillerTimer = (draft: Draft, since: number): void => {
  const { fillers } = draft.settings
  if (fillers === undefined || fillers.lines.length === 0) return
  startTimer(draft, "filler", FillerChoice.dueAt(fillers, since, draft.at))
}

/** The wait has lasted long enough for a filler, or the filler's own sound is late. */
export const fillerDue = (draft: Draft): void => {
  const { active, filler, nextFillerIndex, utterance, voice } = draft.state
  const { fillers } = draft.settings
  if (filler !== undefined) return filler.hasSound ? undefined : dropFiller(draft, filler)
  if (fillers === undefined) return
  // Either the reply is late, or the transcript before it.
  const isWaiting = !voice.isOn &&
    (active === undefined ? utterance?.isOver === true : utterance === undefined && active.phase._tag !== "Held")
  const index = isWaiting ? FillerChoice.next(fillers, nextFillerIndex, draft.state.lastFillerLine) : undefined
  if (index === undefined) {
    // If there is only one line, it is left out this time, and may be said the next time.
    if (isWaiting) delete draft.state.lastFillerLine
    return active === undefined ? undefined : releaseSound(draft, active)
  }
  sayFiller(draft, fillers.lines[index])
  draft.state.nextFillerIndex = (index + 1) % fillers.lines.length
}

const sayFiller = (draft: Draft, text: string): void => {
  const { active, utterance } = draft.state
  const id = draft.state.nextReplyId++
  draft.state.lastFillerLine = text
  draft.state.wasFillerSaid = true
  if (utterance !== undefined) draft.state.utterance = { ...utterance, wasFillerSaid: true }
  draft.state.filler = { id, hasSound: false, hasLeft: false }
  addCommand(draft, { _tag: "Speak", reply: id, segment: 0, text, kind: "filler" })
  addCommand(draft, { _tag: "Release", reply: id })
  publish(draft, active?.id ?? draft.state.nextReplyId, { _tag: "AgentFills", text })
  startTimer(draft, "filler", draft.at + FillerChoice.maxSynthesisMillis)
}

/** Applies an event about the filler's sound. */
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
      draft.state.filler = { ...filler, hasLeft: true }
      if (draft.state.active !== undefined) releaseSound(draft, draft.state.active)
      return
    case "SpeechFailed":
      publishTrouble(draft, "textToSpeech", event.reason)
      return dropFiller(draft, filler)
    case "MarkReturned":
      return dropFiller(draft, filler)
  }
}

/** The caller has heard the filler, or will never hear it. */
export const dropFiller = (draft: Draft, filler: Filler): void => {
  cancelTimer(draft, "filler")
  addCommand(draft, { _tag: "CancelReply", reply: filler.id })
  delete draft.state.filler
  if (!filler.hasLeft && draft.state.active !== undefined) releaseSound(draft, draft.state.active)
}

/** Stops the filler while it may be playing. */
export const cutFiller = (draft: Draft): void => {
  const { filler } = draft.state
  if (filler === undefined) return
  cancelTimer(draft, "filler")
  addCommand(draft, { _tag: "CancelReply", reply: filler.id })
  delete draft.state.filler
  addCommand(draft, { _tag: "Clear" })
}
