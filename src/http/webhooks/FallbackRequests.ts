/**
 * When a webhook is not answered, Twilio requests the fallback URL and names an error code. The call may still be live although the process
 * that had it has died. The request is answered like any other request of its call.
 *
 * https://www.twilio.com/docs/usage/security/availability-reliability
 */
import { Effect, Option, type Scope } from "effect"
import { toLogText } from "../../observability/LogText.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import type { CallParameters } from "../../twilio/webhook/WebhookParameters.ts"

interface FallbackRequests {
  /** Logs a request of the fallback URL, with the error code and the path that failed, without telephone numbers. Other requests are not logged. */
  readonly log: (call: Pick<typeof CallParameters.Type, "CallSid" | "ErrorCode" | "ErrorUrl">) => Effect.Effect<void>
}

export const make: Effect.Effect<FallbackRequests, never, Scope.Scope> = Effect.map(SampledLog.make, (sampledLog) => ({
  log: ({ CallSid, ErrorCode, ErrorUrl }) =>
    Option.match(ErrorCode, {
      onNone: () => Effect.void,
      onSome: (errorCode) =>
        // A webhook can be replayed any number of times.
        sampledLog.write("fallback", Effect.logWarning("Twilio requested the fallback URL because another webhook was not answered").pipe(
          Effect.annotateLogs({ callSid: CallSid, errorCode, failedPath: toLogText(Option.getOrElse(ErrorUrl, () => "")) })
        ))
    })
}))
