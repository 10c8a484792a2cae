/**
 * Passes the events of the conversation to the call's history and to its watchers.
 *
 * A conversation whose media stream was lost does not send `Ended`, because the call may continue. If the call then ends, `finish` sends
 * `Ended`, unless another process may go on with the call. If the caller comes back after a transfer, `Ended` is sent twice.
 */
import { Effect } from "effect"
import type { ConversationEvent } from "../conversation/ports/ConversationEvent.ts"
import type { CallState, EndReason } from "./CallState.ts"
import type { ConversationFeed } from "./ConversationFeed.ts"
import type { CallHistory } from "./history/CallHistory.ts"
import * as EndedReason from "./EndedReason.ts"

export interface CallEvents {
  /** Passes an event to the watchers and to the history. Never waits. */
  readonly publish: (event: ConversationEvent) => Effect.Effect<void>
  /** Must run at each new phase of the call. */
  readonly onPhase: (state: CallState) => Effect.Effect<void>
  /** Must run when the call is over and its streams and agent have ended. */
  readonly finish: (reason: EndReason) => Effect.Effect<void>
}

export const make = (feed: Pick<ConversationFeed, "publish">, history: Pick<CallHistory, "addEvent" | "answered" | "ended" | "isElsewhere">): CallEvents => {
  /** The newest event. Unset if there was none, or if it was `Ended`. */
  let newest: ConversationEvent | undefined

  const publish = (event: ConversationEvent) =>
    Effect.suspend(() => {
      newest = event._tag === "Ended" ? undefined : event
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
      Effect.suspend(() => newest === undefined || history.isElsewhere() ? Effect.void : publish({ _tag: "Ended", at: newest.at, turn: newest.turn, reason: EndedReason.ofCall(reason) }))
  }
}
