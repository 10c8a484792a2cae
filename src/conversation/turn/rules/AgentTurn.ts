/**
 * The agent takes the turn: with an answer to what the caller said, or with a fixed line.
 */
import type { Lines } from "../../../definition/AgentDefinition.ts"
import { type Draft, cancelTimer, tell } from "../Draft.ts"
import { callerSaid, requestFor } from "../History.ts"
import type { Utterance } from "../TurnState.ts"
import { takeBackFarewell } from "./Ending.ts"
import { awaitSound, cutFiller } from "./Filler.ts"
import { finishIfHeard, interruptReply } from "./Playback.ts"
import { dropPreemptive, newReply, releaseSound, speakPiece, startModel } from "./Speech.ts"

/** Failures in a row after which the call is ended. */
export const maxFailures = 3

/** The agent's turn begins; what was said is settled. */
export const commit = (draft: Draft, texts: ReadonlyArray<string>, utterance: Utterance | undefined): void => {
  const { active } = draft.state
  if (active !== undefined) interruptReply(draft, active)
  const wasFilled = utterance?.isFilled === true
  takeBackFarewell(draft)
  if (!wasFilled) cutFiller(draft)
  cancelTimer(draft, "filler")
  // What was reopened is the same turn still.
  if (draft.state.carry.length === 0) draft.state.isFilled = wasFilled
  delete draft.state.heldUntil
  const since = utterance?.stoppedAt ?? draft.at
  const id = draft.state.speculation?.id ?? draft.state.nextReply
  // Asked for before the words are in the history: the request adds them itself.
  const request = requestFor(draft, texts)
  for (const text of texts) callerSaid(draft, id, text)
  draft.state.carry = ""
  draft.state.digits = ""
  draft.state.areDigitsDue = false
  cancelTimer(draft, "digits")
  delete draft.state.idleSince
  draft.state.isIdlePrompted = false
  draft.state.isAskedAgain = false

  const moments = {
    due: since + (utterance?.due ?? 0),
    endpoint: draft.at,
    ...(utterance?.transcribedAt === undefined ? {} : { transcript: utterance.transcribedAt })
  }
  // Keys alone are no question, and what nobody understood needs no thought.
  const isFillable = utterance !== undefined && texts.some((text) => /\p{L}/u.test(text))
  const { speculation } = draft.state
  delete draft.state.speculation
  if (speculation?.isRefused === true) return apologise(draft)
  if (speculation === undefined) {
    const reply = newReply(draft, { request, since, moments })
    draft.state.active = reply
    startModel(draft, reply)
    if (isFillable) awaitSound(draft, reply)
    releaseSound(draft, reply)
    return
  }
  const reply = { ...speculation, moments: { ...speculation.moments, ...moments } }
  draft.state.active = reply
  if (reply.dialogue !== undefined) draft.state.dialogue = reply.dialogue.state
  for (const { digits, text } of reply.segments) {
    tell(draft, reply.id, digits === undefined ? { _tag: "AgentSays", text } : { _tag: "AgentPresses", digits })
  }
  if (isFillable) awaitSound(draft, reply)
  releaseSound(draft, reply)
  finishIfHeard(draft, reply)
}

/** A fixed line has the turn. */
export const sayLine = (draft: Draft, line: keyof Lines, end?: { readonly hangUp: string; readonly isFinal: boolean }): void => {
  const { active } = draft.state
  if (active !== undefined) interruptReply(draft, active)
  takeBackFarewell(draft)
  dropPreemptive(draft)
  cancelTimer(draft, "idle")
  cancelTimer(draft, "idleHangUp")
  cancelTimer(draft, "filler")
  draft.state.isAskedAgain = line === "notUnderstood"
  const reply = newReply(draft, { line, ...end })
  draft.state.active = { ...reply, isTextDone: true }
  speakPiece(draft, draft.state.active, draft.settings.lines[line] ?? draft.settings.lines.apology, "line")
  releaseSound(draft, draft.state.active)
  if (draft.state.active !== undefined) finishIfHeard(draft, draft.state.active)
}

export const apologise = (draft: Draft): void => {
  draft.state.failures++
  if (draft.state.failures >= maxFailures) sayLine(draft, "failure", { hangUp: "engineFailed", isFinal: true })
  else sayLine(draft, "apology")
}

/** Stops what is being said, for good; behind what was heard of it stand the caller's words. */
export const interruptWith = (draft: Draft, words: string): void => {
  const { active } = draft.state
  if (active !== undefined) interruptReply(draft, active)
  callerSaid(draft, draft.state.nextReply, words)
  draft.state.carry = ""
}
