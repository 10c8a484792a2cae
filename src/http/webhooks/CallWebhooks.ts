/**
 * The webhooks in which Twilio asks what to do with a call: `/twiml` when the call begins, `/twilio/continue` when its stream or its
 * transfer is over.
 */
import { Effect, Metric, Option } from "effect"
import { Credentials } from "../../config/Credentials.ts"
import * as Metrics from "../../observability/Metrics.ts"
import type { CallParameters, ContinueParameters } from "../../twilio/webhook/WebhookParameters.ts"
import { InvalidSignature } from "../api/Problems.ts"
import * as CallAnswers from "./CallAnswers.ts"
import * as FallbackRequests from "./FallbackRequests.ts"
import type { SignedWebhook } from "./SignedRequest.ts"
import * as WebhookCalls from "./WebhookCalls.ts"

export const make = Effect.gen(function*() {
  const { account } = yield* Credentials
  const answers = yield* CallAnswers.make
  const calls = yield* WebhookCalls.make
  const fallbacks = yield* FallbackRequests.make

  /** `/twiml`: a call begins, or goes on after Twilio's fallback. */
  const begin = Effect.fnUntraced(function*(call: typeof CallParameters.Type, webhook: SignedWebhook) {
    if (call.AccountSid !== account.accountSid) {
      yield* Metric.update(Metrics.webhooksRefused("/twiml", "foreign account"), 1)
      return yield* new InvalidSignature({ detail: "The call is of another account than TWILIO_ACCOUNT_SID." })
    }
    yield* fallbacks.log(call)
    const ended = yield* answers.ifEnded("/twiml", call.CallSid, call.CallStatus)
    if (Option.isSome(ended)) return ended.value
    return yield* calls.admitAnywhere(call, webhook).pipe(
      Effect.flatMap(({ call, request }) => answers.connect({ call, base: webhook.base, request, websocketUrl: webhook.query["websocket_url"] })),
      Effect.catchTags({
        CallHasEnded: () => answers.refuseEnded("/twiml", call.CallSid),
        LineBusy: () => answers.turnAway(call.CallSid, "All our lines are busy. Please call again in a few minutes. Goodbye."),
        UnknownAgent: (error) =>
          Effect.andThen(
            Effect.logError(`A webhook's URL names an agent that can't answer. ${error.message}`),
            answers.turnAway(call.CallSid, "This number is not set up correctly. Goodbye.")
          )
      }),
      Effect.annotateLogs({ callSid: call.CallSid })
    )
  })

  /** `/twilio/continue`: the `action` of `<Connect>`, or of the `<Dial>` of a transfer. */
  const proceed = Effect.fnUntraced(function*(
    continued: typeof ContinueParameters.Type,
    webhook: SignedWebhook
  ) {
    const { CallSid, CallStatus, DialCallStatus } = continued
    const { base, query } = webhook
    const ended = yield* answers.ifEnded("/twilio/continue", CallSid, CallStatus)
    if (Option.isSome(ended)) return ended.value
    if (query["then"] === "hangup") return yield* answers.hangUp(CallSid, "completed")
    // The transfer was answered and is over. If nobody answers a transfer, the caller comes back to the agent.
    if (DialCallStatus === "completed" || DialCallStatus === "answered") return yield* answers.hangUp(CallSid, "transferred")
    const call = yield* calls.findAnywhere(continued, webhook)
    if (Option.isNone(call)) return yield* answers.hangUp(CallSid, "requested")
    return yield* answers.connect({
      call: call.value,
      base,
      request: DialCallStatus === "" ? "afterStream" : "afterTransfer",
      step: Number(query["step"] ?? 0)
    })
  })

  return { begin, proceed }
})
