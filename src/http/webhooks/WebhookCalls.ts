/**
 * Finds the call that a webhook is about: in this process or, if it is not here, in the store (docs/survival.md). A call that is in neither
 * is new.
 */
import { Effect, Option, Schema } from "effect"
import { Agents } from "../../agent/Agents.ts"
import type { Call } from "../../call/Call.ts"
import { isUnanswered } from "../../call/CallState.ts"
import * as CallerKey from "../../call/CallerKey.ts"
import { CallRegistry } from "../../call/CallRegistry.ts"
import { CallHasEnded } from "../../call/registry/Admission.ts"
import * as ExpectedCalls from "../../call/registry/ExpectedCalls.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import { CallParameters, type ContinueParameters } from "../../twilio/webhook/WebhookParameters.ts"
import { Stopping } from "../api/Problems.ts"
import type { SignedWebhook } from "./SignedRequest.ts"
import * as CallsElsewhere from "./CallsElsewhere.ts"

/** For a call that goes on, `LineBusy` means that this process is stopping. Twilio's next attempt may reach another process. */
const stoppingProblem = () => new Stopping({ detail: "This process is stopping. Another process must go on with this call." })

const decodeCall = Schema.decodeUnknownEffect(CallParameters)

/** Whether a request for `/twiml` is about a call that was answered earlier. Such a call was redirected, or Twilio requests the fallback URL. */
const wasAnswered = ({ CallStatus, Direction }: typeof CallParameters.Type) =>
  Direction === "inbound" && Option.contains(CallStatus, "in-progress")

const noCall = () => Effect.succeed(Option.none<Call>())

export const make = Effect.gen(function*() {
  const registry = yield* CallRegistry
  const agents = yield* Agents
  const callsElsewhere = yield* CallsElsewhere.make

  /** The agent for a call. The webhook's URL may name the agent: `/twiml?agent=…`. Otherwise the called number decides. */
  const agentFor = (name: string | undefined, called: Option.Option<PhoneNumber>) =>
    name === undefined ? Effect.succeed(agents.forNumber(called)) : agents.find(name)

  /** `store`: the store has nothing about the call, or does not answer. `isGoingOn`: the call was answered earlier. */
  const admit = Effect.fnUntraced(function*(
    call: typeof CallParameters.Type,
    { base, parameters, query }: SignedWebhook,
    { isGoingOn, store }: { readonly store: "nothing" | "unreachable"; readonly isGoingOn: boolean }
  ) {
    const isInbound = call.Direction === "inbound"
    // A call that goes on is not new, even if the store does not answer.
    const before = store === "unreachable" && isGoingOn ? store : undefined
    const named = agentFor(query["agent"], isInbound ? call.To : Option.none())
    // The process that had the call may have had agents that this process lacks.
    const agent = yield* before === undefined ? named : Effect.orElseSucceed(named, () => agents.standard)
    const callerKey = isInbound ? CallerKey.of(parameters["From"]) : undefined
    // The URL of a call that we place names its agent. Without an agent, the request came by the fallback URL. The settings with which the
    // call was placed are then unknown.
    const areSettingsUnknown = store === "unreachable" && !isInbound && query["agent"] === undefined
    const ticket = query["ticket"] ?? (areSettingsUnknown ? ExpectedCalls.figuresOnly : undefined)
    return yield* registry.admit({
      callSid: call.CallSid,
      direction: isInbound ? "inbound" : "outbound",
      from: call.From,
      to: call.To,
      agent,
      ...(callerKey === undefined ? {} : { callerKey }),
      ...(ticket === undefined ? {} : { ticket }),
      baseUrl: base
    }, before)
  })

  /** Whether another process placed the call, and may be about to store it. */
  const isPlacedElsewhere = ({ query }: SignedWebhook) =>
    query["ticket"] === undefined ? Effect.succeed(false) : Effect.map(registry.isExpected(query["ticket"]), (isExpected) => !isExpected)

  return {
    /**
     * Finds the call of a request for `/twiml`, and admits it if it is new. `request` is `afterStream` if the call had a stream in a process
     * that has died; the request then came by the fallback URL. Otherwise `request` is `first`, also for a replay of the first request.
     */
    admitAnywhere: Effect.fnUntraced(function*(call: typeof CallParameters.Type, webhook: SignedWebhook) {
      const here = yield* registry.find(call.CallSid)
      if (Option.isSome(here)) return { call: here.value, request: "first" as const }
      const standing = yield* callsElsewhere.standing(call.CallSid, yield* isPlacedElsewhere(webhook))
      switch (standing._tag) {
        case "Unknown":
          return { call: yield* admit(call, webhook, { store: "nothing", isGoingOn: false }), request: "first" as const }
        case "Unreachable": {
          const isGoingOn = wasAnswered(call)
          return { call: yield* admit(call, webhook, { store: "unreachable", isGoingOn }), request: isGoingOn ? "afterStream" as const : "first" as const }
        }
        case "Ended":
          return yield* new CallHasEnded()
        case "New":
        case "Live":
          // The call was answered earlier, so a request that says that it still rings is a replay.
          if (standing._tag === "Live" && Option.exists(call.CallStatus, isUnanswered)) return yield* new CallHasEnded()
          return { call: yield* Effect.catchTag(callsElsewhere.takeOver(standing.stored, webhook.base), "LineBusy", stoppingProblem), request: standing._tag === "New" ? "first" as const : "afterStream" as const }
      }
    }),

    /**
     * Finds the call of a request for `/twilio/continue` in this process, or takes it over from another. If the store does not answer, the
     * call is admitted. `None`: there is no such call.
     */
    findAnywhere: Effect.fnUntraced(function*(continued: typeof ContinueParameters.Type, webhook: SignedWebhook) {
      const here = yield* registry.find(continued.CallSid)
      if (Option.isSome(here)) return here
      const standing = yield* callsElsewhere.standing(continued.CallSid)
      switch (standing._tag) {
        case "Unknown":
        case "Ended":
          return Option.none<Call>()
        case "Unreachable": {
          const call = yield* Effect.option(decodeCall(webhook.parameters))
          return Option.isNone(call) ? Option.none<Call>() : Option.some(yield* admit(call.value, webhook, { store: "unreachable", isGoingOn: true }))
        }
        case "New":
        case "Live":
          return Option.some(yield* callsElsewhere.takeOver(standing.stored, webhook.base))
      }
    }, Effect.catchTag("LineBusy", stoppingProblem), Effect.catchTags({ CallHasEnded: noCall, UnknownAgent: noCall }))
  }
})
