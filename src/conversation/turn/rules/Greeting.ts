/**
 * Handles the caller's words during the agent's greeting. A greeting in return does not stop the agent's greeting. A request stops it.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, updateReply } from "../Draft.ts"
import { rememberAgent, rememberCaller } from "../History.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import { type ReplyState, unheardOf } from "../ReplyState.ts"
import * as GreetingAnswer from "../words/GreetingAnswer.ts"
import { resumeReply } from "./Playback.ts"

/** Whether the reply is a greeting that neither voice nor keys may stop (`interruption.greeting` in the settings). */
export const mustBeHeard = (draft: Draft, { line }: ReplyState): boolean =>
  line === "greeting" && draft.settings.interruption.greeting === false

/** Whether the caller's words during the greeting are only a greeting. At the very end of the greeting, the same words count as an answer. */
export const isGreetedBack = (draft: Draft, active: ReplyState, text: string): boolean => {
  if (active.line !== "greeting") return false
  const { heard, unheard } = PlaybackLedger.divide(active.segments, draft.at)
  const isPartlyHeard = Words.join(active.remembered ?? "", active.heard, heard).length > 0
  if (isPartlyHeard && Words.count((unheardOf(active) ?? unheard).join(" ")) <= GreetingAnswer.maxWordsMissed) return false
  // If no word was understood, and the caller has heard nothing of the greeting yet, the speech counts as a greeting.
  if (text.length === 0) return active.phase._tag === "Held"
  return draft.phrases.isBareGreeting(text, draft.state.history.every(({ role }) => role !== "caller"))
}

/** The agent says the rest of its greeting or goodbye, since the caller's words need no other answer. */
export const resumeAfter = (draft: Draft, active: ReplyState, text: string): void => {
  const { heard } = active
  // The order in the history: the heard part of the agent's words, the caller's words, the rest of the agent's words.
  if (heard.length > 0) rememberAgent(draft, heard)
  if (text.length > 0) rememberCaller(draft, active.id, text)
  draft.state.unanswered = ""
  resumeReply(draft, updateReply(draft, { ...active, heard: "", remembered: Words.join(active.remembered ?? "", heard) }))
}

/** The greeting can't be interrupted, so a request is answered after it. */
export const answerLater = (draft: Draft, active: ReplyState, text: string): void => {
  const { unanswered } = draft.state
  if (unanswered.length === 0 && draft.phrases.isBareGreeting(text, true)) return rememberCaller(draft, active.id, text)
  draft.state.unanswered = Words.join(unanswered, text)
}
