/**
 * The engines of one stage as if they were one: the first that works is used, and who is late or broken is
 * stood in for while the caller waits.
 *
 * - An engine that fails a request hands it to the next at once.
 * - One that has not begun to answer in time is joined by the next; the first answer counts, and the
 *   others' requests are aborted (a hedged request: Dean & Barroso, "The Tail at Scale", 2013). Not by one that runs in
 *   this process: it is always sooner, and it understands and speaks less, so it stands in for failures alone.
 * - When all have failed they are asked again, as long as the caller waits (`StageBudget`, `TimeShares`, `Retries`). So is one that
 *   nobody stands in for, and a restart of its server is bridged.
 * - One that fails three times in a row is left alone for some seconds, or for as long as it asks (`CircuitBreaker`).
 *   Meanwhile it is probed, so that it comes back without a caller's help.
 *
 * A request that has begun to answer is its engine's to the end: what was heard can't be taken back.
 */
import { Cause, Channel, Clock, Deferred, Duration, Effect, Exit, Latch, Metric, Option, Scope, Stream } from "effect"
import { EngineFailed, type EngineState, isAnswer as isEnginesAnswer, type Stage } from "../../conversation/ports/Engine.ts"
import { StageBudget } from "../../conversation/ports/StageBudget.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as BudgetWatch from "./BudgetWatch.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Retries from "./Retries.ts"
import * as TimeShares from "./TimeShares.ts"

export interface Member<S> {
  /** For the operator: its address without a path, or `embedded`. */
  readonly name: string
  readonly engine: S
  /** Asks whether it is there. Unset: it runs in this process and is never judged. */
  readonly probe?: Effect.Effect<void, EngineFailed>
}

export interface Options {
  readonly stage: Stage
  /** From a request to the next engine's joining it, at least; longer where the caller waits for long (`TimeShares`). */
  readonly hedgeAfter: Duration.Input
  /** The wait for the beginning of an answer, where the request does not say how long the caller waits (`StageBudget`). */
  readonly patience: Duration.Input
  /** How long a server asked to be left alone. */
  readonly retryAfter?: (error: EngineFailed) => Option.Option<Duration.Duration>
  /** Whether the server has answered, if only with an error: a probe that fails so says little of its requests. */
  readonly isAnswer?: (error: EngineFailed) => boolean
}

/** `tries`: how often this engine was asked for this, this time included. */
export type Attempt<S, A> = (engine: S, index: number, tries: number) => Effect.Effect<A, EngineFailed, Scope.Scope>

export interface Failover<S> {
  readonly members: ReadonlyArray<Member<S>>
  /**
   * Asks the engines; what the one that answers has acquired belongs to the scope, all else is released. An attempt may be made
   * several times, so it must change nothing in the world.
   */
  readonly run: <A>(attempt: Attempt<S, A>) => Effect.Effect<A, EngineFailed, Scope.Scope>
  /** The engine that `run` would begin with. */
  readonly preferred: Effect.Effect<number>
  readonly states: Effect.Effect<ReadonlyArray<EngineState>>
}

/** Between probes of an engine that is well, and of one that is not. */
const probeWell = Duration.seconds(20)
const probeUnwell = Duration.seconds(2)

/** A probe is a small question; a server that is busy with answers may take a while. */
const probeTimeout = Duration.seconds(5)

interface Guard {
  /** ms that its answer is waited for. */
  readonly bound: number
  /** How often it was asked for this. From the second time on everybody else was, too. */
  readonly tries: number
  /** Another has answered meanwhile: what is called off then was too slow. */
  readonly isBeaten?: () => boolean
}

/** Its circuit lets no request through for now. */
type Rejected = Extract<CircuitBreaker.Admission, { readonly _tag: "Wait" }>

const errorOf = (exit: Exit.Exit<unknown, EngineFailed>): EngineFailed | undefined =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined

/** The engine did its work, or was asked for something that it does not do. */
const isWellBy = (exit: Exit.Exit<unknown, EngineFailed>): boolean => {
  const error = errorOf(exit)
  return Exit.isSuccess(exit) || error !== undefined && isEnginesAnswer(error)
}

const isCalledOff = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** Nobody else is to ask again. */
const spent = (cause: Cause.Cause<EngineFailed>): Cause.Cause<EngineFailed> =>
  Cause.map(cause, (error) =>
    isEnginesAnswer(error) || error.isSpent === true
      ? error
      : new EngineFailed({ stage: error.stage, reason: error.reason, advice: error.advice, cause: error.cause, isSpent: true }))

export const make = Effect.fnUntraced(function*<S>(
  members: ReadonlyArray<Member<S>>,
  options: Options
): Effect.fn.Return<Failover<S>, never, Scope.Scope> {
  const { stage } = options
  const isAlone = members.length === 1
  const isAnswer = options.isAnswer ?? (() => false)
  const circuits = new Map<string, CircuitBreaker.CircuitBreaker>()
  /** Whether the last answer was one. */
  const wellness = new Map<string, boolean>()
  /** When the last request was answered (monotonic ms), while none has failed since. */
  const workedAt = new Map<string, number>()
  /** Requests that an engine is at work on. */
  const running = new Map<string, number>()
  const clock = yield* Clock.Clock
  /** ms. */
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const failed = (reason: EngineFailed["reason"], advice: string) => new EngineFailed({ stage, reason, advice })

  // -- what becomes of requests and probes ------------------------------------------------------

  const circuitOf = (name: string): CircuitBreaker.CircuitBreaker => circuits.get(name) ?? CircuitBreaker.closed

  const retryAfterOf = (error: EngineFailed | undefined): number | undefined =>
    error === undefined ? undefined : Option.getOrUndefined(Option.map(options.retryAfter?.(error) ?? Option.none(), Duration.toMillis))

  const countFailure = (name: string, exit: Exit.Exit<unknown, EngineFailed>, isRepeated: boolean) => {
    const error = errorOf(exit)
    const failure = { isUnreachable: error?.reason === "unavailable" && !isAnswer(error), retryAfter: retryAfterOf(error), isRepeated }
    circuits.set(name, CircuitBreaker.failed(circuitOf(name), monotonic(), failure, isAlone))
  }

  const noted = <A>(name: string, exit: Exit.Exit<A, EngineFailed>) =>
    Effect.suspend(() => {
      const isWell = isWellBy(exit)
      const wasWell = wellness.get(name)
      wellness.set(name, isWell)
      const gauge = Metric.update(Metrics.engineUp(stage, name), isWell ? 1 : 0)
      if (isWell === (wasWell ?? true)) return gauge
      const why = errorOf(exit)?.advice
      return Effect.andThen(
        gauge,
        (isWell ? Effect.logInfo("An engine is back") : Effect.logWarning(`An engine fails${why === undefined ? "" : `: ${why}`}`)).pipe(
          Effect.annotateLogs({ stage, engine: name })
        )
      )
    })

  const notedRequest = <A>(name: string, how: Pick<Guard, "tries"> & { readonly isTrial: boolean }, exit: Exit.Exit<A, EngineFailed>) => {
    running.set(name, (running.get(name) ?? 1) - 1)
    if (isCalledOff(exit)) {
      if (how.isTrial) circuits.set(name, CircuitBreaker.released(circuitOf(name)))
      return Effect.void
    }
    if (isWellBy(exit)) {
      circuits.set(name, CircuitBreaker.succeeded)
      if (Exit.isSuccess(exit)) workedAt.set(name, monotonic())
    } else {
      countFailure(name, exit, how.tries > 1)
      workedAt.delete(name)
    }
    return noted(name, exit)
  }

  const late = (name: string) => failed("timeout", `${name} was slower than the engine that stood in for it. Look at its load.`)

  /** One request to one engine, if its circuit lets it through. */
  const guarded = <A>(
    { name, probe }: Member<S>,
    request: Effect.Effect<A, EngineFailed>,
    how: Guard
  ): Effect.Effect<A, EngineFailed | Rejected> =>
    probe === undefined ? request : Effect.suspend((): Effect.Effect<A, EngineFailed | Rejected> => {
      const [admission, circuit] = CircuitBreaker.admit(circuitOf(name), monotonic(), !isAlone && how.tries > 1)
      circuits.set(name, circuit)
      if (admission._tag === "Wait") return Effect.fail(admission)
      running.set(name, (running.get(name) ?? 0) + 1)
      return request.pipe(
        Effect.timeoutOrElse({
          duration: Math.max(0, how.bound),
          orElse: () => Effect.fail(failed("timeout", `${name} did not begin to answer in time. Look at its load and into its log.`))
        }),
        Effect.onExit((exit) => notedRequest(name, { tries: how.tries, isTrial: admission.isTrial }, isCalledOff(exit) && how.isBeaten?.() === true ? Exit.fail(late(name)) : exit))
      )
    })

  const leftAlone = (name: string) => failed("unavailable", `${name} has failed again and again and is left alone for a moment. Look into its log.`)

  const budgetWatch = BudgetWatch.make(stage)
  /** A failure tells nothing about an engine's speed, unless it was given up for its slowness. */
  const notedTime = (member: Member<S>, millis: number, bound: number, failure?: EngineFailed) =>
    member.probe === undefined || failure !== undefined && failure.reason !== "timeout"
      ? Effect.void
      : budgetWatch.note(member.name, millis / 1000, bound / 1000)

  /** A metric with attributes costs more to make than to update. */
  const latencies = new Map(members.map(({ name }) => [name, Metrics.engineLatency(stage, name)]))
  const counters = new Map<string, ReturnType<typeof Metrics.engineRequests>>()
  const count = (name: string, outcome: string) => {
    const key = `${name} ${outcome}`
    const counter = counters.get(key) ?? Metrics.engineRequests(stage, name, outcome)
    counters.set(key, counter)
    return Metric.update(counter, 1)
  }

  /** Makes a request and counts what became of it. What it has acquired belongs to `scope`, if it was answered. */
  const once = Effect.fnUntraced(function*<A>(
    member: Member<S>,
    scope: Scope.Scope,
    request: Effect.Effect<A, EngineFailed, Scope.Scope>,
    how: Guard & { readonly around?: (request: Effect.Effect<A, EngineFailed>) => Effect.Effect<A, EngineFailed> }
  ): Effect.fn.Return<
    | { readonly _tag: "Answered"; readonly answer: A; readonly drop: Effect.Effect<void> }
    | { readonly _tag: "Failed"; readonly cause: Cause.Cause<EngineFailed> }
    | Rejected
  > {
    const own = yield* Scope.fork(scope)
    const began = monotonic()
    const asked = Scope.provide(request, own)
    const exit = yield* Effect.exit(guarded(member, how.around === undefined ? asked : how.around(asked), how))
    if (Exit.isSuccess(exit)) {
      yield* notedTime(member, monotonic() - began, how.bound)
      yield* count(member.name, "ok")
      yield* Metric.update(latencies.get(member.name)!, (monotonic() - began) / 1000)
      return { _tag: "Answered", answer: exit.value, drop: Scope.close(own, exit) }
    }
    yield* Scope.close(own, exit)
    const rejected = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    if (rejected?._tag === "Wait") return rejected
    const cause = exit.cause as Cause.Cause<EngineFailed>
    if (rejected !== undefined) yield* notedTime(member, monotonic() - began, how.bound, rejected)
    yield* count(member.name, rejected === undefined ? "broken" : rejected.reason)
    return { _tag: "Failed", cause }
  })

  /** ms until an engine is asked again after this; `undefined`: it is not. */
  const waitBefore = (
    name: string,
    cause: Cause.Cause<EngineFailed>,
    tries: number,
    until: number,
    retryAfter: number | undefined
  ): number | undefined => {
    const now = monotonic()
    const error = errorOf(Exit.failCause(cause))
    const { awaySince } = circuitOf(name)
    return Retries.waitBefore({
      reason: error?.reason ?? "broken",
      tries,
      left: until - now,
      retryAfter,
      away: awaySince === undefined ? undefined : now - awaySince
    })
  }

  const millisOf = (duration: Duration.Input) => Duration.toMillis(Duration.fromInputUnsafe(duration))
  const budget = Effect.map(StageBudget, (budget) => budget ?? millisOf(options.patience))

  // -- one engine, and nobody else --------------------------------------------------------------

  /** No race, and no timer but the one that bounds it: there is nobody to lose to. */
  const alone = Effect.fnUntraced(function*<A>(attempt: Attempt<S, A>): Effect.fn.Return<A, EngineFailed, Scope.Scope> {
    const [member] = members
    const scope = yield* Effect.scope
    const until = monotonic() + TimeShares.whole(yield* budget)
    let cause: Cause.Cause<EngineFailed> = Cause.fail(leftAlone(member.name))
    for (let tries = 1;;) {
      const made = yield* once(member, scope, Effect.suspend(() => attempt(member.engine, 0, tries)), { bound: until - monotonic(), tries })
      if (made._tag === "Answered") return made.answer
      if (made._tag === "Failed") cause = made.cause
      const wait = made._tag === "Failed"
        ? waitBefore(member.name, cause, tries++, until, retryAfterOf(errorOf(Exit.failCause(cause))))
        : monotonic() + made.millis < until ? made.millis : undefined
      if (wait === undefined) return yield* Effect.failCause(spent(cause))
      yield* Effect.sleep(wait)
    }
  })

  // -- several engines --------------------------------------------------------------------------

  const race = Effect.fnUntraced(function*<A>(attempt: Attempt<S, A>): Effect.fn.Return<A, EngineFailed, Scope.Scope> {
    const outer = yield* Effect.scope
    const millis = yield* budget
    const began = monotonic()
    const until = began + TimeShares.whole(millis)
    const hedgeAfter = TimeShares.hedgeAfter(millis, millisOf(options.hedgeAfter))
    const result = yield* Deferred.make<A, EngineFailed>()
    const gates = yield* Effect.forEach(members, () => Deferred.make<void>())
    /** Open while nobody is at work. */
    const idle = yield* Latch.make(true)
    let atWork = 0
    /** Who was not given up yet. */
    const left = new Set(members.keys())
    let first: Cause.Cause<EngineFailed> | undefined

    const openNext = (index: number) => index + 1 < gates.length ? Deferred.succeed(gates[index + 1], undefined) : Effect.void
    const isHedged = (index: number) => members[index + 1]?.probe !== undefined && !Deferred.isDoneUnsafe(gates[index + 1])
    const hedge = (index: number) => Effect.andThen(Effect.sleep(hedgeAfter), Effect.andThen(openNext(index), Effect.never))
    const lost = (name: string) => Effect.andThen(Effect.exit(Deferred.await(result)), Effect.suspend(() => Effect.fail(late(name))))

    /** Until when an engine may be at work: an engine of this process that could still be needed has the last of the time. */
    const untilOf = (index: number) =>
      members.some(({ probe }, other) => other !== index && probe === undefined && left.has(other)) ? began + TimeShares.besideStandIn(millis) : until

    const ask = (index: number, tries: number) => {
      const member = members[index]
      const request = Effect.suspend(() => attempt(member.engine, index, tries))
      return Effect.acquireUseRelease(
        Effect.sync(() => {
          atWork++
          idle.closeUnsafe()
        }),
        () => once(member, outer, request, {
          bound: untilOf(index) - monotonic(),
          tries,
          isBeaten: () => Deferred.isDoneUnsafe(result),
          around: (asked) => {
            const raced = Effect.raceFirst(asked, lost(member.name))
            return isHedged(index) ? Effect.raceFirst(raced, hedge(index)) : raced
          }
        }),
        () => Effect.sync(() => {
          if (--atWork === 0) idle.openUnsafe()
        })
      )
    }

    const one = Effect.fnUntraced(function*(index: number) {
      const { name } = members[index]
      yield* Deferred.await(gates[index])
      for (let tries = 1; !Deferred.isDoneUnsafe(result); tries++) {
        if (index > 0 && tries === 1) yield* Metric.update(Metrics.engineStandIns(stage, name), 1)
        const made = yield* ask(index, tries)
        if (made._tag === "Answered") {
          if (!(yield* Deferred.succeed(result, made.answer))) yield* made.drop
          return
        }
        const cause = made._tag === "Failed" ? made.cause : Cause.fail(leftAlone(name))
        if (made._tag === "Failed") first ??= cause
        const asked = made._tag === "Failed" ? retryAfterOf(errorOf(Exit.failCause(cause))) : made.isAskedFor ? made.millis : undefined
        const wait = waitBefore(name, cause, tries, untilOf(index), asked)
        // A server that wants a moment is better than one of this process; another server is not to wait for it.
        const isWaitedFor = tries === 1 && asked !== undefined && wait !== undefined && members[index + 1]?.probe === undefined
        if (!isWaitedFor) yield* openNext(index)
        if (wait === undefined) {
          left.delete(index)
          if (left.size === 0) yield* Deferred.failCause(result, spent(first ?? cause))
          return
        }
        yield* Effect.sleep(wait)
        // Who is at work goes first, and is joined when it is late.
        yield* Effect.raceFirst(idle.await, Effect.sleep(hedgeAfter))
      }
    })

    yield* Deferred.succeed(gates[0], undefined)
    for (let index = 0; index < members.length; index++) yield* Effect.forkIn(one(index), outer)
    return yield* Deferred.await(result)
  })

  // -- how they do ------------------------------------------------------------------------------

  const stateOf = ({ name, probe }: Member<S>): EngineState["state"] => {
    if (probe === undefined) return "up"
    if (CircuitBreaker.isDown(circuitOf(name))) return "down"
    const isWell = wellness.get(name)
    return isWell === undefined ? "unknown" : isWell ? "up" : "failing"
  }

  const mayBeAsked = (member: Member<S>): boolean => stateOf(member) !== "down" && !CircuitBreaker.isOpen(circuitOf(member.name), monotonic())

  /** A server whose pages are all broken may still do its work: its requests decide about the circuit. */
  const notedProbe = (name: string, exit: Exit.Exit<void, EngineFailed>) => {
    if (isCalledOff(exit)) return Effect.void
    if (Exit.isSuccess(exit)) circuits.set(name, CircuitBreaker.found(circuitOf(name)))
    else if (!Option.exists(Cause.findErrorOption(exit.cause), isAnswer)) countFailure(name, exit, false)
    return noted(name, exit)
  }

  /**
   * A request that was answered a moment ago is the best probe, and one that is being answered soon will be: a server that
   * does one thing after the other can't be asked meanwhile. Later, a page that only answers with an error does not
   * count against an engine whose last request worked.
   */
  const look = ({ name }: Member<S>, probe: Effect.Effect<void, EngineFailed>) =>
    Effect.suspend(() => {
      const worked = workedAt.get(name)
      if ((running.get(name) ?? 0) > 0) return Effect.void
      if (worked !== undefined && monotonic() - worked < Duration.toMillis(probeWell)) return Effect.void
      if (!CircuitBreaker.takesProbe(circuitOf(name), monotonic())) return Effect.void
      return probe.pipe(
        Effect.timeoutOrElse({
          duration: probeTimeout,
          orElse: () => Effect.fail(failed("timeout", `${name} did not answer a probe. Look at its load and into its log.`))
        }),
        Effect.catchIf((error) => error.reason === "refused" || (workedAt.has(name) && isAnswer(error)), () => Effect.void),
        Effect.onExit((exit) => notedProbe(name, exit)),
        Effect.ignoreCause
      )
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
    run: !isAlone ? race : members[0].probe === undefined ? (attempt) => attempt(members[0].engine, 0, 1) : alone,
    preferred: Effect.sync(() => Math.max(0, members.findIndex(mayBeAsked))),
    states: Effect.sync(() => members.map((member) => ({ stage, name: member.name, state: stateOf(member) })))
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
