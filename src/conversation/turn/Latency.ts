/**
 * The moments of a turn, from the caller's last voiced sample to the reply's first mark, told once for each turn.
 */
import type { TurnTimes } from "../ports/ConversationEvent.ts"
import { type Draft, keepReply, tell } from "./Draft.ts"
import type { Reply } from "./TurnState.ts"

export const markMoment = (draft: Draft, reply: Reply, name: keyof TurnTimes, at = draft.at): Reply => {
  return reply.since === undefined || reply.moments[name] !== undefined
    ? reply
    : keepReply(draft, { ...reply, moments: { ...reply.moments, [name]: at } })
}

/** Tells the turn's times, once. */
export const tellTimes = (draft: Draft, reply: Reply): Reply => {
  const { endpoint, due } = reply.moments
  if (reply.isMeasured || reply.since === undefined || endpoint === undefined || due === undefined) return reply
  const since = reply.since
  const times = Object.fromEntries(
    Object.entries(reply.moments).map(([name, at]) => [name, at - since])
  ) as unknown as TurnTimes
  tell(draft, reply.id, { _tag: "TurnMeasured", times })
  return keepReply(draft, { ...reply, isMeasured: true })
}
