/** Sends a request to one engine, if the engine's circuit allows it. Requests are counted and their durations are measured. */
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
  readonly timeout: number
  /** How often the request was sent to this engine, from 1. */
  readonly tries: number
  /** Whether another engine has answered. Then an interruption means that this engine was too slow. Default: no engine has. */
  readonly isBeaten?: () => boolean
  /** Wraps the request. The circuit and the time-out apply to the wrapped request. */
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
  /** ms until the engine is asked again after a failure; `undefined`: never. `until`: when the request is given up (monotonic ms). */
  readonly waitBeforeRetry: (options: {
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

/** The failure of an engine whose request was aborted, because another engine answered first. */
export const tooSlow = (stage: Stage, name: string): EngineFailed =>
  new EngineFailed({ stage, reason: "timeout", advice: `${name} was slower than another engine, which answered the request. Look at its load.` })

/** The failure of a request that was not sent, because the engine's circuit is in a pause. */
export const inPause = (stage: Stage, name: string): EngineFailed =>
  new EngineFailed({
    stage,
    reason: "unavailable",
    advice: `${name} has failed several times in a row and gets no requests for a moment. Look into its log.`
  })

/** Counts requests by engine and outcome. The counters are kept, because making a metric with attributes costs more than an update. */
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

  /** Sends the request if the engine's circuit lets it through. An embedded engine has no circuit and no time-out. */
  const sendIfAllowed = <A>(
    { name, probe }: Member<unknown>,
    request: Effect.Effect<A, EngineFailed>,
    { isBeaten = () => false, timeout, tries }: RequestOptions
  ): Effect.Effect<A, EngineFailed | Rejected> =>
    probe === undefined ? request : Effect.suspend((): Effect.Effect<A, EngineFailed | Rejected> => {
      const admission = health.admit(name, tries)
      if (admission._tag === "Wait") return Effect.fail(admission)
      return request.pipe(
        Effect.timeoutOrElse({
          duration: Math.max(0, timeout),
          orElse: () =>
            Effect.fail(
              new EngineFailed({ stage, reason: "timeout", advice: `${name} did not begin to answer in time. Look at its load and into its log.` })
            )
        }),
        Effect.onExit((exit) => {
          const outcome = RequestExit.isInterrupted(exit) && isBeaten() ? Exit.fail(tooSlow(stage, name)) : exit
          return health.noteRequest(name, { tries, isTrial: admission.isTrial }, outcome)
        })
      )
    })

  /** Notes how long an engine took. A failure says nothing about the engine's speed, unless it is a time-out. */
  const noteTime = (member: Member<unknown>, millis: number, timeout: number, failure?: EngineFailed): Effect.Effect<void> =>
    member.probe === undefined || failure !== undefined && failure.reason !== "timeout"
      ? Effect.void
      : budgetWatch.note(member.name, millis / 1000, timeout / 1000)

  const send: EngineRequests["send"] = Effect.fnUntraced(function*<A>(
    member: Member<unknown>,
    scope: Scope.Scope,
    request: Effect.Effect<A, EngineFailed, Scope.Scope>,
    options: RequestOptions
  ): Effect.fn.Return<RequestOutcome<A>> {
    const requestScope = yield* Scope.fork(scope)
    const began = monotonic()
    const scoped = Scope.provide(request, requestScope)
    const exit = yield* Effect.exit(sendIfAllowed(member, options.around === undefined ? scoped : options.around(scoped), options))
    if (Exit.isSuccess(exit)) {
      yield* noteTime(member, monotonic() - began, options.timeout)
      yield* count(member.name, "ok")
      yield* Metric.update(latencies.get(member.name)!, (monotonic() - began) / 1000)
      return { _tag: "Answered", answer: exit.value, drop: Scope.close(requestScope, exit) }
    }
    yield* Scope.close(requestScope, exit)
    const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    if (error?._tag === "Wait") return error
    if (error !== undefined) yield* noteTime(member, monotonic() - began, options.timeout, error)
    yield* count(member.name, error === undefined ? "broken" : error.reason)
    return { _tag: "Failed", cause: exit.cause as Cause.Cause<EngineFailed> }
  })

  return {
    send,
    waitBeforeRetry: ({ cause, name, retryAfter, tries, until }) => {
      const now = monotonic()
      const { unreachableSince } = health.circuitOf(name)
      return Retries.waitBeforeRetry({
        reason: RequestExit.errorOf(Exit.failCause(cause))?.reason ?? "broken",
        tries,
        left: until - now,
        retryAfter,
        unreachableFor: unreachableSince === undefined ? undefined : now - unreachableSince
      })
    }
  }
}
