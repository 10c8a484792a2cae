/**
 * Decides who speaks next when the caller's turn is over, and whether a preemptive reply begins in the pause before.
 */
import type { Lines } from "../../../definition/AgentDefinition.ts"
import * as Words from "../../../definition/languages/Words.ts"
import type { Transcript } from "../../ports/SpeechToText.ts"
import { type Draft, cancelTimer } from "../Draft.ts"
import { rememberCaller, requestFor } from "../History.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import { type ReplyState, unheardOf } from "../ReplyState.ts"
import type { Utterance } from "../TurnState.ts"
import * as AskAgain from "../judgements/AskAgain.ts"
import * as HoldRequest from "../words/HoldRequest.ts"
import { answerCaller, interruptWith, sayLine } from "./AgentTurn.ts"
import { isFarewellReturned, resetIdle, startIdle } from "./Ending.ts"
import { answerLater, isGreetedBack, mustBeHeard, resumeAfter } from "./Greeting.ts"
import { resumeReply } from "./Playback.ts"
import { newReply, startModel } from "./Speech.ts"
import { endUtterance } from "./Utterance.ts"

/** While the agent speaks, unintelligible speech up to this length (ms) counts as a backchannel. */
const maxMumbleMillis = 700

/** If the reply is complete and at most this many of its words were not heard yet, a backchannel counts as an answer. */
const maxWordsLeft = 2

/** The turn is over. Decides who speaks next. */
export const decideTurn = (draft: Draft, utterance: Utterance, transcript: Transcript): void => {
  const { active, digits, unanswered } = draft.state
  if (draft.state.parts.length > 0) {
    draft.state.utterance = { ...utterance, transcript, isOver: true, isTranscribing: false }
    return
  }
  if (active === undefined) cancelTimer(draft, "filler")
  endUtterance(draft, utterance)
  const decision = judge(draft, utterance, transcript)
  const countsAsNoise = isNoise(transcript) || decision === "ignore"
  const agentKeepsTurn = active !== undefined && ((countsAsNoise && unanswered.length === 0) || takesNoTurn(draft, active, utterance, transcript))
  if (active !== undefined && mustBeHeard(draft, active)) {
    return answerLater(draft, active, agentKeepsTurn || countsAsNoise || decision === "ask" ? "" : transcript.text)
  }
  if (digits.length > 0 && (draft.state.areDigitsDue || (!countsAsNoise && !agentKeepsTurn))) {
    const words = Words.join(unanswered, agentKeepsTurn ? "" : transcript.text)
    return answerCaller(draft, words.length > 0 || transcript.isUnintelligible === true ? [words, digits] : [digits], utterance)
  }
  // While the caller presses keys, the agent waits for the last key.
  if (agentKeepsTurn) return digits.length > 0 ? undefined : resumeReply(draft, active)
  const words = Words.join(unanswered, transcript.text)
  if (isHoldRequest(draft, words)) return waitForCaller(draft, words, utterance)
  const understoodWords = decision === "ask" ? unanswered : words
  if (active !== undefined && isGreetedBack(draft, active, understoodWords)) return resumeAfter(draft, active, understoodWords)
  if (isFarewellReturned(draft, words)) {
    if (active !== undefined) return resumeAfter(draft, active, words)
    rememberCaller(draft, draft.state.nextReplyId, words)
    draft.state.unanswered = ""
    return startIdle(draft)
  }
  if (decision === "ask" && unanswered.length === 0 && digits.length === 0) {
    return isWaiting(draft) ? keepWaiting(draft) : askAgain(draft, countsAsNoise)
  }
  if (countsAsNoise && unanswered.length === 0) return digits.length > 0 ? undefined : startIdle(draft)
  if (isWaiting(draft) && needsNoAnswerOnHold(draft, transcript)) return keepWaiting(draft)
  answerCaller(draft, [words], utterance)
}

/** Decides whether the caller's words are answered, asked for again, or ignored. */
const judge = (draft: Draft, utterance: Utterance, transcript: Transcript): AskAgain.Decision => {
  const { answersUnintelligible = false, language = "", lines } = draft.settings
  if (lines.notUnderstood === undefined) return isNoise(transcript) ? "ignore" : "answer"
  const { active, history } = draft.state
  const agentSaid = history.findLast(({ role }) => role === "agent")?.text ?? ""
  return AskAgain.decide({
    transcript,
    voicedMillis: utterance.voicedMillis,
    wasAskedAgain: draft.state.wasAskedAgain,
    isInterruption: active !== undefined,
    agentSaid: Words.join(agentSaid, active?.heard ?? ""),
    language,
    backchannels: draft.phrases.backchannels,
    answersUnintelligible
  })
}

const isNoise = (transcript: Transcript): boolean => transcript.text.trim().length === 0 && transcript.isUnintelligible !== true

/** Whether the caller only shows attention. When the reply is nearly over, the same words count as an answer. */
const isBackchannel = (draft: Draft, active: ReplyState, utterance: Utterance, transcript: Transcript): boolean => {
  const isMumble = transcript.isUnintelligible === true && utterance.stoppedAt - utterance.startedAt <= maxMumbleMillis
  if (!isMumble && !draft.phrases.backchannels.has(Words.plain(transcript.text))) return false
  const unheard = unheardOf(active) ?? PlaybackLedger.divide(active.segments, draft.at).unheard
  return !active.isTextDone || Words.count(unheard.join(" ")) > maxWordsLeft
}

/** Whether the caller made only noise or a backchannel while the agent spoke, so that the agent keeps the turn. */
const takesNoTurn = (draft: Draft, active: ReplyState, utterance: Utterance, transcript: Transcript): boolean =>
  draft.state.unanswered.length === 0 && (isNoise(transcript) || isBackchannel(draft, active, utterance, transcript))

/** The caller has pressed the last key. */
export const digitsDue = (draft: Draft): void => {
  const { active, digits, unanswered, utterance } = draft.state
  if (digits.length === 0 && utterance !== undefined) return
  if (digits.length === 0) return active === undefined ? startIdle(draft) : resumeReply(draft, active)
  draft.state.areDigitsDue = true
  if (active !== undefined && mustBeHeard(draft, active)) return
  // If the caller is speaking, the words are answered together with the keys.
  if (utterance === undefined) answerCaller(draft, unanswered.length > 0 ? [unanswered, digits] : [digits], undefined)
}

// -- the caller asks the agent to wait ----------------------------------------------------------

/** Whether the caller asked to wait, and the wait is not over. */
export const isOnHold = (draft: Draft): boolean => (draft.state.onHoldUntil ?? 0) > draft.at

/** Whether the agent waits for the caller, or is still saying that it will wait. */
const isWaiting = (draft: Draft): boolean => {
  const { active } = draft.state
  return isOnHold(draft) && (active === undefined || active.line === "hold")
}

/** Whether words during the wait need no answer: a backchannel, thanks, or unintelligible speech. */
const needsNoAnswerOnHold = (draft: Draft, transcript: Transcript): boolean =>
  draft.state.unanswered.length === 0 &&
  (transcript.isUnintelligible === true || draft.phrases.backchannels.has(Words.plain(transcript.text)) ||
    HoldRequest.isThanks(transcript.text, draft.settings.language ?? "en"))

const keepWaiting = (draft: Draft): void => {
  if (draft.state.active === undefined) startIdle(draft)
  else resumeReply(draft, draft.state.active)
}

const hasLine = (draft: Draft, line: keyof Lines): boolean => (draft.settings.lines[line] ?? "").trim().length > 0

/** Whether the words ask to wait, and the agent's settings allow it. */
export const isHoldRequest = (draft: Draft, words: string): boolean => {
  const { idle: { hold }, language = "en" } = draft.settings
  return hold !== undefined && HoldRequest.isOne(words, language)
}

/** The agent says its line for a wait, or the reply model answers if there is no such line. Then the agent waits. */
export const waitForCaller = (draft: Draft, words: string, utterance: Utterance | undefined): void => {
  if (hasLine(draft, "hold")) {
    interruptWith(draft, words)
    resetIdle(draft)
    sayLine(draft, "hold")
  } else answerCaller(draft, [words], utterance)
  draft.state.onHoldUntil = draft.at + (draft.settings.idle.hold ?? 0)
}

// -- the caller was not understood --------------------------------------------------------------

/** The agent asks the caller to repeat. Words that were not understood are not added to the history. */
const askAgain = (draft: Draft, countsAsNoise: boolean): void => {
  // After "Are you still there?" a noise does not delay the end of the call.
  if (!countsAsNoise || !draft.state.isIdlePrompted) resetIdle(draft)
  sayLine(draft, "notUnderstood")
}

// -- in the pause -------------------------------------------------------------------------------

/** Begins the reply during the pause, if the words are likely to get an answer. */
export const beginPreemptive = (draft: Draft, utterance: Utterance, transcript: Transcript): void => {
  const { active, digits, parts, unanswered } = draft.state
  const words = Words.join(unanswered, transcript.text)
  if (isFarewellReturned(draft, words)) return
  if (digits.length > 0 || parts.length > 0) return
  if (isNoise(transcript) || judge(draft, utterance, transcript) !== "answer") return
  if (isHoldRequest(draft, words) && hasLine(draft, "hold")) return
  if (isWaiting(draft) && needsNoAnswerOnHold(draft, transcript)) return
  if (active !== undefined && (active.phase._tag !== "Interrupted" || takesNoTurn(draft, active, utterance, transcript))) return
  if (active !== undefined && isGreetedBack(draft, active, words)) return
  const reply = newReply(draft, {
    phase: { _tag: "Preemptive", hasFailed: false },
    request: requestFor(draft, [words]),
    times: { since: utterance.stoppedAt, moments: { transcript: draft.at }, arePublished: false }
  })
  draft.state.preemptive = reply
  startModel(draft, reply)
}
