/** What watchers are told of a conversation whose media stream has ended. */
import type { StreamEnd } from "./CallState.ts"

/** The word for the conversation's end; `undefined` where the call may go on, and so nobody is told of an end. */
export const tellable = (end: StreamEnd | undefined, isTransferring: boolean): string | undefined => {
  if (isTransferring) return "transferred"
  switch (end?._tag) {
    case "Stopped":
      return "callerHungUp"
    case "Closed":
      // Twilio's word that the call is over means, while the stream is open, that the caller hung up.
      return end.reason === "streamLost" ? undefined : end.reason === "completed" ? "callerHungUp" : end.reason
    default:
      return undefined
  }
}
