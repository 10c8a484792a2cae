/**
 * One request to several engines. The first engine in the list begins. Each further engine joins when the engine before it is late or has
 * failed. The first answer counts.
 */
import { Cause, Deferred, Effect, Exit, Latch, Metric, Scope } from "effect"
import type { EngineFailed, Stage } from "../../../conversation/ports/Engine.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import type { EngineHealth } from "../EngineHealth.ts"
import * as EngineRequests from "./EngineRequests.ts"
import type { Attempt, Member } from "../Member.ts"
import * as RequestExit from "./RequestExit.ts"
import * as TimeShares from "../TimeShares.ts"

interface RunOptions<S> {
  readonly stage: Stage
  readonly members: ReadonlyArray<Member<S>>
  readonly health: EngineHealth
  readonly requests: EngineRequests.EngineRequests
  /** ms of a monotonic clock. */
  readonly monotonic: () => number
  /** ms that the caller waits. */
  readonly budget: number
  /** ms after which the next engine joins a late engine. */
  readonly hedgeAfter: number
}

/** The resources of the answer belong to the scope. The other engines' resources are released. */
export const run = Effect.fnUntraced(function*<S, A>(
  attempt: Attempt<S, A>,
  { budget, health, hedgeAfter, members, monotonic, requests, stage }: RunOptions<S>
): Effect.fn.Return<A, EngineFailed, Scope.Scope> {
  const scope = yield* Effect.scope
  const began = monotonic()
  const result = yield* Deferred.make<A, EngineFailed>()
  /** An engine joins when its gate is completed. */
  const gates = yield* Effect.forEach(members, () => Deferred.make<void>())
  /** The latch is open while no engine has a running request. */
  const idle = yield* Latch.make(true)
  let runningRequests = 0
  /** The indices of the engines that may still answer. */
  const remaining = new Set(members.keys())
  let firstFailure: Cause.Cause<EngineFailed> | undefined

  const openNext = (index: number) => index + 1 < gates.length ? Deferred.succeed(gates[index + 1], undefined) : Effect.void
  /** Whether the next engine joins when this engine is late. An embedded engine does not, because it would always answer first. */
  const isHedged = (index: number) => members[index + 1]?.probe !== undefined && !Deferred.isDoneUnsafe(gates[index + 1])
  /** Lets the next engine join if this engine is late. Never ends, so it never wins a race. */
  const hedge = (index: number) => Effect.andThen(Effect.sleep(hedgeAfter), Effect.andThen(openNext(index), Effect.never))
  /** Fails when the race has a result, so that the request to this engine is aborted. */
  const failWhenBeaten = (name: string) =>
    Effect.andThen(Effect.exit(Deferred.await(result)), Effect.suspend(() => Effect.fail(EngineRequests.tooSlow(stage, name))))

  /** When this engine is given up (monotonic ms). The last part of the time is kept for an embedded engine that may still answer. */
  const untilOf = (index: number) => {
    const hasStandIn = members.some(({ probe }, other) => other !== index && probe === undefined && remaining.has(other))
    return began + (hasStandIn ? TimeShares.untilStandIn(budget) : TimeShares.untilGivenUp(budget))
  }

  const ask = (index: number, tries: number) => {
    const member = members[index]
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        runningRequests++
        idle.closeUnsafe()
      }),
      () => requests.send(member, scope, Effect.suspend(() => attempt(member.engine, index, tries)), {
        timeout: untilOf(index) - monotonic(),
        tries,
        isBeaten: () => Deferred.isDoneUnsafe(result),
        around: (request) => {
          const raced = Effect.raceFirst(request, failWhenBeaten(member.name))
          return isHedged(index) ? Effect.raceFirst(raced, hedge(index)) : raced
        }
      }),
      () => Effect.sync(() => {
        if (--runningRequests === 0) idle.openUnsafe()
      })
    )
  }

  /** Waits for the engine's gate, then asks the engine until there is a result or the engine is given up. */
  const runEngine = Effect.fnUntraced(function*(index: number) {
    const { name } = members[index]
    yield* Deferred.await(gates[index])
    for (let tries = 1; !Deferred.isDoneUnsafe(result); tries++) {
      if (index > 0 && tries === 1) yield* Metric.update(Metrics.engineStandIns(stage, name), 1)
      const outcome = yield* ask(index, tries)
      if (outcome._tag === "Answered") {
        if (!(yield* Deferred.succeed(result, outcome.answer))) yield* outcome.drop
        return
      }
      const cause = outcome._tag === "Failed" ? outcome.cause : Cause.fail(EngineRequests.inPause(stage, name))
      if (outcome._tag === "Failed") firstFailure ??= cause
      const retryAfter = outcome._tag === "Failed"
        ? health.retryAfterOf(RequestExit.errorOf(Exit.failCause(cause)))
        : outcome.isRequestedByServer ? outcome.millis : undefined
      const wait = requests.waitBeforeRetry({ name, cause, tries, until: untilOf(index), retryAfter })
      // An embedded engine does not begin while a server has a short pause that it asked for, because the server answers better. A second
      // server begins at once.
      const isPauseAwaited = tries === 1 && retryAfter !== undefined && wait !== undefined && members[index + 1]?.probe === undefined
      if (!isPauseAwaited) yield* openNext(index)
      if (wait === undefined) {
        remaining.delete(index)
        if (remaining.size === 0) yield* Deferred.failCause(result, RequestExit.markedSpent(firstFailure ?? cause))
        return
      }
      yield* Effect.sleep(wait)
      // Engines with running requests go first. This engine joins when they are late.
      yield* Effect.raceFirst(idle.await, Effect.sleep(hedgeAfter))
    }
  })

  yield* Deferred.succeed(gates[0], undefined)
  for (let index = 0; index < members.length; index++) yield* Effect.forkIn(runEngine(index), scope)
  return yield* Deferred.await(result)
})
