/**
 * Finds the call that a webhook is about: it is in this process, or the store knows it (docs/survival.md), or it begins.
 */
import { Effect, Option, Schema } from "effect"
import { Agents } from "../../agent/Agents.ts"
import type { Call } from "../../call/Call.ts"
import { isUnanswered } from "../../call/CallState.ts"
import * as CallerShare from "../../call/CallerShare.ts"
import { CallRegistry } from "../../call/CallRegistry.ts"
import { CallHasEnded } from "../../call/registry/Admission.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import { CallParameters, type ContinueParameters } from "../../twilio/webhook/WebhookParameters.ts"
import type { SignedWebhook } from "./SignedRequest.ts"
import * as StoredCalls from "./StoredCalls.ts"

const decodeCall = Schema.decodeUnknownEffect(CallParameters)

/** Whether a request for `/twiml` is of a call that was answered before: it was redirected, or Twilio requests the fallback URL. */
const isGoingOn = ({ CallStatus, Direction }: typeof CallParameters.Type) =>
  Direction === "inbound" && Option.contains(CallStatus, "in-progress")

export const make = Effect.gen(function*() {
  const registry = yield* CallRegistry
  const agents = yield* Agents
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
      ...(query["ticket"] === undefined ? {} : { ticket: query["ticket"] }),
      continueUrl: `${base}/twilio/continue`
    }, before)
  })

  return {
    /** The call of `/twiml`, admitted if it is new. `isNew`: the call is here, or has had no stream. */
    admitAnywhere: Effect.fnUntraced(function*(call: typeof CallParameters.Type, webhook: SignedWebhook) {
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
          // The call was answered before: a request that says that it still rings is a replay.
          if (standing._tag === "Live" && Option.exists(call.CallStatus, isUnanswered)) return yield* new CallHasEnded()
          return { call: yield* storedCalls.takeOver(standing.stored, webhook.base), isNew: standing._tag === "New" }
      }
    }),

    /** The call of `/twilio/continue`: in this process, taken over from another, or admitted if the store does not answer. `None`: there is no such call. */
    findAnywhere: Effect.fnUntraced(function*(continued: typeof ContinueParameters.Type, webhook: SignedWebhook) {
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
  }
})
