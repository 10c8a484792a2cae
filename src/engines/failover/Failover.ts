/**
 * The engines of one stage as one engine: the first that works is used. While the caller waits, another engine stands in for one that is
 * late or broken.
 *
 * - When an engine fails a request, the next engine gets it at once.
 * - When an engine has not begun to answer in time, the next server gets the request, too. The first answer counts, and the other requests
 *   are aborted (a hedged request: Dean & Barroso, "The Tail at Scale", 2013). An embedded engine joins no late engine: it would always
 *   answer first, but understands and speaks less. It stands in only for engines that failed.
 * - When all have failed they are asked again, as long as the caller waits (`StageBudget`, `TimeShares`, `Retries`). The only engine of
 *   a stage is asked again, too, which bridges a restart of its server.
 * - An engine that fails three times in a row is left alone for some seconds, or for as long as it asks (`CircuitBreaker`). Probes
 *   find out when it is back.
 *
 * An engine that has begun to answer keeps the request to the end: what was heard can't be taken back.
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
  /** The least time from a request until the next engine joins. It is longer if the caller waits for long (`TimeShares`). */
  readonly hedgeAfter: Duration.Input
  /** The longest time until an answer begins, for a request without a `StageBudget`. */
  readonly patience: Duration.Input
  /** How long a server asked to be left alone. */
  readonly retryAfter?: (error: EngineFailed) => Option.Option<Duration.Duration>
  /** Whether the server has answered, even if with an error. An error in answer to a probe says little about requests. */
  readonly isAnswer?: (error: EngineFailed) => boolean
}

export interface Failover<S> {
  /** Asks the engines. The answer's resources belong to the scope; all others are released. */
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
  const { isAnswer = () => false, retryAfter, stage } = options
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const isAlone = members.length === 1
  const health = EngineHealth.make({ stage, isAlone, isAnswer, retryAfter, monotonic })
  const requests = EngineRequests.make({ stage, members, health, monotonic })
  const shared = { stage, health, requests, monotonic }
  const budget = Effect.map(StageBudget, (budget) => budget ?? millisOf(options.patience))

  const run: Failover<S>["run"] = (attempt) => {
    const [member] = members
    if (isAlone && member.probe === undefined) return attempt(member.engine, 0, 1)
    return Effect.flatMap(budget, (budget) =>
      isAlone
        ? OnlyEngine.run(attempt, { ...shared, member, budget })
        : EngineRace.run(attempt, { ...shared, members, budget, hedgeAfter: TimeShares.hedgeAfter(budget, millisOf(options.hedgeAfter)) }))
  }

  yield* EngineProbes.fork(members, { stage, health, monotonic, isAnswer })

  return {
    run,
    preferred: Effect.sync(() => Math.max(0, members.findIndex(health.isPreferable))),
    states: Effect.sync(() => members.map((member) => ({ stage, name: member.name, state: health.stateOf(member) })))
  }
})

/**
 * Starts a stream and waits for its first elements, so that another engine can stand in for a stream that fails before them.
 *
 * `Stream.toPull` is not used: it copies the fiber's whole context for each pull, which made a third of the garbage of incoming speech.
 */
export const opened = Effect.fnUntraced(function*<A>(
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

/** Fails when no engine can serve an agent. Warns of each engine that can't while another can. */
export const checked = Effect.fnUntraced(function*<A>(
  members: ReadonlyArray<Member<unknown>>,
  stage: Stage,
  exits: ReadonlyArray<Exit.Exit<A, EngineFailed>>
): Effect.fn.Return<void, EngineFailed> {
  const failures = exits.flatMap((exit, index) => Exit.isFailure(exit) ? [{ cause: exit.cause, name: members[index].name }] : [])
  if (failures.length > 0 && failures.length === exits.length) return yield* Effect.failCause(failures[0].cause)
  for (const { cause, name } of failures) {
    yield* Effect.logWarning("An engine can't serve this agent; another one does", cause).pipe(Effect.annotateLogs({ stage, engine: name }))
  }
})

/** Prepares each engine for an agent; see {@link checked}. */
export const prepared = Effect.fnUntraced(function*<S, A>(
  members: ReadonlyArray<Member<S>>,
  stage: Stage,
  prepare: (member: Member<S>) => Effect.Effect<A, EngineFailed, Scope.Scope>
): Effect.fn.Return<ReadonlyArray<Exit.Exit<A, EngineFailed>>, EngineFailed, Scope.Scope> {
  const exits = yield* Effect.forEach(members, (member) => Effect.exit(prepare(member)), { concurrency: "unbounded" })
  yield* checked(members, stage, exits)
  return exits
})
