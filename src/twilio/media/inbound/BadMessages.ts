/**
 * Counts the rejected messages of a stream by reason, logs the first one, and reports when there are too many.
 */
import { Deferred, Effect, type Scope } from "effect"
import * as Metrics from "../../../observability/Metrics.ts"
import type { StreamRejection } from "./StreamReader.ts"

interface BadMessages {
  /** Counts a rejected message. Returns whether the stream has now sent too many bad messages. */
  readonly countBad: (reason: StreamRejection) => boolean
  /** Counts a good message, which makes up for one bad message. */
  readonly countGood: () => void
}

/** @param maxBad how many bad messages are allowed; each later good message makes up for one */
export const make = Effect.fnUntraced(function*(maxBad: number): Effect.fn.Return<BadMessages, never, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const firstReason = yield* Deferred.make<StreamRejection>()
  /** The bad messages that no later good message has made up for. */
  let badCount = 0
  yield* Effect.forkScoped(
    Effect.flatMap(Deferred.await(firstReason), (reason) =>
      Effect.logWarning("A message of a media stream could not be read. Further bad messages of this stream are only counted").pipe(
        Effect.annotateLogs({ reason })
      ))
  )
  return {
    countBad: (reason) => {
      Metrics.badMessages(reason).updateUnsafe(1, context)
      // The stream is closed for this reason, and its close is logged elsewhere.
      if (reason === "beforeStart") return false
      Deferred.doneUnsafe(firstReason, Effect.succeed(reason))
      // An unknown event does not count as bad, because Twilio adds events without notice.
      return reason !== "unknownEvent" && ++badCount > maxBad
    },
    countGood: () => {
      if (badCount > 0) badCount--
    }
  }
})
