/** The words by which watchers learn how a call or a conversation ended. */
import type { CallState, EndReason, StreamEnd } from "./CallState.ts"

/** The word for a call's end. If Twilio reports `completed` for a call that is still live here, the caller has hung up. */
export const wordOf = (reason: EndReason): string => reason === "callerLeft" || reason === "completed" ? "callerHungUp" : reason

/** The word for the end of a stream's conversation. `undefined`: the call may continue, so no end is reported. */
export const wordOfStream = (end: StreamEnd | undefined, transfer: CallState["transfer"]): string | undefined => {
  if (transfer === "done") return "transferred"
  switch (end?._tag) {
    case "Stopped":
      return transfer === "asked" ? "transferred" : "callerHungUp"
    case "Closed":
      if (end.reason === "streamLost") return undefined
      return transfer === "asked" ? "transferred" : wordOf(end.reason)
    default:
      return undefined
  }
}
