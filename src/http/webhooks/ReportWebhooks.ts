/**
 * The webhooks in which Twilio reports something and needs no TwiML: `/twilio/status` about a call, `/twilio/stream` about a media stream.
 */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { CallRegistry } from "../../call/CallRegistry.ts"
import type { StatusFacts } from "../../call/history/Outcome.ts"
import { toLogText } from "../../observability/LogText.ts"
import type { StatusParameters, StreamParameters } from "../../twilio/webhook/WebhookParameters.ts"

const wholeNumber = (text: string): number | undefined => /^\d{1,9}$/.test(text) ? Number(text) : undefined

/** The facts of a report apart from the status. Values that are absent or not a number are left out. */
const factsOf = ({ AnsweredBy, CallDuration, SipResponseCode }: typeof StatusParameters.Type): StatusFacts => {
  const sipCode = wholeNumber(SipResponseCode)
  const durationSeconds = wholeNumber(CallDuration)
  return {
    ...(sipCode === undefined ? {} : { sipCode }),
    ...(durationSeconds === undefined ? {} : { durationSeconds }),
    ...(AnsweredBy === "" ? {} : { answeredBy: AnsweredBy })
  }
}

export const make = Effect.map(CallRegistry, (registry) => ({
  status: (report: typeof StatusParameters.Type) =>
    Effect.as(registry.report(report.CallSid, report.CallStatus, report.SequenceNumber, factsOf(report)), HttpServerResponse.empty()),
  stream: (report: typeof StreamParameters.Type) => {
    const log = report.StreamEvent === "stream-error"
      ? Effect.logWarning("Twilio reports an error of a media stream")
      : Effect.logDebug(`Twilio reports ${report.StreamEvent}`)
    return log.pipe(
      Effect.annotateLogs({ callSid: report.CallSid, streamSid: report.StreamSid, streamError: toLogText(report.StreamError) }),
      Effect.as(HttpServerResponse.empty())
    )
  }
}))
