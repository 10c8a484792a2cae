/**
 * The history: the words of both sides in order. Of the agent's words, the history has only those that the caller heard. The reply model gets
 * the history with each request.
 */
import * as Words from "../../definition/languages/Words.ts"
import type { Message, ReplyRequest } from "../ports/ReplyModel.ts"
import { type Draft, addCommand, publish } from "./Draft.ts"
import { type ReplyState, unheardOf } from "./ReplyState.ts"
import * as GreetingAnswer from "./words/GreetingAnswer.ts"
import * as HoldRequest from "./words/HoldRequest.ts"

/** Adds words of the agent that the caller heard to the history. */
export const rememberAgent = (draft: Draft, text: string): void => {
  draft.state.history = [...draft.state.history, { role: "agent", text }]
}

/** Adds the caller's words to the history, and passes them to watchers and tools. `turn`: the id of the reply that answers the words. */
export const rememberCaller = (draft: Draft, turn: number, text: string): void => {
  const { unheardGreeting: unheard } = draft.state
  draft.state.history = [...draft.state.history, { role: "caller", text, ...(unheard === undefined ? {} : { unheard }) }]
  delete draft.state.unheardGreeting
  publish(draft, turn, { _tag: "CallerSaid", text, ...draft.state.callerSpoke })
  delete draft.state.callerSpoke
  addCommand(draft, { _tag: "RememberCallerWords", text, isRequest: !HoldRequest.isOne(text, draft.settings.language ?? "en") })
}

/** The part of the greeting that the caller has not heard. `undefined`: the reply is no greeting, or the caller missed too few words to matter. */
export const unheardGreetingOf = (reply: ReplyState): string | undefined => {
  if (reply.line !== "greeting") return undefined
  const unheard = (unheardOf(reply) ?? reply.segments.map(({ text }) => text)).join(" ")
  const isPartlyHeard = Words.join(reply.remembered ?? "", reply.heard).length > 0
  return Words.count(unheard) > (isPartlyHeard ? GreetingAnswer.maxWordsMissed : 0) ? unheard : undefined
}

/** The request to the model after the caller has said `texts`, which are not in the history yet. */
export const requestFor = (draft: Draft, texts: ReadonlyArray<string>): ReplyRequest => {
  const { active, dialogue, history } = draft.state
  const heard: ReadonlyArray<Message> = active !== undefined && active.heard.length > 0
    ? [{ role: "agent", text: active.heard }]
    : []
  const unheard = draft.state.unheardGreeting ?? (active === undefined ? undefined : unheardGreetingOf(active))
  const said = texts.map((text, index): Message => ({ role: "caller", text, ...(index > 0 || unheard === undefined ? {} : { unheard }) }))
  return { history: [...history, ...heard, ...said], state: dialogue }
}
