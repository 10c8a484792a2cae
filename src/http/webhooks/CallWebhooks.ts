/**
 * The webhooks in which Twilio asks what to do with a call: `/twiml` when it begins, `/twilio/continue` when its stream or its transfer
 * is over.
 */
import { Effect, Metric, Option, Schema } from "effect"
import { Agents } from "../../agent/Agents.ts"
import type { Call } from "../../call/Call.ts"
import { isUnanswered } from "../../call/CallState.ts"
import * as CallerShare from "../../call/CallerShare.ts"
import { CallRegistry } from "../../call/CallRegistry.ts"
import { CallHasEnded } from "../../call/registry/Admission.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import * as Metrics from "../../observability/Metrics.ts"
import { CallParameters, type ContinueParameters } from "../../twilio/webhook/WebhookParameters.ts"
import { InvalidSignature } from "../api/Problems.ts"
import * as CallAnswers from "./CallAnswers.ts"
import * as FallbackRequests from "./FallbackRequests.ts"
import type { SignedWebhook } from "./SignedRequest.ts"
import * as StoredCalls from "./StoredCalls.ts"

const decodeCall = Schema.decodeUnknownEffect(CallParameters)

export const make = Effect.gen(function*() {
  const { account } = yield* Credentials
  const registry = yield* CallRegistry
  const agents = yield* Agents
  const answers = yield* CallAnswers.make
  const fallbacks = yield* FallbackRequests.make
  const storedCalls = yield* StoredCalls.make

  /** A number's webhook, or the URL of a call that we placed, may name the agent: `/twiml?agent=…`. Else the called number decides. */
  const agentFor = (name: string | undefined, called: Option.Option<PhoneNumber>) =>
    name === undefined ? Effect.succeed(agents.forNumber(called)) : agents.find(name)

  /** `before`: unset for a new call. */
  const admit = Effect.fnUntraced(function*(call: typeof CallParameters.Type, { base, parameters, query }: SignedWebhook, before?: "lost") {
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
    }, before)
  })

  /** Twilio asks with this status when it has the call already: it was redirected, or asks the fallback URL. */
  const isGoingOn = ({ CallStatus, Direction }: typeof CallParameters.Type) =>
    Direction === "inbound" && Option.contains(CallStatus, "in-progress")

  /** The call as it is here, or as the store knows it. `isNew`: it is here, or has had no stream. */
  const admitAnywhere = Effect.fnUntraced(function*(call: typeof CallParameters.Type, webhook: SignedWebhook) {
    const here = yield* registry.find(call.CallSid)
    if (Option.isSome(here)) return { call: here.value, isNew: true }
    const standing = yield* storedCalls.standing(call.CallSid)
    switch (standing._tag) {
      case "Unknown":
        return { call: yield* admit(call, webhook), isNew: true }
      case "Lost":
        return { call: yield* admit(call, webhook, isGoingOn(call) ? "lost" : undefined), isNew: !isGoingOn(call) }
      case "Ended":
        return yield* new CallHasEnded()
      case "New":
      case "Live":
        // It rang once: a request that says so again is a replay.
        if (standing._tag === "Live" && Option.exists(call.CallStatus, isUnanswered)) return yield* new CallHasEnded()
        return { call: yield* storedCalls.takeOver(standing.stored, webhook.base), isNew: standing._tag === "New" }
    }
  })

  /** `/twiml`: a call begins, or goes on after Twilio's fallback. */
  const begin = Effect.fnUntraced(function*(call: typeof CallParameters.Type, webhook: SignedWebhook) {
    if (call.AccountSid !== account.accountSid) {
      yield* Metric.update(Metrics.webhooksRefused("/twiml", "foreign account"), 1)
      return yield* new InvalidSignature({ detail: "The call is of another account than TWILIO_ACCOUNT_SID." })
    }
    yield* fallbacks.tell(call)
    const ended = yield* answers.ifEnded("/twiml", call.CallSid, call.CallStatus)
    if (Option.isSome(ended)) return ended.value
    return yield* admitAnywhere(call, webhook).pipe(
      Effect.flatMap(({ call, isNew }) =>
        answers.connect({ call, base: webhook.base, asked: isNew ? "first" : "afterStream", websocketUrl: webhook.query["websocket_url"] })),
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

  /** A call that has had a stream here, at another process, or where nobody can tell; `None`: there is no such call. */
  const findAnywhere = Effect.fnUntraced(function*(continued: typeof ContinueParameters.Type, webhook: SignedWebhook) {
    const here = yield* registry.find(continued.CallSid)
    if (Option.isSome(here)) return here
    const standing = yield* storedCalls.standing(continued.CallSid)
    switch (standing._tag) {
      case "Unknown":
      case "Ended":
        return Option.none<Call>()
      case "Lost": {
        const call = yield* Effect.option(decodeCall(webhook.parameters))
        return Option.isNone(call) ? Option.none<Call>() : Option.some(yield* admit(call.value, webhook, "lost"))
      }
      case "New":
      case "Live":
        return Option.some(yield* storedCalls.takeOver(standing.stored, webhook.base))
    }
  }, Effect.catch(() => Effect.succeed(Option.none<Call>())))

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
    // The transfer was answered and is over. After a transfer that nobody answered the caller comes back to the agent.
    if (DialCallStatus === "completed" || DialCallStatus === "answered") return yield* answers.hangUp(CallSid, "transferred")
    const call = yield* findAnywhere(continued, webhook)
    if (Option.isNone(call)) return yield* answers.hangUp(CallSid, "requested")
    return yield* answers.connect({
      call: call.value,
      base,
      asked: DialCallStatus === "" ? "afterStream" : "afterTransfer",
      step: Number(query["step"] ?? 0)
    })
  })

  return { begin, proceed }
})
