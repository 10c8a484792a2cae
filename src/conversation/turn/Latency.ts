/**
 * The moments of a turn, from the caller's last voiced sample to the reply's first mark. They are published once in each turn.
 */
import type { TurnTimes } from "../ports/ConversationEvent.ts"
import { type Draft, updateReply, publish } from "./Draft.ts"
import type { ReplyState } from "./ReplyState.ts"

/** Notes a moment of the reply, unless this moment was noted before. A fixed line has no times. */
export const noteMoment = (draft: Draft, reply: ReplyState, name: keyof TurnTimes, at = draft.at): ReplyState => {
  const { times } = reply
  if (times === undefined || times.moments[name] !== undefined) return reply
  return updateReply(draft, { ...reply, times: { ...times, moments: { ...times.moments, [name]: at } } })
}

/** Publishes the turn's times, once. If the caller's turn never ended, there are no times to publish. */
export const publishTimes = (draft: Draft, reply: ReplyState): ReplyState => {
  const { times } = reply
  if (times === undefined || times.arePublished || times.moments.endpoint === undefined || times.moments.due === undefined) return reply
  const { moments, since } = times
  const relative = Object.fromEntries(Object.entries(moments).map(([name, at]) => [name, at - since])) as unknown as TurnTimes
  publish(draft, reply.id, { _tag: "TurnMeasured", times: relative })
  return updateReply(draft, { ...reply, times: { ...times, arePublished: true } })
}
