/**
 * What is said into the agent's greeting: a greeting in return does not end it, a request does.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, keepReply } from "../Draft.ts"
import { callerSaid, remember } from "../History.ts"
import * as PlaybackLedger from "../PlaybackLedger.ts"
import type { Reply } from "../TurnState.ts"
import * as GreetingAnswer from "../words/GreetingAnswer.ts"
import { goOn } from "./Playback.ts"

/** Neither voice nor keys stop it. */
export const mustBeHeard = (draft: Draft, { line }: Reply): boolean => {
  return line === "greeting" && draft.settings.interruption.greeting === false
}

/** Said into the greeting, and asks for nothing; at the very end of it, it is an answer. */
export const isGreetedBack = (draft: Draft, active: Reply, text: string): boolean => {
  if (active.line !== "greeting") return false
  const { heard, rest } = PlaybackLedger.divide(active.segments, draft.at)
  const isBegun = Words.join(active.remembered ?? "", active.heard, heard).length > 0
  if (isBegun && Words.count((active.rest ?? rest).join(" ")) <= GreetingAnswer.lastWords) return false
  // Speech that nobody understood, before anything was heard of us.
  if (text.length === 0) return active.isHeld
  return draft.phrases.isBareGreeting(text, draft.state.history.every(({ role }) => role !== "caller"))
}

/** The rest of what the agent is saying is the answer: of a greeting, or of a goodbye. */
export const goOnBehind = (draft: Draft, active: Reply, text: string): void => {
  const { heard } = active
  // In their order: what was heard before the caller spoke, the caller, the rest.
  if (heard.length > 0) remember(draft, "agent", heard)
  if (text.length > 0) callerSaid(draft, active.id, text)
  draft.state.carry = ""
  goOn(draft, keepReply(draft, { ...active, heard: "", remembered: Words.join(active.remembered ?? "", heard) }))
}

/** Said into a greeting that goes on whatever is said: kept until it was heard. */
export const answerLater = (draft: Draft, active: Reply, text: string): void => {
  const { carry } = draft.state
  if (carry.length === 0 && draft.phrases.isBareGreeting(text, true)) return callerSaid(draft, active.id, text)
  draft.state.carry = Words.join(carry, text)
}
