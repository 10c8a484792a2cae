/** Sends a request to one engine, if the engine's circuit allows it. Requests are bounded in time, counted and timed. */
import { Cause, Effect, Exit, Metric, Option, Scope } from "effect"
import { EngineFailed, type Stage } from "../../../conversation/ports/Engine.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import * as BudgetWatch from "../BudgetWatch.ts"
import type * as CircuitBreaker from "../CircuitBreaker.ts"
import type { EngineHealth } from "../EngineHealth.ts"
import type { Member } from "../Member.ts"
import * as RequestExit from "./RequestExit.ts"
import * as Retries from "../Retries.ts"

interface RequestOptions {
  /** ms to wait for the beginning of the answer. */
  readonly bound: number
  /** How often this engine was sent the request, from 1. */
  readonly tries: number
  /** Whether another engine has answered: an interruption then means that this engine was too slow. Default: none has. */
  readonly isBeaten?: () => boolean
  /** Wraps the request; the circuit and the time bound judge the wrapped one. */
  readonly around?: <A>(request: Effect.Effect<A, EngineFailed>) => Effect.Effect<A, EngineFailed>
}

/** The engine's circuit lets no request through. */
type Rejected = Extract<CircuitBreaker.Admission, { readonly _tag: "Wait" }>

type RequestOutcome<A> =
  /** `drop` releases the answer's resources. */
  | { readonly _tag: "Answered"; readonly answer: A; readonly drop: Effect.Effect<void> }
  | { readonly _tag: "Failed"; readonly cause: Cause.Cause<EngineFailed> }
  | Rejected

export interface EngineRequests {
  /** Makes a request. If it is answered, the answer's resources belong to `scope`. */
  readonly send: <A>(
    member: Member<unknown>,
    scope: Scope.Scope,
    request: Effect.Effect<A, EngineFailed, Scope.Scope>,
    options: RequestOptions
  ) => Effect.Effect<RequestOutcome<A>>
  /** ms until the engine is asked again after a failure; `undefined`: never. `until`: monotonic ms at which the request is given up. */
  readonly waitBefore: (options: {
    readonly name: string
    readonly cause: Cause.Cause<EngineFailed>
    readonly tries: number
    readonly until: number
    readonly retryAfter: number | undefined
  }) => number | undefined
}

interface MakeOptions {
  readonly stage: Stage
  readonly members: ReadonlyArray<Member<unknown>>
  readonly health: EngineHealth
  /** ms of a monotonic clock. */
  readonly monotonic: () => number
}

/** An engine is slower than the one that stood in for it. */
export const late = (stage: Stage, name: string): EngineFailed =>
  new EngineFailed({ stage, reason: "timeout", advice: `${name} was slower than the engine that stood in for it. Look at its load.` })

/** No request was sent, because the engine's circuit is in a pause. */
export const leftAlone = (stage: Stage, name: string): EngineFailed =>
  new EngineFailed({
    stage,
    reason: "unavailable",
    advice: `${name} has failed again and again and is left alone for a moment. Look into its log.`
  })

/** Counts requests by engine and outcome. A metric with attributes costs more to make than to update. */
const makeCounter = (stage: Stage) => {
  const counters = new Map<string, ReturnType<typeof Metrics.engineRequests>>()
  return (name: string, outcome: string): Effect.Effect<void> => {
    const key = `${name} ${outcome}`
    const counter = counters.get(key) ?? Metrics.engineRequests(stage, name, outcome)
    counters.set(key, counter)
    return Metric.update(counter, 1)
  }
}

export const make = ({ health, members, monotonic, stage }: MakeOptions): EngineRequests => {
  const budgetWatch = BudgetWatch.make(stage)
  const latencies = new Map(members.map(({ name }) => [name, Metrics.engineLatency(stage, name)]))
  const count = makeCounter(stage)

  /** Sends the request if the engine's circuit lets it through. An embedded engine has no circuit. */
  const guard = <A>(
    { name, probe }: Member<unknown>,
    request: Effect.Effect<A, EngineFailed>,
    { bound, isBeaten = () => false, tries }: RequestOptions
  ): Effect.Effect<A, EngineFailed | Rejected> =>
    probe === undefined ? request : Effect.suspend((): Effect.Effect<A, EngineFailed | Rejected> => {
      const admission = health.admit(name, tries)
      if (admission._tag === "Wait") return Effect.fail(admission)
      return request.pipe(
        Effect.timeoutOrElse({
          duration: Math.max(0, bound),
          orElse: () =>
            Effect.fail(
              new EngineFailed({ stage, reason: "timeout", advice: `${name} did not begin to answer in time. Look at its load and into its log.` })
            )
        }),
        Effect.onExit((exit) => {
          const outcome = RequestExit.isCalledOff(exit) && isBeaten() ? Exit.fail(late(stage, name)) : exit
          return health.noteRequest(name, { tries, isTrial: admission.isTrial }, outcome)
        })
      )
    })

  /** A failure says nothing about an engine's speed, unless the request was given up for slowness. */
  const noteTime = (member: Member<unknown>, millis: number, bound: number, failure?: EngineFailed): Effect.Effect<void> =>
    member.probe === undefined || failure !== undefined && failure.reason !== "timeout"
      ? Effect.void
      : budgetWatch.note(member.name, millis / 1000, bound / 1000)

  const send: EngineRequests["send"] = Effect.fnUntraced(function*<A>(
    member: Member<unknown>,
    scope: Scope.Scope,
    request: Effect.Effect<A, EngineFailed, Scope.Scope>,
    options: RequestOptions
  ): Effect.fn.Return<RequestOutcome<A>> {
    const requestScope = yield* Scope.fork(scope)
    const began = monotonic()
    const scoped = Scope.provide(request, requestScope)
    const exit = yield* Effect.exit(guard(member, options.around === undefined ? scoped : options.around(scoped), options))
    if (Exit.isSuccess(exit)) {
      yield* noteTime(member, monotonic() - began, options.bound)
      yield* count(member.name, "ok")
      yield* Metric.update(latencies.get(member.name)!, (monotonic() - began) / 1000)
      return { _tag: "Answered", answer: exit.value, drop: Scope.close(requestScope, exit) }
    }
    yield* Scope.close(requestScope, exit)
    const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    if (error?._tag === "Wait") return error
    if (error !== undefined) yield* noteTime(member, monotonic() - began, options.bound, error)
    yield* count(member.name, error === undefined ? "broken" : error.reason)
    return { _tag: "Failed", cause: exit.cause as Cause.Cause<EngineFailed> }
  })

  return {
    send,
    waitBefore: ({ cause, name, retryAfter, tries, until }) => {
      const now = monotonic()
      const { awaySince } = health.circuitOf(name)
      return Retries.waitBefore({
        reason: RequestExit.errorOf(Exit.failCause(cause))?.reason ?? "broken",
        tries,
        left: until - now,
        retryAfter,
        away: awaySince === undefined ? undefined : now - awaySince
      })
    }
  }
}
