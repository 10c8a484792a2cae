/**
 * Places calls: checks the request, waits for a dial slot, dials once.
 *
 * A dial that has begun is finished even if the client disconnects. The outcome is kept under the client's `Idempotency-Key`, so that a
 * repeated request does not ring the phone again.
 */
import { Clock, Context, Effect, Fiber, FiberSet, Layer, Option, Predicate } from "effect"
import { Agents } from "../agent/Agents.ts"
import { AppConfig } from "../config/AppConfig.ts"
import { Credentials } from "../config/Credentials.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import { RestClient } from "../twilio/rest/RestClient.ts"
import * as WebhookUrls from "../twilio/webhook/WebhookUrls.ts"
import type { CallSettings } from "./CallInfo.ts"
import { CallRegistry } from "./CallRegistry.ts"
import * as SettingsChoice from "./history/SettingsChoice.ts"
import * as DialLimits from "./outbound/DialLimits.ts"
import * as DialPlan from "./outbound/DialPlan.ts"
import * as DialSlots from "./outbound/DialSlots.ts"
import * as IdempotencyKeys from "./outbound/IdempotencyKeys.ts"
import { mayHaveRung, type OutboundError, type OutboundRequest, type PlacedCall } from "./outbound/OutboundRequest.ts"
import { LineBusy } from "./registry/Admission.ts"

const isRecord = (value: unknown): value is object => Predicate.isObject(value) && !Array.isArray(value)

/** JSON in which the members of each object are in the order of their names. JSON gives their order no meaning. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => one < other ? -1 : 1)) : inner)

/** Equal for requests that ask for the same call. */
const fingerprintOf = ({ agent, settings, to, websocketUrl }: OutboundRequest) =>
  canonicalJson([to, Option.getOrNull(agent), Option.getOrNull(websocketUrl), settings])

export class OutboundCalls extends Context.Service<OutboundCalls, {
  /** Completes when Twilio has accepted the call: the phone then rings, or soon will. */
  readonly place: (request: OutboundRequest) => Effect.Effect<PlacedCall, OutboundError>
}>()("client-caller/call/OutboundCalls") {
  static readonly layer = Layer.effect(
    OutboundCalls,
    Effect.gen(function*() {
      const config = yield* AppConfig
      const registry = yield* CallRegistry
      const rest = yield* RestClient
      const planFor = DialPlan.make(config, yield* Credentials, yield* Agents)
      const dials = yield* FiberSet.make<PlacedCall, OutboundError>()
      const limits = DialLimits.make(config.dialling)
      const slots = DialSlots.make(config.twilio.callsPerSecond)
      const keys = IdempotencyKeys.make<PlacedCall, OutboundError>(mayHaveRung)
      const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

      /** Counts a dial for the limits of `DialLimits`, and runs it. If it fails and no phone can have rung, it does not count. */
      const runCounted = Effect.fnUntraced(function*<A>(to: PhoneNumber, dial: Effect.Effect<A, OutboundError>) {
        const uncount = yield* Effect.fromResult(limits.count(to, yield* monotonicMillis))
        return yield* Effect.tapError(dial, (error) => Effect.sync(() => mayHaveRung(error) || uncount()))
      })

      const dialInSlot = Effect.fnUntraced(function*(request: OutboundRequest, { from, url }: DialPlan.DialPlan) {
        const queuedMillis = yield* Effect.fromResult(slots.take(yield* monotonicMillis))
        yield* Effect.sleep(queuedMillis)
        // While the call waited for its slot, the service may have begun to stop.
        if (yield* registry.isDraining) return yield* new LineBusy({ reason: "draining" })
        const dialled = yield* rest.dial({ to: request.to, from, url, statusCallback: WebhookUrls.of(request.baseUrl, "/twilio/status") })
        return { ...dialled, queuedMillis }
      })

      /** If the request has settings, adds a ticket to the URL. Twilio may request the URL before we know the call's SID. */
      const withTicket = Effect.fnUntraced(function*(request: OutboundRequest, url: string, settings: CallSettings) {
        if (Object.keys(request.settings).length === 0) return url
        return `${url}&ticket=${yield* registry.expect(settings)}`
      })

      const dial = Effect.fn("OutboundCalls.dial")(function*(request: OutboundRequest) {
        const { baseUrl, to } = request
        const plan = yield* planFor(request)
        const { agent, from } = plan
        const settings = SettingsChoice.of(agent, config.store.numbers, request.settings)
        yield* registry.reserve
        const dialled = yield* runCounted(to, dialInSlot(request, { ...plan, url: yield* withTicket(request, plan.url, settings) }))
        yield* registry.adopt({
          callSid: dialled.callSid,
          direction: "outbound",
          from: Option.some(from),
          to: Option.some(to),
          agent,
          baseUrl,
          settings
        })
        return { ...dialled, to, from, agent: agent.name }
      }, Effect.scoped)

      /** Runs the dial in a fiber of the service, so that a client that disconnects does not stop it. */
      const inServiceFiber = (dial: Effect.Effect<PlacedCall, OutboundError>) => Effect.flatMap(FiberSet.run(dials, dial), Fiber.join)

      return OutboundCalls.of({
        place: Effect.fnUntraced(function*(request) {
          if (Option.isNone(request.idempotencyKey)) return yield* inServiceFiber(dial(request))
          const claim = yield* keys.claim(request.idempotencyKey.value, fingerprintOf(request))
          return yield* claim._tag === "Again" ? claim.outcome : inServiceFiber(claim.settle(dial(request)))
        })
      })
    })
  )
}
