/**
 * Several engines of one stage as if they were one: the first that works is used, and who is late or broken is
 * stood in for while the caller waits.
 *
 * - An engine that fails a request hands it to the next at once.
 * - One that has not begun to answer after `hedgeAfter` is joined by the next; the first answer counts, and the
 *   others' requests are aborted (a hedged request: Dean & Barroso, "The Tail at Scale", 2013). Not by one that runs in
 *   this process: it is always sooner, and it understands and speaks less, so it stands in for failures alone.
 * - One that fails three times in a row is left alone for some seconds, or for as long as it asks (a circuit breaker).
 *   Meanwhile it is probed, so that it comes back without a caller's help.
 *
 * A request that has begun to answer is its engine's to the end: what was heard can't be taken back.
 */
import { Cause, Channel, Clock, Deferred, Duration, Effect, Exit, Metric, Option, Schedule, Scope, Stream } from "effect"
import { CircuitBreaker } from "effect/persistence"
import { EngineFailed, type EngineState, type Stage } from "../conversation/Engine.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as BudgetWatch from "./BudgetWatch.ts"

export interface Member<S> {
  /** For the operator: its address without a path, or `embedded`. */
  readonly name: string
  readonly engine: S
  /** Asks whether it is there. Unset: it runs in this process and is never judged. */
  readonly probe?: Effect.Effect<void, EngineFailed>
}

export interface Options {
  readonly stage: Stage
  /** From a request to the next engine's joining it. */
  readonly hedgeAfter: Duration.Input
  /** The longest wait for the beginning of an answer. The turn's own bound may be shorter. */
  readonly patience: Duration.Input
  /** What a member's answers are measured against, before turns fail by their slowness. Unset: `patience`. */
  readonly budget?: Duration.Input
  /** How long a server asked to be left alone. */
  readonly retryAfter?: (error: EngineFailed) => Option.Option<Duration.Duration>
  /** Whether the server has answered, if only with an error: a probe that fails so says little of its requests. */
  readonly isAnswer?: (error: EngineFailed) => boolean
}

export interface Failover<S> {
  readonly members: ReadonlyArray<Member<S>>
  /** Asks the engines; what the one that answers has acquired belongs to the scope, all else is released. */
  readonly run: <A>(
    attempt: (engine: S, index: number) => Effect.Effect<A, EngineFailed, Scope.Scope>
  ) => Effect.Effect<A, EngineFailed, Scope.Scope>
  /** The engine that `run` would begin with. */
  readonly preferred: Effect.Effect<number>
  readonly states: Effect.Effect<ReadonlyArray<EngineState>>
}

/** Failures in a row that open the circuit. */
const failuresToOpen = 3

/** How long it stays open; the longest, also when the server asks for more. */
const openFor = Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced("30 seconds")])
const longestOpen = "1 minute"

/** Between probes of an engine that is well, and of one that is not. */
const probeWell = Duration.seconds(20)
const probeUnwell = Duration.seconds(2)

/** A probe is a small question; a server that is busy with answers may take a while. */
const probeTimeout = Duration.seconds(5)

/** What a failure says about the engine: a request that it does not take says nothing. */
const judge = (retryAfter: Options["retryAfter"]) => (exit: Exit.Exit<unknown, EngineFailed>): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  const error = Cause.findErrorOption(exit.cause)
  if (Option.isNone(error)) return CircuitBreaker.failure()
  if (error.value.reason === "refused") return CircuitBreaker.ignored
  const wait = retryAfter?.(error.value) ?? Option.none()
  return Option.match(wait, {
    onNone: () => CircuitBreaker.failure(),
    onSome: (retryAfter) => CircuitBreaker.failure({ retryAfter })
  })
}

export const make = Effect.fnUntraced(function*<S>(
  members: ReadonlyArray<Member<S>>,
  options: Options
): Effect.fn.Return<Failover<S>, never, Scope.Scope> {
  const { stage } = options
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(failuresToOpen),
    openDuration: openFor,
    maxOpenDuration: longestOpen
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
  const classify = judge(options.retryAfter)
  /** Whether the last answer was one. */
  const wellness = new Map<string, boolean>()
  /** When the last request was answered (monotonic seconds), while none has failed since. */
  const workedAt = new Map<string, number>()
  /** Requests that an engine is at work on. */
  const running = new Map<string, number>()
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e9

  const failed = (reason: EngineFailed["reason"], advice: string) => new EngineFailed({ stage, reason, advice })

  const noted = <A>(name: string, exit: Exit.Exit<A, EngineFailed>) =>
    Effect.suspend(() => {
      if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return Effect.void
      const isWell = Exit.isSuccess(exit) || Cause.findErrorOption(exit.cause).pipe(Option.exists(({ reason }) => reason === "refused"))
      const wasWell = wellness.get(name)
      wellness.set(name, isWell)
      const gauge = Metric.update(Metrics.engineUp(stage, name), isWell ? 1 : 0)
      if (isWell === (wasWell ?? true)) return gauge
      const why = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause))?.advice : undefined
      return Effect.andThen(
        gauge,
        (isWell ? Effect.logInfo("An engine is back") : Effect.logWarning(`An engine fails${why === undefined ? "" : `: ${why}`}`)).pipe(
          Effect.annotateLogs({ stage, engine: name })
        )
      )
    })

  const notedRequest = <A>(name: string, exit: Exit.Exit<A, EngineFailed>) => {
    running.set(name, (running.get(name) ?? 1) - 1)
    if (Exit.isSuccess(exit)) workedAt.set(name, monotonic())
    else if (!Option.exists(Cause.findErrorOption(exit.cause), ({ reason }) => reason === "refused") && !Cause.hasInterruptsOnly(exit.cause)) {
      workedAt.delete(name)
    }
    return noted(name, exit)
  }

  /** A request or a probe, as long as the circuit lets it through. */
  const throughCircuit = <A>(
    name: string,
    request: Effect.Effect<A, EngineFailed>,
    judgement: (exit: Exit.Exit<unknown, EngineFailed>) => CircuitBreaker.Outcome
  ): Effect.Effect<A, EngineFailed> =>
    breaker.execute(request, { key: name, classify: judgement }).pipe(
      Effect.catchTag("CircuitBreakerError", () =>
        Effect.fail(failed("unavailable", `${name} has failed ${failuresToOpen} times in a row and is left alone for a moment. Look into its log.`)))
    )

  /** One request to one engine, judged by its circuit. */
  const guarded = <A>({ name, probe }: Member<S>, request: Effect.Effect<A, EngineFailed>): Effect.Effect<A, EngineFailed> => {
    if (probe === undefined) return request
    const bounded = Effect.suspend(() => {
      running.set(name, (running.get(name) ?? 0) + 1)
      return request.pipe(
        Effect.timeoutOrElse({
          duration: options.patience,
          orElse: () => Effect.fail(failed("timeout", `${name} did not begin to answer in time. Look at its load and into its log.`))
        }),
        Effect.onExit((exit) => notedRequest(name, exit))
      )
    })
    return throughCircuit(name, bounded, classify)
  }

  const late = (name: string) => failed("timeout", `${name} was slower than the engine that stood in for it. Look at its load.`)

  const budgetSeconds = Duration.toSeconds(Duration.fromInputUnsafe(options.budget ?? options.patience))
  const budget = BudgetWatch.make(stage)
  /** A failure tells nothing about an engine's speed, unless it was given up for its slowness. */
  const notedTime = (member: Member<S>, seconds: number, exit: Exit.Exit<unknown, EngineFailed>) => {
    const isTimed = Exit.isSuccess(exit) || Option.exists(Cause.findErrorOption(exit.cause), ({ reason }) => reason === "timeout")
    return member.probe === undefined || !isTimed ? Effect.void : budget.note(member.name, seconds, budgetSeconds)
  }

  /** A metric with attributes costs more to make than to update. */
  const latencies = new Map(members.map(({ name }) => [name, Metrics.engineLatency(stage, name)]))
  const counters = new Map<string, ReturnType<typeof Metrics.engineRequests>>()
  const count = (name: string, outcome: string) => {
    const key = `${name} ${outcome}`
    const counter = counters.get(key) ?? Metrics.engineRequests(stage, name, outcome)
    counters.set(key, counter)
    return Metric.update(counter, 1)
  }

  const run: Failover<S>["run"] = Effect.fnUntraced(function*<A>(
    attempt: (engine: S, index: number) => Effect.Effect<A, EngineFailed, Scope.Scope>
  ): Effect.fn.Return<A, EngineFailed, Scope.Scope> {
    const outer = yield* Effect.scope
    const result = yield* Deferred.make<A, EngineFailed>()
    const gates = yield* Effect.forEach(members, () => Deferred.make<void>())
    let first: Cause.Cause<EngineFailed> | undefined
    let failures = 0

    const openNext = (index: number) => index + 1 < gates.length ? Deferred.succeed(gates[index + 1], undefined) : Effect.void
    const isHedged = (index: number) => members[index + 1]?.probe !== undefined
    const hedge = (index: number) => Effect.andThen(Effect.sleep(options.hedgeAfter), Effect.andThen(openNext(index), Effect.never))
    const lost = (name: string) => Effect.andThen(Effect.exit(Deferred.await(result)), Effect.suspend(() => Effect.fail(late(name))))

    const one = Effect.fnUntraced(function*(index: number) {
      const member = members[index]
      yield* Deferred.await(gates[index])
      if (Deferred.isDoneUnsafe(result)) return
      if (index > 0) yield* Metric.update(Metrics.engineStandIns(stage, member.name), 1)
      const own = yield* Scope.fork(outer)
      const began = monotonic()
      // A race is fibers and timers: only where there is somebody to lose it to.
      const asked = Scope.provide(attempt(member.engine, index), own)
      const judged = guarded(member, members.length === 1 ? asked : Effect.raceFirst(asked, lost(member.name)))
      const exit = yield* Effect.exit(isHedged(index) ? Effect.raceFirst(judged, hedge(index)) : judged)
      yield* notedTime(member, monotonic() - began, exit)
      if (Exit.isSuccess(exit)) {
        yield* count(member.name, "ok")
        yield* Metric.update(latencies.get(member.name)!, monotonic() - began)
        if (yield* Deferred.succeed(result, exit.value)) return
        return yield* Scope.close(own, exit)
      }
      yield* Scope.close(own, exit)
      yield* count(member.name, Option.match(Cause.findErrorOption(exit.cause), { onNone: () => "broken", onSome: ({ reason }) => reason }))
      first ??= exit.cause
      yield* openNext(index)
      if (++failures === members.length) yield* Deferred.failCause(result, first)
    })

    yield* Deferred.succeed(gates[0], undefined)
    for (let index = 0; index < members.length; index++) yield* Effect.forkIn(one(index), outer)
    return yield* Deferred.await(result)
  })

  const stateOf = ({ name, probe }: Member<S>): Effect.Effect<EngineState["state"]> =>
    probe === undefined ? Effect.succeed("up") : Effect.match(breaker.state(name), {
      onFailure: () => "unknown",
      onSuccess: ({ _tag }) => {
        if (_tag !== "Closed") return "down"
        const isWell = wellness.get(name)
        return isWell === undefined ? "unknown" : isWell ? "up" : "failing"
      }
    })

  const isAnswer = options.isAnswer ?? (() => false)

  /** A server whose pages are all broken may still do its work: its requests decide about the circuit. */
  const classifyProbe = (exit: Exit.Exit<unknown, EngineFailed>): CircuitBreaker.Outcome =>
    Exit.isFailure(exit) && Option.exists(Cause.findErrorOption(exit.cause), isAnswer) ? CircuitBreaker.ignored : classify(exit)

  /**
   * A request that was answered a moment ago is the best probe, and one that is being answered soon will be: a server that
   * does one thing after the other can't be asked meanwhile. Later, a page that only answers with an error does not
   * count against an engine whose last request worked.
   */
  const look = ({ name }: Member<S>, probe: Effect.Effect<void, EngineFailed>) =>
    Effect.suspend(() => {
      const worked = workedAt.get(name)
      if ((running.get(name) ?? 0) > 0) return Effect.void
      if (worked !== undefined && monotonic() - worked < Duration.toSeconds(probeWell)) return Effect.void
      const asked = probe.pipe(
        Effect.timeoutOrElse({
          duration: probeTimeout,
          orElse: () => Effect.fail(failed("timeout", `${name} did not answer a probe. Look at its load and into its log.`))
        }),
        Effect.catchIf((error) => error.reason === "refused" || (workedAt.has(name) && isAnswer(error)), () => Effect.void),
        Effect.onExit((exit) => noted(name, exit))
      )
      return Effect.ignore(throughCircuit(name, asked, classifyProbe))
    })

  for (const member of members) {
    const { name, probe } = member
    if (probe === undefined) continue
    yield* Metric.update(Metrics.engineUp(stage, name), 0)
    yield* look(member, probe).pipe(
      Effect.andThen(Effect.suspend(() => Effect.sleep(wellness.get(name) === true ? probeWell : probeUnwell))),
      Effect.forever,
      Effect.forkScoped
    )
  }

  return {
    members,
    run: members.length === 1 && members[0].probe === undefined ? (attempt) => attempt(members[0].engine, 0) : run,
    preferred: Effect.map(Effect.forEach(members, stateOf), (states) => Math.max(0, states.findIndex((state) => state !== "down"))),
    states: Effect.forEach(members, (member) => Effect.map(stateOf(member), (state) => ({ stage, name: member.name, state })))
  }
})

/**
 * Opens a stream to its first elements, so that what fails before them can be done by another.
 *
 * Without `Stream.toPull`, which copies the fiber's whole context for each pull: a third of the garbage of speech that comes in.
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

/**
 * What each engine made of an agent. One that can't serve it is left out, and the operator told; it is a failure when
 * none can.
 */
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
