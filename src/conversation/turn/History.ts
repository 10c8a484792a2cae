/**
 * What the agent remembers: both sides' words in their order, as far as they were heard. The reply model is given it.
 */
import * as Words from "../../definition/languages/Words.ts"
import type { Message, ReplyRequest } from "../ports/ReplyModel.ts"
import { type Draft, tell } from "./Draft.ts"
import type { Reply } from "./TurnState.ts"
import * as GreetingAnswer from "./words/GreetingAnswer.ts"

export const remember = (draft: Draft, role: Message["role"], text: string): void => {
  draft.state.history = [...draft.state.history, { role, text }]
}

export const callerSaid = (draft: Draft, turn: number, text: string): void => {
  const { unheard } = draft.state
  draft.state.history = [...draft.state.history, { role: "caller", text, ...(unheard === undefined ? {} : { unheard }) }]
  delete draft.state.unheard
  tell(draft, turn, { _tag: "CallerSaid", text })
}

/** What the caller has not heard of the greeting; nothing, if that is no matter. */
export const unheardOf = (reply: Reply): string | undefined => {
  if (reply.line !== "greeting") return undefined
  const rest = (reply.rest ?? reply.segments.map(({ text }) => text)).join(" ")
  const isBegun = Words.join(reply.remembered ?? "", reply.heard).length > 0
  return Words.count(rest) > (isBegun ? GreetingAnswer.lastWords : 0) ? rest : undefined
}

/** What is asked of the model, as if these had been said now. */
export const requestFor = (draft: Draft, texts: ReadonlyArray<string>): ReplyRequest => {
  const { active, dialogue, history } = draft.state
  const heard: ReadonlyArray<Message> = active !== undefined && active.heard.length > 0
    ? [{ role: "agent", text: active.heard }]
    : []
  const unheard = draft.state.unheard ?? (active === undefined ? undefined : unheardOf(active))
  const said = texts.map((text, index): Message => ({ role: "caller", text, ...(index > 0 || unheard === undefined ? {} : { unheard }) }))
  return { history: [...history, ...heard, ...said], state: dialogue }
}
