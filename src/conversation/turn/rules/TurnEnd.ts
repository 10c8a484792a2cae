/**
 * The caller's turn is over, or seems to be: who speaks next, and is a reply begun already?
 */
import type { Lines } from "../../../definition/AgentDefinition.ts"
import * as Words from "../../../definition/languages/Words.ts"
import type { Transcript } from "../../ports/SpeechToText.ts"
import { type Draft, cancelTimer } from "../Draft.ts"
import { callerSaid, requestFor } from "../History.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { Reply, Utterance } from "../TurnState.ts"
import * as AskAgain from "../judgements/AskAgain.ts"
import * as HoldRequest from "../words/HoldRequest.ts"
import { commit, interruptWith, sayLine } from "./AgentTurn.ts"
import { isFarewellReturned, startIdle } from "./Ending.ts"
import { answerLater, goOnBehind, isGreetedBack, mustBeHeard } from "./Greeting.ts"
import { goOn } from "./Playback.ts"
import { newReply, startModel } from "./Speech.ts"
import { endUtterance } from "./Utterance.ts"

/** Speech that nobody understands and that is no longer than this (ms) is taken for an "uh-huh" while the agent speaks. */
const longestMumble = 700

/** So few words left of a finished reply do not matter: what is said into them is an answer. */
const lastWords = 2

/** The turn is over: whose is the next? */
export const decideTurn = (draft: Draft, utterance: Utterance, transcript: Transcript): void => {
  const { active, carry, digits } = draft.state
  if (draft.state.parts.length > 0) {
    draft.state.utterance = { ...utterance, transcript, isOver: true, isTranscribing: false }
    return
  }
  if (active === undefined) cancelTimer(draft, "filler")
  endUtterance(draft, utterance)
  const understood = judge(draft, utterance, transcript)
  const isWordless = isNoise(transcript) || understood === "ignore"
  const isAside = active !== undefined && ((isWordless && carry.length === 0) || isForAgent(draft, active, utterance, transcript))
  if (active !== undefined && mustBeHeard(draft, active)) {
    return answerLater(draft, active, isAside || isWordless || understood === "ask" ? "" : transcript.text)
  }
  if (digits.length > 0 && (draft.state.areDigitsDue || (!isWordless && !isAside))) {
    const words = Words.join(carry, isAside ? "" : transcript.text)
    return commit(draft, words.length > 0 || transcript.isUnintelligible === true ? [words, digits] : [digits], utterance)
  }
  // Who is pressing keys is waited for.
  if (isAside) return digits.length > 0 ? undefined : goOn(draft, active)
  const words = Words.join(carry, transcript.text)
  if (isHoldRequest(draft, words)) return waitForCaller(draft, words, utterance)
  const greeted = understood === "ask" ? carry : words
  if (active !== undefined && isGreetedBack(draft, active, greeted)) return goOnBehind(draft, active, greeted)
  if (isFarewellReturned(draft, words)) {
    if (active !== undefined) return goOnBehind(draft, active, words)
    callerSaid(draft, draft.state.nextReply, words)
    draft.state.carry = ""
    return startIdle(draft)
  }
  if (understood === "ask" && carry.length === 0 && digits.length === 0) {
    return isWaiting(draft) ? goOnWaiting(draft) : askAgain(draft, isWordless)
  }
  if (isWordless && carry.length === 0) return digits.length > 0 ? undefined : startIdle(draft)
  if (isWaiting(draft) && isIdleTalk(draft, transcript)) return goOnWaiting(draft)
  commit(draft, [words], utterance)
}

/** What is done about what the caller said, as far as it was understood. */
const judge = (draft: Draft, utterance: Utterance, transcript: Transcript): AskAgain.Decision => {
  const { answersUnheard = false, language = "", lines } = draft.settings
  if (lines.notUnderstood === undefined) return isNoise(transcript) ? "ignore" : "answer"
  const { active, history } = draft.state
  const agentSaid = history.findLast(({ role }) => role === "agent")?.text ?? ""
  return AskAgain.decide({
    transcript,
    voicedMillis: utterance.voicedMillis,
    wasAskedAgain: draft.state.isAskedAgain,
    isInterruption: active !== undefined,
    agentSaid: Words.join(agentSaid, active?.heard ?? ""),
    language,
    backchannels: draft.phrases.backchannels,
    answersUnheard
  })
}

const isNoise = (transcript: Transcript): boolean => {
  return transcript.text.trim().length === 0 && transcript.isUnintelligible !== true
}

/** Said while the agent speaks, and not to take the turn: unless the reply was all but heard. */
const isBackchannel = (draft: Draft, active: Reply, utterance: Utterance, transcript: Transcript): boolean => {
  const isMumble = transcript.isUnintelligible === true && utterance.stoppedAt - utterance.startedAt <= longestMumble
  if (!isMumble && !draft.phrases.backchannels.has(Words.plain(transcript.text))) return false
  const rest = active.rest ?? PlaybackLedger.divide(active.segments, draft.at).rest
  return !active.isTextDone || Words.count(rest.join(" ")) > lastWords
}

/** Nothing was said that wants the turn. */
const isForAgent = (draft: Draft, active: Reply, utterance: Utterance, transcript: Transcript): boolean => {
  return draft.state.carry.length === 0 && (isNoise(transcript) || isBackchannel(draft, active, utterance, transcript))
}

export const isOnHold = (draft: Draft): boolean => {
  return (draft.state.heldUntil ?? 0) > draft.at
}

/** The agent was asked to wait, and says at most that it does. */
const isWaiting = (draft: Draft): boolean => {
  const { active } = draft.state
  return isOnHold(draft) && (active === undefined || active.line === "hold")
}

/** What is said beside the telephone while the agent was asked to wait: a backchannel, thanks, a mumble. */
const isIdleTalk = (draft: Draft, transcript: Transcript): boolean => {
  if (draft.state.carry.length > 0) return false
  return transcript.isUnintelligible === true || draft.phrases.backchannels.has(Words.plain(transcript.text)) ||
    HoldRequest.isThanks(transcript.text, draft.settings.language ?? "en")
}

const goOnWaiting = (draft: Draft): void => {
  if (draft.state.active === undefined) startIdle(draft)
  else goOn(draft, draft.state.active)
}

const hasLine = (draft: Draft, line: keyof Lines): boolean => {
  return (draft.settings.lines[line] ?? "").trim().length > 0
}

export const isHoldRequest = (draft: Draft, words: string): boolean => {
  const { idle: { hold }, language = "en" } = draft.settings
  return hold !== undefined && HoldRequest.isOne(words, language)
}

/** The caller asks to wait: the agent says that it does. Without a line for it the reply model answers, and the wait is the same. */
export const waitForCaller = (draft: Draft, words: string, utterance: Utterance | undefined): void => {
  if (hasLine(draft, "hold")) {
    interruptWith(draft, words)
    delete draft.state.idleSince
    draft.state.isIdlePrompted = false
    sayLine(draft, "hold")
  } else commit(draft, [words], utterance)
  draft.state.heldUntil = draft.at + (draft.settings.idle.hold ?? 0)
}

/** Of what was not understood nothing is remembered. */
const askAgain = (draft: Draft, isWordless: boolean): void => {
  // Once the agent has asked whether anybody is there, a noise does not put off the end of the call.
  if (!isWordless || !draft.state.isIdlePrompted) {
    delete draft.state.idleSince
    draft.state.isIdlePrompted = false
  }
  sayLine(draft, "notUnderstood")
}

/** Starts the reply in the pause, where it is likely to count. */
export const beginPreemptive = (draft: Draft, utterance: Utterance, transcript: Transcript): void => {
  const { active, digits, parts } = draft.state
  const words = Words.join(draft.state.carry, transcript.text)
  if (isFarewellReturned(draft, words)) return
  if (digits.length > 0 || parts.length > 0) return
  if (isNoise(transcript) || judge(draft, utterance, transcript) !== "answer") return
  if (isHoldRequest(draft, words) && hasLine(draft, "hold")) return
  if (isWaiting(draft) && isIdleTalk(draft, transcript)) return
  if (active !== undefined && (active.rest === undefined || isForAgent(draft, active, utterance, transcript))) return
  if (active !== undefined && isGreetedBack(draft, active, words)) return
  const reply = newReply(draft, {
    request: requestFor(draft, [Words.join(draft.state.carry, transcript.text)]),
    since: utterance.stoppedAt,
    moments: { transcript: draft.at }
  })
  draft.state.speculation = reply
  startModel(draft, reply)
}
