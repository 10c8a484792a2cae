/**
 * Passes the events of the conversation to the call's watchers and its history. The call's end is passed once.
 *
 * A conversation whose media stream was lost reports no end, because the call may continue. If the call then ends, `finish` reports the
 * end.
 */
import { Effect } from "effect"
import type { ConversationEvent } from "../conversation/ports/ConversationEvent.ts"
import type { CallState, EndReason } from "./CallState.ts"
import type { ConversationFeed } from "./ConversationFeed.ts"
import type { CallHistory } from "./history/CallHistory.ts"
import { wordOf } from "./StreamEnds.ts"

export interface CallEvents {
  /** Passes an event to the watchers and to the history. Never waits. */
  readonly publish: (event: ConversationEvent) => Effect.Effect<void>
  /** The call has entered a new phase. */
  readonly onPhase: (state: CallState) => Effect.Effect<void>
  /** The call is over, and its streams and agent are gone. */
  readonly finish: (reason: EndReason) => Effect.Effect<void>
}

export const make = (feed: Pick<ConversationFeed, "publish">, history: Pick<CallHistory, "addEvent" | "answered" | "ended">): CallEvents => {
  /** The newest event. Unset if there was none, or if it was the end. */
  let last: ConversationEvent | undefined

  const publish = (event: ConversationEvent) =>
    Effect.suspend(() => {
      last = event._tag === "Ended" ? undefined : event
      return feed.publish(history.addEvent(event))
    })

  return {
    publish,
    onPhase: (state) => {
      const { phase } = state
      if (phase._tag === "Connected" || phase._tag === "Streaming") return Effect.sync(history.answered)
      return phase._tag === "Ended" ? Effect.sync(() => history.ended(phase.reason, state.resumptions)) : Effect.void
    },
    finish: (reason) =>
      Effect.suspend(() => last === undefined ? Effect.void : publish({ _tag: "Ended", at: last.at, turn: last.turn, reason: wordOf(reason) }))
  }
}
