/** The `reason` of the event `Ended`, which watchers get: how a call or the conversation of a stream ended. */
import type { CallState, EndReason, StreamEnd } from "./CallState.ts"

/** The `reason` for a call's end. If Twilio reports `completed` for a call that is still live here, the caller has hung up. */
export const ofCall = (reason: EndReason): string => reason === "callerLeft" || reason === "completed" ? "callerHungUp" : reason

/**
 * The `reason` for the end of a stream's conversation. `undefined`: the call may continue, so `Ended` is not sent. `end`: unset if the session
 * was interrupted.
 */
export const ofStream = (end: StreamEnd | undefined, transfer: CallState["transfer"]): string | undefined => {
  if (transfer === "done") return "transferred"
  switch (end?._tag) {
    case "Stopped":
      return transfer === "asked" ? "transferred" : "callerHungUp"
    case "Closed":
      if (end.reason === "streamLost") return undefined
      return transfer === "asked" ? "transferred" : ofCall(end.reason)
    default:
      return undefined
  }
}
