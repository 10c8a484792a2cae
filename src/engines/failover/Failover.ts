/**
 * Combines the engines of one stage into one engine, which uses the first engine that works. While the caller waits, another engine can
 * answer in place of an engine that is late or has failed.
 *
 * - When an engine fails on a request, the next engine gets the request at once.
 * - When an engine has not begun to answer in time, the next server gets the request, too. The first answer counts, and the other requests
 *   are aborted (a hedged request: Dean & Barroso, "The Tail at Scale", 2013). An embedded engine does not join a late engine, because it
 *   would always answer first, although its answers are worse. It gets a request only when other engines have failed on it.
 * - When all engines have failed they are asked again, as long as the caller waits (`StageBudget`, `TimeShares`, `Retries`). The only
 *   engine of a stage is asked again, too. So a restart of its server does not lose the request.
 * - An engine that fails three times in a row gets no requests for some seconds (`CircuitBreaker`). A server that asks for a pause gets
 *   it. Probes find out when an engine is back.
 *
 * An engine that has begun to answer keeps the request to its end, because the caller may have heard the beginning.
 */
import { Cause, Channel, Clock, Duration, Effect, Exit, Option, type Scope, Stream } from "effect"
import type { EngineFailed, EngineState, Stage } from "../../conversation/ports/Engine.ts"
import { StageBudget } from "../../conversation/ports/StageBudget.ts"
import * as EngineHealth from "./EngineHealth.ts"
import * as EngineProbes from "./EngineProbes.ts"
import * as EngineRace from "./request/EngineRace.ts"
import * as EngineRequests from "./request/EngineRequests.ts"
import type { Attempt, Member } from "./Member.ts"
import * as OnlyEngine from "./request/OnlyEngine.ts"
import * as TimeShares from "./TimeShares.ts"

export interface MakeOptions {
  readonly stage: Stage
  /** The least time from a request until the next engine joins. The time is longer if the caller waits for long (`TimeShares`). */
  readonly hedgeAfter: Duration.Input
  /** The longest time until an answer begins. It applies to requests without a `StageBudget`. */
  readonly answerTimeout: Duration.Input
  /** The pause that the server asked for. */
  readonly retryAfter?: (error: EngineFailed) => Option.Option<Duration.Duration>
  /** Whether the failure is an answer of the server, such as an error status. A probe's error status says little about requests. */
  readonly isServerAnswer?: (error: EngineFailed) => boolean
}

export interface Failover<S> {
  /** Asks the engines. The resources of the answer belong to the scope. The other engines' resources are released. */
  readonly run: <A>(attempt: Attempt<S, A>) => Effect.Effect<A, EngineFailed, Scope.Scope>
  /** The index of the engine that `run` would begin with. */
  readonly preferred: Effect.Effect<number>
  readonly states: Effect.Effect<ReadonlyArray<EngineState>>
}

const millisOf = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

/** Probes the servers until the scope is closed. `members` has at least one engine; the first is preferred. */
export const make = Effect.fnUntraced(function*<S>(
  members: ReadonlyArray<Member<S>>,
  options: MakeOptions
): Effect.fn.Return<Failover<S>, never, Scope.Scope> {
  const { isServerAnswer = () => false, retryAfter, stage } = options
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const isAlone = members.length === 1
  const health = EngineHealth.make({ stage, isAlone, isServerAnswer, retryAfter, monotonic })
  const requests = EngineRequests.make({ stage, members, health, monotonic })
  const shared = { stage, health, requests, monotonic }
  const budget = Effect.map(StageBudget, (budget) => budget ?? millisOf(options.answerTimeout))

  const run: Failover<S>["run"] = (attempt) => {
    const [member] = members
    if (isAlone && member.probe === undefined) return attempt(member.engine, 0, 1)
    return Effect.flatMap(budget, (budget) =>
      isAlone
        ? OnlyEngine.run(attempt, { ...shared, member, budget })
        : EngineRace.run(attempt, { ...shared, members, budget, hedgeAfter: TimeShares.hedgeAfter(budget, millisOf(options.hedgeAfter)) }))
  }

  yield* EngineProbes.fork(members, { stage, health, monotonic, isServerAnswer })

  return {
    run,
    preferred: Effect.sync(() => Math.max(0, members.findIndex(health.isPreferable))),
    states: Effect.sync(() => members.map((member) => ({ stage, name: member.name, state: health.stateOf(member) })))
  }
})

/**
 * Starts a stream and waits for its first elements. If the stream fails before them, another engine can answer.
 *
 * `Stream.toPull` is not used, because it copies the fiber's whole context for each pull. These copies were a third of all memory that the
 * garbage collector had to free for incoming speech.
 */
export const startStream = Effect.fnUntraced(function*<A>(
  stream: Stream.Stream<A, EngineFailed>
): Effect.fn.Return<Stream.Stream<A, EngineFailed>, EngineFailed, Scope.Scope> {
  const pull = yield* Channel.toTransform(Stream.toChannel(stream))(Cause.done(), yield* Effect.scope)
  const first = yield* Effect.exit(pull)
  if (Exit.isSuccess(first)) {
    let isFirst = true
    return Stream.fromPull(Effect.succeed(Effect.suspend(() => {
      if (!isFirst) return pull
      isFirst = false
      return first
    })))
  }
  const error = Cause.findErrorOption(first.cause)
  if (Option.isSome(error) && Cause.isDone(error.value)) return Stream.empty
  return yield* Effect.failCause(first.cause as Cause.Cause<EngineFailed>)
})

/** Fails when no engine can serve an agent. If only some engines can't, logs a warning for each of them. */
export const failIfNoneCanServe = Effect.fnUntraced(function*<A>(
  members: ReadonlyArray<Member<unknown>>,
  stage: Stage,
  exits: ReadonlyArray<Exit.Exit<A, EngineFailed>>
): Effect.fn.Return<void, EngineFailed> {
  const failures = exits.flatMap((exit, index) => Exit.isFailure(exit) ? [{ cause: exit.cause, name: members[index].name }] : [])
  if (failures.length > 0 && failures.length === exits.length) return yield* Effect.failCause(failures[0].cause)
  for (const { cause, name } of failures) {
    yield* Effect.logWarning("An engine can't serve this agent; another engine does", cause).pipe(Effect.annotateLogs({ stage, engine: name }))
  }
})

/** Prepares each engine for an agent; see {@link failIfNoneCanServe}. */
export const prepareEach = Effect.fnUntraced(function*<S, A>(
  members: ReadonlyArray<Member<S>>,
  stage: Stage,
  prepare: (member: Member<S>) => Effect.Effect<A, EngineFailed, Scope.Scope>
): Effect.fn.Return<ReadonlyArray<Exit.Exit<A, EngineFailed>>, EngineFailed, Scope.Scope> {
  const exits = yield* Effect.forEach(members, (member) => Effect.exit(prepare(member)), { concurrency: "unbounded" })
  yield* failIfNoneCanServe(members, stage, exits)
  return exits
})
