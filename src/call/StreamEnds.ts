/** What watchers are told of a conversation whose media stream has ended. */
import type { CallState, EndReason, StreamEnd } from "./CallState.ts"

/** The word for a call's end. Twilio's word that the call is over means, while we have the call, that the caller hung up. */
export const wordOf = (reason: EndReason): string => reason === "callerLeft" || reason === "completed" ? "callerHungUp" : reason

/** The word for the conversation's end; `undefined` where the call may go on, and so nobody is told of an end. */
export const tellable = (end: StreamEnd | undefined, transfer: CallState["transfer"]): string | undefined => {
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
