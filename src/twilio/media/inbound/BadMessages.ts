/**
 * Counts the rejected messages of a stream by reason, logs the first, and reports when there are too many.
 */
import { Deferred, Effect, type Scope } from "effect"
import * as Metrics from "../../../observability/Metrics.ts"
import type { StreamRejection } from "./StreamReader.ts"

interface BadMessages {
  /** A message was rejected. Returns whether the stream has now sent too many. */
  readonly count: (reason: StreamRejection) => boolean
  /** A good message came: it makes up for a bad one. */
  readonly forgiveOne: () => void
}

/** @param maxUnforgiven how many bad messages, minus the good ones since, are allowed */
export const make = Effect.fnUntraced(function*(maxUnforgiven: number): Effect.fn.Return<BadMessages, never, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const firstReason = yield* Deferred.make<StreamRejection>()
  let unforgiven = 0
  yield* Effect.forkScoped(
    Effect.flatMap(Deferred.await(firstReason), (reason) =>
      Effect.logWarning("A message of a media stream could not be read; further ones are only counted").pipe(
        Effect.annotateLogs({ reason })
      ))
  )
  return {
    count: (reason) => {
      Metrics.badMessages(reason).updateUnsafe(1, context)
      // The stream is closed for this reason, and its close is logged elsewhere.
      if (reason === "beforeStart") return false
      Deferred.doneUnsafe(firstReason, Effect.succeed(reason))
      // Twilio adds events without notice: that is no fault.
      return reason !== "unknownEvent" && ++unforgiven > maxUnforgiven
    },
    forgiveOne: () => {
      if (unforgiven > 0) unforgiven--
    }
  }
})
