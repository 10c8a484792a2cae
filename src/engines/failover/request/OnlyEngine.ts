/** One request to the only engine of a stage. The request may take all of the time that the caller waits. */
import { Cause, Effect, Exit, type Scope } from "effect"
import type { EngineFailed, Stage } from "../../../conversation/ports/Engine.ts"
import type { EngineHealth } from "../EngineHealth.ts"
import * as EngineRequests from "./EngineRequests.ts"
import type { Attempt, Member } from "../Member.ts"
import * as RequestExit from "./RequestExit.ts"
import * as TimeShares from "../TimeShares.ts"

interface RunOptions<S> {
  readonly stage: Stage
  readonly member: Member<S>
  readonly health: EngineHealth
  readonly requests: EngineRequests.EngineRequests
  /** ms of a monotonic clock. */
  readonly monotonic: () => number
  /** ms that the caller waits. */
  readonly budget: number
}

/** Repeats a failed request while the caller waits. So a restart of the server does not lose the request. */
export const run = Effect.fnUntraced(function*<S, A>(
  attempt: Attempt<S, A>,
  { budget, health, member, monotonic, requests, stage }: RunOptions<S>
): Effect.fn.Return<A, EngineFailed, Scope.Scope> {
  const { engine, name } = member
  const scope = yield* Effect.scope
  const until = monotonic() + TimeShares.untilGivenUp(budget)
  let cause: Cause.Cause<EngineFailed> | undefined
  const lastCause = () => cause ?? Cause.fail(EngineRequests.inPause(stage, name))
  for (let tries = 1;;) {
    const outcome = yield* requests.send(member, scope, Effect.suspend(() => attempt(engine, 0, tries)), { timeout: until - monotonic(), tries })
    if (outcome._tag === "Answered") return outcome.answer
    if (outcome._tag === "Failed") cause = outcome.cause
    // Only a failed request counts as a try. A wait for the circuit does not.
    const wait = outcome._tag === "Failed"
      ? requests.waitBeforeRetry({ name, cause: outcome.cause, tries: tries++, until, retryAfter: health.retryAfterOf(RequestExit.errorOf(Exit.failCause(outcome.cause))) })
      : monotonic() + outcome.millis < until ? outcome.millis : undefined
    if (wait === undefined) return yield* Effect.failCause(RequestExit.markedSpent(lastCause()))
    yield* Effect.sleep(wait)
  }
})
