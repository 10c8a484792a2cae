/**
 * The agent takes the turn: with an answer to the caller's words, or with a fixed line.
 */
import type { Lines } from "../../../definition/AgentDefinition.ts"
import { type Draft, cancelTimer, publish } from "../Draft.ts"
import { rememberCaller, requestFor } from "../History.ts"
import { playing, type ReplyState } from "../ReplyState.ts"
import type { Utterance } from "../TurnState.ts"
import { resetIdle, stopIdle, takeBackFarewell } from "./Ending.ts"
import { awaitSound, cutFiller } from "./Filler.ts"
import { finishIfHeard, interruptReply } from "./Playback.ts"
import { dropPreemptive, hasFailed, newReply, releaseSound, settleReply, speakPiece, startModel } from "./Speech.ts"

/** After this many failures in a row the call is ended. */
export const maxFailuresInRow = 3

/** Answers the words of the caller's finished turn. `utterance`: the last utterance of the turn. Unset: the texts are keys or earlier words. */
export const answerCaller = (draft: Draft, texts: ReadonlyArray<string>, utterance: Utterance | undefined): void => {
  const { active } = draft.state
  if (active !== undefined) interruptReply(draft, active)
  const wasFillerSaid = utterance?.wasFillerSaid === true
  takeBackFarewell(draft)
  if (!wasFillerSaid) cutFiller(draft)
  cancelTimer(draft, "filler")
  // A turn that was reopened may have had its filler already. It gets no second filler.
  if (draft.state.unanswered.length === 0) draft.state.wasFillerSaid = wasFillerSaid
  const { preemptive } = draft.state
  delete draft.state.preemptive
  // `requestFor` adds the words to the history of the request, so it is called before the words are in the history.
  const request = requestFor(draft, texts)
  for (const text of texts) rememberCaller(draft, preemptive?.id ?? draft.state.nextReplyId, text)
  forgetUnanswered(draft)
  if (preemptive !== undefined && hasFailed(preemptive)) return apologise(draft)

  const since = utterance?.stoppedAt ?? draft.at
  const moments = {
    due: since + (utterance?.endpointAfter ?? 0),
    endpoint: draft.at,
    ...(utterance?.transcribedAt === undefined ? {} : { transcript: utterance.transcribedAt })
  }
  const reply = preemptive === undefined
    ? newReply(draft, { phase: playing, request, times: { since, moments, arePublished: false } })
    : { ...preemptive, phase: playing, ...withMoments(preemptive, moments) }
  draft.state.active = reply
  if (preemptive === undefined) startModel(draft, reply)
  settleReply(draft, reply)
  if (preemptive !== undefined) publishWordsSoFar(draft, reply)
  // Keys get no filler, since they are no question. Unintelligible speech gets none, since it is answered at once.
  if (utterance !== undefined && texts.some((text) => /\p{L}/u.test(text))) awaitSound(draft, reply)
  releaseSound(draft, reply)
  finishIfHeard(draft, reply)
}

/** Forgets the caller's unanswered words and keys, because the agent answers them now. */
const forgetUnanswered = (draft: Draft): void => {
  draft.state.unanswered = ""
  draft.state.digits = ""
  draft.state.areDigitsDue = false
  cancelTimer(draft, "digits")
  delete draft.state.onHoldUntil
  resetIdle(draft)
  draft.state.wasAskedAgain = false
}

const withMoments = ({ times }: ReplyState, moments: NonNullable<ReplyState["times"]>["moments"]): Pick<ReplyState, "times"> =>
  times === undefined ? {} : { times: { ...times, moments: { ...times.moments, ...moments } } }

/** A preemptive reply has become the answer. Publishes its words so far, and stores its dialogue state. */
const publishWordsSoFar = (draft: Draft, reply: ReplyState): void => {
  if (reply.dialogue !== undefined) draft.state.dialogue = reply.dialogue.state
  for (const { digits, text } of reply.segments) {
    publish(draft, reply.id, digits === undefined ? { _tag: "AgentSays", text } : { _tag: "AgentPresses", digits })
  }
}

/** The agent says a fixed line. `end`: the call ends after the line, for the reason `hangUp`. A final line can't be interrupted. */
export const sayLine = (draft: Draft, line: keyof Lines, end?: { readonly hangUp: string; readonly isFinal: boolean }): void => {
  const { active } = draft.state
  if (active !== undefined) interruptReply(draft, active)
  takeBackFarewell(draft)
  dropPreemptive(draft)
  stopIdle(draft)
  cancelTimer(draft, "filler")
  draft.state.wasAskedAgain = line === "notUnderstood"
  draft.state.active = { ...newReply(draft, { phase: playing, line, ...end }), isTextDone: true }
  const reply = speakPiece(draft, draft.state.active, draft.settings.lines[line] ?? draft.settings.lines.apology, "line")
  releaseSound(draft, reply)
  finishIfHeard(draft, reply)
}

/** An engine failed. The third failure in a row ends the call. */
export const apologise = (draft: Draft): void => {
  draft.state.failuresInRow++
  if (draft.state.failuresInRow >= maxFailuresInRow) sayLine(draft, "failure", { hangUp: "engineFailed", isFinal: true })
  else sayLine(draft, "apology")
}

/** Ends the active reply. The history gets the heard words of the reply, and then the caller's words. */
export const interruptWith = (draft: Draft, words: string): void => {
  const { active } = draft.state
  if (active !== undefined) interruptReply(draft, active)
  rememberCaller(draft, draft.state.nextReplyId, words)
  draft.state.unanswered = ""
}
