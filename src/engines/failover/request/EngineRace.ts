/**
 * One request to several engines. The first in the list begins. Each further engine joins when the one before is late or has failed. The
 * first answer counts.
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
  /** ms after which the next engine joins one that is late. */
  readonly hedgeAfter: number
}

/** The answer's resources belong to the scope; all others are released. */
export const run = Effect.fnUntraced(function*<S, A>(
  attempt: Attempt<S, A>,
  { budget, health, hedgeAfter, members, monotonic, requests, stage }: RunOptions<S>
): Effect.fn.Return<A, EngineFailed, Scope.Scope> {
  const scope = yield* Effect.scope
  const began = monotonic()
  const result = yield* Deferred.make<A, EngineFailed>()
  /** An engine joins when its gate is opened. */
  const gates = yield* Effect.forEach(members, () => Deferred.make<void>())
  /** The latch is open while no engine is at work. */
  const idle = yield* Latch.make(true)
  let working = 0
  /** Engines that may still answer, by index. */
  const hopeful = new Set(members.keys())
  let firstFailure: Cause.Cause<EngineFailed> | undefined

  const openNext = (index: number) => index + 1 < gates.length ? Deferred.succeed(gates[index + 1], undefined) : Effect.void
  /** Embedded engines join no late engine: they would win every race. */
  const isHedged = (index: number) => members[index + 1]?.probe !== undefined && !Deferred.isDoneUnsafe(gates[index + 1])
  const hedge = (index: number) => Effect.andThen(Effect.sleep(hedgeAfter), Effect.andThen(openNext(index), Effect.never))
  const lost = (name: string) =>
    Effect.andThen(Effect.exit(Deferred.await(result)), Effect.suspend(() => Effect.fail(EngineRequests.late(stage, name))))

  /** When this engine is given up (monotonic ms). An embedded engine that could still be needed gets the last part of the time. */
  const untilOf = (index: number) => {
    const hasStandIn = members.some(({ probe }, other) => other !== index && probe === undefined && hopeful.has(other))
    return began + (hasStandIn ? TimeShares.untilStandIn(budget) : TimeShares.untilGivenUp(budget))
  }

  const ask = (index: number, tries: number) => {
    const member = members[index]
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        working++
        idle.closeUnsafe()
      }),
      () => requests.send(member, scope, Effect.suspend(() => attempt(member.engine, index, tries)), {
        bound: untilOf(index) - monotonic(),
        tries,
        isBeaten: () => Deferred.isDoneUnsafe(result),
        around: (request) => {
          const raced = Effect.raceFirst(request, lost(member.name))
          return isHedged(index) ? Effect.raceFirst(raced, hedge(index)) : raced
        }
      }),
      () => Effect.sync(() => {
        if (--working === 0) idle.openUnsafe()
      })
    )
  }

  const takePart = Effect.fnUntraced(function*(index: number) {
    const { name } = members[index]
    yield* Deferred.await(gates[index])
    for (let tries = 1; !Deferred.isDoneUnsafe(result); tries++) {
      if (index > 0 && tries === 1) yield* Metric.update(Metrics.engineStandIns(stage, name), 1)
      const outcome = yield* ask(index, tries)
      if (outcome._tag === "Answered") {
        if (!(yield* Deferred.succeed(result, outcome.answer))) yield* outcome.drop
        return
      }
      const cause = outcome._tag === "Failed" ? outcome.cause : Cause.fail(EngineRequests.leftAlone(stage, name))
      if (outcome._tag === "Failed") firstFailure ??= cause
      const retryAfter = outcome._tag === "Failed"
        ? health.retryAfterOf(RequestExit.errorOf(Exit.failCause(cause)))
        : outcome.isAskedFor ? outcome.millis : undefined
      const wait = requests.waitBefore({ name, cause, tries, until: untilOf(index), retryAfter })
      // A server that asked for a short pause is better than an embedded engine, so the pause is waited for. A second server begins at once.
      const isWaitedFor = tries === 1 && retryAfter !== undefined && wait !== undefined && members[index + 1]?.probe === undefined
      if (!isWaitedFor) yield* openNext(index)
      if (wait === undefined) {
        hopeful.delete(index)
        if (hopeful.size === 0) yield* Deferred.failCause(result, RequestExit.spent(firstFailure ?? cause))
        return
      }
      yield* Effect.sleep(wait)
      // Engines at work go first. This one joins them when they are late.
      yield* Effect.raceFirst(idle.await, Effect.sleep(hedgeAfter))
    }
  })

  yield* Deferred.succeed(gates[0], undefined)
  for (let index = 0; index < members.length; index++) yield* Effect.forkIn(takePart(index), scope)
  return yield* Deferred.await(result)
})
