/**
 * The webhooks in which Twilio asks what to do with a call: `/twiml` when it begins, `/twilio/continue` when its stream or its transfer
 * is over.
 */
import { Effect, Metric, Option } from "effect"
import { Agents } from "../../agent/Agents.ts"
import * as CallerShare from "../../call/CallerShare.ts"
import { CallRegistry } from "../../call/CallRegistry.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import * as Metrics from "../../observability/Metrics.ts"
import type { CallParameters, ContinueParameters } from "../../twilio/webhook/WebhookParameters.ts"
import { InvalidSignature } from "../api/Problems.ts"
import * as CallAnswers from "./CallAnswers.ts"
import * as FallbackRequests from "./FallbackRequests.ts"
import type { SignedWebhook } from "./SignedRequest.ts"

export const make = Effect.gen(function*() {
  const { account } = yield* Credentials
  const registry = yield* CallRegistry
  const agents = yield* Agents
  const answers = yield* CallAnswers.make
  const fallbacks = yield* FallbackRequests.make

  /** A number's webhook, or the URL of a call that we placed, may name the agent: `/twiml?agent=…`. Else the called number decides. */
  const agentFor = (name: string | undefined, called: Option.Option<PhoneNumber>) =>
    name === undefined ? Effect.succeed(agents.forNumber(called)) : agents.find(name)

  const admit = Effect.fnUntraced(function*(call: typeof CallParameters.Type, { base, parameters, query }: SignedWebhook) {
    const isInbound = call.Direction === "inbound"
    const agent = yield* agentFor(query["agent"], isInbound ? call.To : Option.none())
    const callerKey = isInbound ? CallerShare.keyOf(parameters["From"]) : undefined
    return yield* registry.admit({
      callSid: call.CallSid,
      direction: isInbound ? "inbound" : "outbound",
      from: call.From,
      to: call.To,
      agent,
      ...(callerKey === undefined ? {} : { callerKey }),
      continueUrl: `${base}/twilio/continue`
    })
  })

  /** `/twiml`: a call begins. */
  const begin = Effect.fnUntraced(function*(call: typeof CallParameters.Type, webhook: SignedWebhook) {
    if (call.AccountSid !== account.accountSid) {
      yield* Metric.update(Metrics.webhooksRefused("/twiml", "foreign account"), 1)
      return yield* new InvalidSignature({ detail: "The call is of another account than TWILIO_ACCOUNT_SID." })
    }
    yield* fallbacks.tell(call)
    const ended = yield* answers.ifEnded("/twiml", call.CallSid, call.CallStatus)
    if (Option.isSome(ended)) return ended.value
    return yield* admit(call, webhook).pipe(
      Effect.flatMap((admitted) =>
        answers.connect({ call: admitted, base: webhook.base, asked: "first", websocketUrl: webhook.query["websocket_url"] })),
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
    { CallSid, CallStatus, DialCallStatus }: typeof ContinueParameters.Type,
    { base, query }: SignedWebhook
  ) {
    const ended = yield* answers.ifEnded("/twilio/continue", CallSid, CallStatus)
    if (Option.isSome(ended)) return ended.value
    const call = yield* registry.find(CallSid)
    if (Option.isNone(call)) return yield* answers.hangUp(CallSid, "requested")
    if (query["then"] === "hangup") return yield* answers.hangUp(CallSid, "completed")
    // The transfer was answered and is over. After a transfer that nobody answered the caller comes back to the agent.
    if (DialCallStatus === "completed" || DialCallStatus === "answered") return yield* answers.hangUp(CallSid, "transferred")
    return yield* answers.connect({
      call: call.value,
      base,
      asked: DialCallStatus === "" ? "afterStream" : "afterTransfer",
      step: Number(query["step"] ?? 0)
    })
  })

  return { begin, proceed }
})
