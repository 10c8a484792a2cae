/**
 * Places calls: checks what was asked, waits for its turn at Twilio, dials once.
 *
 * A dial that was begun is finished even if the client who asked for it goes away, and its outcome is
 * kept under the client's `Idempotency-Key`, so that asking again does not ring again.
 */
import { Clock, Context, Data, Deferred, Duration, Effect, Fiber, FiberSet, Layer, Option, Result } from "effect"
import { Agents, type UnknownAgent } from "../agent/Agents.ts"
import { AppConfig } from "../config/AppConfig.ts"
import { Credentials } from "../config/Credentials.ts"
import type { AgentName } from "../domain/AgentName.ts"
import * as DialRules from "../domain/DialRules.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { CallSid } from "../domain/Sid.ts"
import { RestClient, type TwilioError } from "../twilio/rest/RestClient.ts"
import { CallRegistry } from "./CallRegistry.ts"
import * as MediaHost from "./MediaHost.ts"
import * as DialLimits from "./outbound/DialLimits.ts"
import { LineBusy } from "./registry/Admission.ts"

export interface OutboundRequest {
  readonly to: PhoneNumber
  readonly agent: Option.Option<AgentName>
  /** A media WebSocket other than this service's own. */
  readonly websocketUrl: Option.Option<string>
  readonly idempotencyKey: Option.Option<string>
  /** Where Twilio reaches this service: `https://…`, without a trailing slash. */
  readonly baseUrl: string
}

export interface PlacedCall {
  readonly callSid: CallSid
  readonly status: string
  readonly to: PhoneNumber
  readonly from: PhoneNumber
  readonly agent: AgentName
  /** How long the call waited for its turn at Twilio, in ms. */
  readonly queuedMillis: number
}

/** The service lacks what it needs to place calls. */
export class OutboundNotConfigured extends Data.TaggedError("OutboundNotConfigured")<{
  readonly missing: ReadonlyArray<string>
}> {
  override get message() {
    return `Calls can't be placed yet. Set ${this.missing.join(", ")} and start the service again.`
  }
}

/** The asked media WebSocket is not one that this service may send calls to. */
export class WebSocketUrlRefused extends Data.TaggedError("WebSocketUrlRefused")<{ readonly why: string }> {
  override get message() {
    return `websocket_url ${this.why}. Use the host of PUBLIC_URL, or add the host to WEBSOCKET_HOSTS.`
  }
}

/** The number is one that is not dialled. */
export class NumberRefused extends Data.TaggedError("NumberRefused")<DialRules.DialRefusal> {}

/** In the last 24 hours as many calls were placed as may be. */
export class DialLimitReached extends Data.TaggedError("DialLimitReached")<{
  readonly limit: DialLimits.LimitReached["limit"]
  readonly retryAfter: Duration.Duration
}> {
  override get message() {
    const dials = this.limit === "DIAL_MAX_PER_DAY" ? "In the last 24 hours" : "To this number, in the last 24 hours,"
    return `${dials} as many calls were placed as ${this.limit} allows (rule ${this.limit}). Try again when the oldest is a day ago, `
      + `or raise ${this.limit} and start the service again.`
  }
}

/** Too many calls wait for their turn at Twilio already. */
export class TooManyWaiting extends Data.TaggedError("TooManyWaiting")<{ readonly retryAfter: Duration.Duration }> {
  override get message() {
    return `Calls are placed at CALLS_PER_SECOND, and the next free turn is ${
      Duration.format(this.retryAfter)
    } away. Try again then, or raise CALLS_PER_SECOND if the account allows it.`
  }
}

/** The same `Idempotency-Key` came with another request. */
export class IdempotencyConflict extends Data.TaggedError("IdempotencyConflict") {
  override get message() {
    return "This Idempotency-Key was used for another request. Use a new key for a new call."
  }
}

export type OutboundError =
  | OutboundNotConfigured
  | WebSocketUrlRefused
  | NumberRefused
  | DialLimitReached
  | TooManyWaiting
  | IdempotencyConflict
  | UnknownAgent
  | LineBusy
  | TwilioError

/** The longest that a request waits for its turn. */
const maxWait = Duration.seconds(10)

/** How many idempotency keys are kept, and how long. */
const maxKeys = 10_000
const keyLifetimeMillis = Duration.toMillis(Duration.hours(24))

/** Whether the phone may ring, or have rung, though we can't tell: another try could ring it twice. */
const mayHaveRung = (error: OutboundError) =>
  error._tag === "TwilioError" && (error.failure === "timedOut" || error.failure === "interrupted" || error.failure === "failed")

interface Kept {
  readonly fingerprint: string
  readonly outcome: Deferred.Deferred<PlacedCall, OutboundError>
  /** Monotonic ms. */
  readonly until: number
}

export class OutboundCalls extends Context.Service<OutboundCalls, {
  readonly place: (request: OutboundRequest) => Effect.Effect<PlacedCall, OutboundError>
}>()("client-caller/call/OutboundCalls") {
  static readonly layer = Layer.effect(
    OutboundCalls,
    Effect.gen(function*() {
      const config = yield* AppConfig
      const identity = yield* Credentials
      const agents = yield* Agents
      const registry = yield* CallRegistry
      const rest = yield* RestClient
      const dials = yield* FiberSet.make<PlacedCall, OutboundError>()
      const kept = new Map<string, Kept>()
      const limits = DialLimits.make(config.dialling)
      const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
      /** Monotonic ms, which may be negative. */
      let nextTurn = -Infinity

      const missing = [
        ...identity.isLocalAccount && Option.isNone(config.twilio.apiBaseUrl)
          ? ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]
          : [],
        ...Option.isNone(config.twilio.phoneNumber) ? ["TWILIO_PHONE_NUMBER"] : []
      ]

      /** Twilio itself opens media streams by wss alone; a stand-in on this machine opens others too. */
      const isReachable = (baseUrl: string) => Option.isSome(config.twilio.apiBaseUrl) || baseUrl.startsWith("https:")

      const from = Effect.suspend(() =>
        Option.isSome(config.twilio.phoneNumber) && missing.length === 0
          ? Effect.succeed(config.twilio.phoneNumber.value)
          : Effect.fail(new OutboundNotConfigured({ missing }))
      )

      /** Counts the dial while its outcome is open, and for a day if a phone may have rung. */
      const countDial = Effect.fnUntraced(function*<A>(to: PhoneNumber, dial: Effect.Effect<A, OutboundError>) {
        const taken = limits.take(to, yield* monotonicMillis)
        if (Result.isSuccess(taken)) return yield* Effect.tapError(dial, (error) => Effect.sync(() => mayHaveRung(error) || taken.success()))
        const { limit, waitMillis } = taken.failure
        return yield* new DialLimitReached({ limit, retryAfter: Duration.millis(waitMillis) })
      })

      /** Takes the next free turn; gives the wait in ms. */
      const takeTurn = Effect.fnUntraced(function*() {
        const now = yield* monotonicMillis
        const turn = Math.max(now, nextTurn)
        const wait = Duration.millis(turn - now)
        if (Duration.isGreaterThan(wait, maxWait)) return yield* new TooManyWaiting({ retryAfter: wait })
        nextTurn = turn + 1000 / config.twilio.callsPerSecond
        yield* Effect.sleep(wait)
        return Duration.toMillis(wait)
      })

      const dial = Effect.fn("OutboundCalls.dial")(function*(request: OutboundRequest) {
        const caller = yield* from
        if (!isReachable(request.baseUrl)) return yield* new OutboundNotConfigured({ missing: ["PUBLIC_URL (https)"] })
        const agent = Option.isSome(request.agent) ? yield* agents.find(request.agent.value) : agents.standard
        const url = new URL(`${request.baseUrl}/twiml`)
        url.searchParams.set("agent", agent.name)
        if (Option.isSome(request.websocketUrl)) {
          const own = new URL(request.baseUrl).host
          const websocketUrl = MediaHost.check(request.websocketUrl.value, [own, ...config.server.websocketHosts])
          if (Result.isFailure(websocketUrl)) return yield* new WebSocketUrlRefused({ why: websocketUrl.failure })
          url.searchParams.set("websocket_url", websocketUrl.success)
        }
        const refusal = DialRules.refusal(config.dialling.rules, request.to)
        if (Option.isSome(refusal)) return yield* new NumberRefused(refusal.value)
        yield* registry.reserve
        const { dialled, queuedMillis } = yield* countDial(request.to, Effect.gen(function*() {
          const queuedMillis = yield* takeTurn()
          // While it waited for its turn, the service may have begun to stop.
          if (yield* registry.isDraining) return yield* new LineBusy({ reason: "draining" })
          const dialled = yield* rest.dial({
            to: request.to,
            from: caller,
            url: url.href,
            statusCallback: `${request.baseUrl}/twilio/status`
          })
          return { dialled, queuedMillis }
        }))
        yield* registry.adopt({
          callSid: dialled.callSid,
          direction: "outbound",
          from: Option.some(caller),
          to: Option.some(request.to),
          agent,
          continueUrl: `${request.baseUrl}/twilio/continue`
        })
        return { ...dialled, to: request.to, from: caller, agent: agent.name, queuedMillis }
      }, Effect.scoped)

      /** In a fiber of the service's own: a client that goes away does not stop a dial that was begun. */
      const dialToTheEnd = (request: OutboundRequest) => Effect.flatMap(FiberSet.run(dials, dial(request)), Fiber.join)

      const place = Effect.fnUntraced(function*(request: OutboundRequest) {
        if (Option.isNone(request.idempotencyKey)) return yield* dialToTheEnd(request)
        const key = request.idempotencyKey.value
        const fingerprint = JSON.stringify([
          request.to,
          Option.getOrNull(request.agent),
          Option.getOrNull(request.websocketUrl)
        ])
        const now = yield* monotonicMillis
        for (const [old, { until }] of kept) {
          if (until > now && kept.size < maxKeys) break
          kept.delete(old)
        }
        const before = kept.get(key)
        if (before !== undefined) {
          return before.fingerprint === fingerprint
            ? yield* Deferred.await(before.outcome)
            : yield* new IdempotencyConflict()
        }
        const outcome = Deferred.makeUnsafe<PlacedCall, OutboundError>()
        kept.set(key, { fingerprint, outcome, until: now + keyLifetimeMillis })
        const settled = dial(request).pipe(
          Effect.tapError((error) => Effect.sync(() => mayHaveRung(error) || kept.delete(key))),
          Effect.onExit((exit) => Deferred.done(outcome, exit))
        )
        return yield* Effect.flatMap(FiberSet.run(dials, settled), Fiber.join)
      })

      return OutboundCalls.of({ place })
    })
  )
}
