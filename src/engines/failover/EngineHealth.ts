/**
 * Tracks the health of each engine of a stage: its circuit, whether its last request was answered, when it last worked, and the number of
 * its running requests. A change is logged once and updates a metric.
 */
import { Cause, Duration, Effect, Exit, Metric, Option } from "effect"
import type { EngineFailed, EngineState, Stage } from "../../conversation/ports/Engine.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import type { Member } from "./Member.ts"
import * as RequestExit from "./request/RequestExit.ts"

interface MakeOptions {
  readonly stage: Stage
  /** The stage has only one engine. */
  readonly isAlone: boolean
  /** ms of a monotonic clock. */
  readonly monotonic: () => number
  /** The pause that the server asked for. Default: none. */
  readonly retryAfter?: ((error: EngineFailed) => Option.Option<Duration.Duration>) | undefined
  /** Whether the failure is an answer of the server, such as an error status. Default: it is not. */
  readonly isServerAnswer?: ((error: EngineFailed) => boolean) | undefined
}

interface RequestDetails {
  /** How often the request was sent to this engine, from 1. */
  readonly tries: number
  /** The request tests whether the engine is back after a pause. */
  readonly isTrial: boolean
}

export interface EngineHealth {
  readonly circuitOf: (name: string) => CircuitBreaker.CircuitBreaker
  /** The pause (ms) that the server asked for with this failure. */
  readonly retryAfterOf: (error: EngineFailed | undefined) => number | undefined
  /** Whether a request may be sent now, for the `tries`-th time. An admitted request counts as running until `noteRequest`. */
  readonly admit: (name: string, tries: number) => CircuitBreaker.Admission
  readonly noteRequest: (name: string, details: RequestDetails, exit: Exit.Exit<unknown, EngineFailed>) => Effect.Effect<void>
  readonly noteProbe: (name: string, exit: Exit.Exit<void, EngineFailed>) => Effect.Effect<void>
  /** Whether the engine's last request or probe was answered; `undefined` before the first. */
  readonly isWell: (name: string) => boolean | undefined
  readonly isRunning: (name: string) => boolean
  /** ms since a request was answered; `undefined` if a request has failed since, or none was made. */
  readonly millisSinceWork: (name: string) => number | undefined
  readonly stateOf: (member: Member<unknown>) => EngineState["state"]
  /** Whether requests go to this engine: it is not down and its circuit has no pause. */
  readonly isPreferable: (member: Member<unknown>) => boolean
}

export const make = ({ isAlone, isServerAnswer = () => false, monotonic, retryAfter, stage }: MakeOptions): EngineHealth => {
  const circuits = new Map<string, CircuitBreaker.CircuitBreaker>()
  const isWellByName = new Map<string, boolean>()
  /** Monotonic ms of the last answered request, if no request has failed since. */
  const workedAt = new Map<string, number>()
  const runningRequests = new Map<string, number>()

  const circuitOf: EngineHealth["circuitOf"] = (name) => circuits.get(name) ?? CircuitBreaker.closed

  const retryAfterOf: EngineHealth["retryAfterOf"] = (error) =>
    error === undefined ? undefined : Option.getOrUndefined(Option.map(retryAfter?.(error) ?? Option.none(), Duration.toMillis))

  const countFailure = (name: string, exit: Exit.Exit<unknown, EngineFailed>, isRepeated: boolean): void => {
    const error = RequestExit.errorOf(exit)
    const failure = { isUnreachable: error?.reason === "unavailable" && !isServerAnswer(error), retryAfter: retryAfterOf(error), isRepeated }
    circuits.set(name, CircuitBreaker.failed(circuitOf(name), monotonic(), failure, isAlone))
  }

  /** Updates the metric, and logs a change. */
  const reportHealth = (name: string, exit: Exit.Exit<unknown, EngineFailed>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const isWell = RequestExit.isWell(exit)
      const wasWell = isWellByName.get(name) ?? true
      isWellByName.set(name, isWell)
      const gauge = Metric.update(Metrics.engineUp(stage, name), isWell ? 1 : 0)
      if (isWell === wasWell) return gauge
      const advice = RequestExit.errorOf(exit)?.advice
      const log = isWell ? Effect.logInfo("An engine is back") : Effect.logWarning(`An engine fails${advice === undefined ? "" : `: ${advice}`}`)
      return Effect.andThen(gauge, Effect.annotateLogs(log, { stage, engine: name }))
    })

  const stateOf: EngineHealth["stateOf"] = ({ name, probe }) => {
    if (probe === undefined) return "up"
    if (CircuitBreaker.isDown(circuitOf(name))) return "down"
    const isWell = isWellByName.get(name)
    return isWell === undefined ? "unknown" : isWell ? "up" : "failing"
  }

  return {
    circuitOf,
    retryAfterOf,
    admit: (name, tries) => {
      const [admission, circuit] = CircuitBreaker.admit(circuitOf(name), monotonic(), !isAlone && tries > 1)
      circuits.set(name, circuit)
      if (admission._tag === "Go") runningRequests.set(name, (runningRequests.get(name) ?? 0) + 1)
      return admission
    },
    noteRequest: (name, { isTrial, tries }, exit) => {
      runningRequests.set(name, (runningRequests.get(name) ?? 1) - 1)
      if (RequestExit.isInterrupted(exit)) {
        if (isTrial) circuits.set(name, CircuitBreaker.trialInterrupted(circuitOf(name)))
        return Effect.void
      }
      if (RequestExit.isWell(exit)) {
        circuits.set(name, CircuitBreaker.succeeded)
        if (Exit.isSuccess(exit)) workedAt.set(name, monotonic())
      } else {
        countFailure(name, exit, tries > 1)
        workedAt.delete(name)
      }
      return reportHealth(name, exit)
    },
    // A server that answers a probe with an error status can be reached. Only requests show whether it works, so the status is no failure.
    noteProbe: (name, exit) => {
      if (RequestExit.isInterrupted(exit)) return Effect.void
      if (Exit.isSuccess(exit)) circuits.set(name, CircuitBreaker.probeSucceeded(circuitOf(name)))
      else if (!Option.exists(Cause.findErrorOption(exit.cause), isServerAnswer)) countFailure(name, exit, false)
      return reportHealth(name, exit)
    },
    isWell: (name) => isWellByName.get(name),
    isRunning: (name) => (runningRequests.get(name) ?? 0) > 0,
    millisSinceWork: (name) => {
      const worked = workedAt.get(name)
      return worked === undefined ? undefined : monotonic() - worked
    },
    stateOf,
    isPreferable: (member) => stateOf(member) !== "down" && !CircuitBreaker.isOpen(circuitOf(member.name), monotonic())
  }
}
