/** Probes each server in the background. So no caller waits for a request that only finds out whether a failed server is back. */
import { Duration, Effect, Metric, type Scope } from "effect"
import { EngineFailed, type Stage } from "../../conversation/ports/Engine.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import type { EngineHealth } from "./EngineHealth.ts"
import type { Member } from "./Member.ts"

/** The time between probes of an engine that is well, and of an engine that is not. */
const intervalWhenWell = Duration.seconds(20)
const intervalWhenUnwell = Duration.seconds(2)

/** The time-out is long, because a server that is busy with requests may take a while to answer a probe. */
const probeTimeout = Duration.seconds(5)

interface ForkOptions {
  readonly stage: Stage
  readonly health: EngineHealth
  /** ms of a monotonic clock. */
  readonly monotonic: () => number
  /** Whether the failure is an answer of the server, such as an error status. A probe's error status says little about requests. */
  readonly isServerAnswer: (error: EngineFailed) => boolean
}

/**
 * Probes an engine once. It is not probed if a request was answered in the last 20 s, because this answer shows as much as a probe. It is
 * not probed while a request runs either, because a server may do only one thing at a time. Once requests work, an error status in answer
 * to a probe does not count as a failure.
 */
const probeOnce = (name: string, probe: Effect.Effect<void, EngineFailed>, { health, isServerAnswer, monotonic, stage }: ForkOptions) =>
  Effect.suspend(() => {
    if (health.isRunning(name)) return Effect.void
    if ((health.millisSinceWork(name) ?? Infinity) < Duration.toMillis(intervalWhenWell)) return Effect.void
    if (!CircuitBreaker.takesProbe(health.circuitOf(name), monotonic())) return Effect.void
    return probe.pipe(
      Effect.timeoutOrElse({
        duration: probeTimeout,
        orElse: () =>
          Effect.fail(new EngineFailed({ stage, reason: "timeout", advice: `${name} did not answer a probe. Look at its load and into its log.` }))
      }),
      Effect.catchIf(
        // A refusal is an answer, so the server works.
        (error) => error.reason === "refused" || (health.millisSinceWork(name) !== undefined && isServerAnswer(error)),
        () => Effect.void
      ),
      Effect.onExit((exit) => health.noteProbe(name, exit)),
      Effect.ignoreCause
    )
  })

/** Probes all members that have a probe, until the scope is closed. */
export const fork = Effect.fnUntraced(function*(
  members: ReadonlyArray<Member<unknown>>,
  options: ForkOptions
): Effect.fn.Return<void, never, Scope.Scope> {
  for (const { name, probe } of members) {
    if (probe === undefined) continue
    yield* Metric.update(Metrics.engineUp(options.stage, name), 0)
    yield* probeOnce(name, probe, options).pipe(
      Effect.andThen(Effect.suspend(() => Effect.sleep(options.health.isWell(name) === true ? intervalWhenWell : intervalWhenUnwell))),
      Effect.forever,
      Effect.forkScoped
    )
  }
})
