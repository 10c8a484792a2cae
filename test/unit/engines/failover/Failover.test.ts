import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Logger, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import { StageBudget } from "../../../../src/conversation/ports/StageBudget.ts"
import * as Failover from "../../../../src/engines/failover/Failover.ts"
import type { Member } from "../../../../src/engines/failover/Member.ts"

const failure = (reason: EngineFailed["reason"] = "unavailable") =>
  new EngineFailed({ stage: "replyModel", reason, advice: "This is a test." })

/** An engine that behaves as the test says, and logs what became of each request. */
const make = (name: string, behaviour: { answer: Effect.Effect<string, EngineFailed>; probe?: Effect.Effect<void, EngineFailed> }) => {
  const log: Array<string> = []
  const ask = Effect.gen(function*() {
    log.push("asked")
    yield* Effect.addFinalizer(() => Effect.sync(() => void log.push("released")))
    return yield* Effect.onInterrupt(behaviour.answer, () => Effect.sync(() => void log.push("aborted")))
  })
  let probes = 0
  const probe = Effect.suspend(() => {
    probes++
    return behaviour.probe ?? Effect.void
  })
  return { name, log, probes: () => probes, behaviour, member: { name, engine: ask, probe } satisfies Member<typeof ask> }
}

const after = (millis: number, text: string) => Effect.as(Effect.sleep(millis), text)

const options: Failover.MakeOptions = { stage: "replyModel", hedgeAfter: 500, answerTimeout: 3000 }

const failover = (engines: ReadonlyArray<ReturnType<typeof make>>, extra: Partial<Failover.MakeOptions> = {}) =>
  Effect.map(Failover.make(engines.map(({ member }) => member), { ...options, ...extra }), (made) => ({
    ...made,
    ask: Effect.scoped(made.run((engine) => engine))
  }))

describe("several engines as one", () => {
  it.effect("ask only the first while it answers", () =>
    Effect.gen(function*() {
      const [one, two] = [make("one", { answer: Effect.succeed("1") }), make("two", { answer: Effect.succeed("2") })]
      const { ask } = yield* failover([one, two])
      assert.strictEqual(yield* ask, "1")
      assert.deepStrictEqual(one.log, ["asked", "released"])
      assert.deepStrictEqual(two.log, [])
    }))

  for (const reason of ["unavailable", "broken", "timeout", "refused"] as const) {
    it.effect(`hand a request to the next engine at once when the first fails as ${reason}`, () =>
      Effect.gen(function*() {
        const [one, two] = [make("one", { answer: Effect.fail(failure(reason)) }), make("two", { answer: Effect.succeed("2") })]
        const { ask } = yield* failover([one, two])
        assert.strictEqual(yield* ask, "2")
        assert.deepStrictEqual(one.log, ["asked", "released"])
      }))
  }

  it.effect("survive an engine with a defect", () =>
    Effect.gen(function*() {
      const [one, two] = [make("one", { answer: Effect.die("a fault of its own") }), make("two", { answer: Effect.succeed("2") })]
      const { ask } = yield* failover([one, two])
      assert.strictEqual(yield* ask, "2")
    }))

  it.effect("fail as the first engine failed, if all fail", () =>
    Effect.gen(function*() {
      const [one, two] = [make("one", { answer: Effect.fail(failure("broken")) }), make("two", { answer: Effect.fail(failure("refused")) })]
      const { ask } = yield* failover([one, two])
      const failed = yield* Effect.forkChild(Effect.flip(ask))
      yield* TestClock.adjust(3000)
      assert.strictEqual((yield* Fiber.join(failed)).reason, "broken")
      assert.deepStrictEqual(two.log, ["asked", "released"])
    }))

  it.effect("let the second join when the first is late, and abort the slower request", () =>
    Effect.gen(function*() {
      const [one, two] = [make("one", { answer: Effect.never }), make("two", { answer: after(100, "2") })]
      const { ask } = yield* failover([one, two])
      const asked = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(499)
      assert.deepStrictEqual(two.log, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(two.log, ["asked"])
      yield* TestClock.adjust(100)
      assert.strictEqual(yield* Fiber.join(asked), "2")
      assert.includeMembers(one.log, ["aborted", "released"])
    }))

  it.effect("take the first engine's answer if it comes sooner than the second's", () =>
    Effect.gen(function*() {
      const [one, two] = [make("one", { answer: after(600, "1") }), make("two", { answer: after(600, "2") })]
      const { ask } = yield* failover([one, two])
      const asked = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(600)
      assert.strictEqual(yield* Fiber.join(asked), "1")
      assert.includeMembers(two.log, ["asked", "aborted", "released"])
    }))

  it.effect("use the embedded engine when a server fails, but not when it is only slow", () =>
    Effect.gen(function*() {
      const slow = make("slow", { answer: after(2000, "words") })
      const { probe: _probe, ...embedded } = make("embedded", { answer: Effect.succeed("script") }).member
      const { run } = yield* Failover.make<typeof embedded.engine>([slow.member, embedded], options)
      const ask = Effect.scoped(run((engine) => engine))
      const asked = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(2000)
      assert.strictEqual(yield* Fiber.join(asked), "words")
      slow.behaviour.answer = Effect.fail(failure())
      assert.strictEqual(yield* ask, "script")
      slow.behaviour.answer = Effect.never
      const hanging = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(3000)
      assert.strictEqual(yield* Fiber.join(hanging), "script")
    }))

  it.effect("abort every request when nobody waits any more", () =>
    Effect.gen(function*() {
      const [one, two] = [make("one", { answer: Effect.never }), make("two", { answer: Effect.never })]
      const { ask } = yield* failover([one, two])
      const asked = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(600)
      yield* Fiber.interrupt(asked)
      for (const { log } of [one, two]) assert.sameMembers(log, ["asked", "aborted", "released"])
    }))

  it.effect("release an answer's resources only when its scope is closed", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: Effect.succeed("1") })
      const { run } = yield* failover([one])
      const scope = yield* Scope.make()
      assert.strictEqual(yield* Scope.provide(run((engine) => engine), scope), "1")
      assert.deepStrictEqual(one.log, ["asked"])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(one.log, ["asked", "released"])
    }))
})

describe("the time that a request has", () => {
  const asking = (engines: ReadonlyArray<ReturnType<typeof make>>, budget: number) =>
    Effect.map(failover(engines), ({ ask }) => Effect.provideService(ask, StageBudget, budget))

  it.effect("belongs to the only live engine, and ends before the turn does", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: after(14_000, "1") })
      const two = make("two", { answer: Effect.fail(failure()), probe: Effect.fail(failure()) })
      const ask = yield* asking([one, two], 15_000)
      const asked = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(14_000)
      assert.strictEqual(yield* Fiber.join(asked), "1")
      one.behaviour.answer = Effect.never
      const hanging = yield* Effect.forkChild(Effect.flip(ask))
      yield* TestClock.adjust(14_999)
      const error = yield* Fiber.join(hanging)
      assert.isTrue(error.isSpent)
    }))

  it.effect("belongs to both engines if both are slow: neither is cut off", () =>
    Effect.gen(function*() {
      const [one, two] = [make("one", { answer: after(13_000, "1") }), make("two", { answer: after(13_000, "2") })]
      const ask = yield* asking([one, two], 15_000)
      const asked = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(13_000)
      assert.strictEqual(yield* Fiber.join(asked), "1")
      assert.deepStrictEqual(two.log.filter((entry) => entry === "asked"), ["asked"])
    }))

  it.effect("ends sooner for a server that an embedded engine can replace", () =>
    Effect.gen(function*() {
      const hanging = make("hanging", { answer: Effect.never })
      const { probe: _probe, ...embedded } = make("embedded", { answer: after(1500, "script") }).member
      const { run } = yield* Failover.make<typeof embedded.engine>([hanging.member, embedded], options)
      const asked = yield* Effect.forkChild(Effect.provideService(Effect.scoped(run((engine) => engine)), StageBudget, 15_000))
      yield* TestClock.adjust(12_900)
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust(2000)
      assert.strictEqual(yield* Fiber.join(asked), "script")
    }))

  it.effect("leaves a server the short pause that it asks for, before the embedded engine stands in", () =>
    Effect.gen(function*() {
      const busy = make("busy", { answer: Effect.fail(failure()) })
      const { probe: _probe, ...embedded } = make("embedded", { answer: Effect.succeed("script") }).member
      const { run } = yield* Failover.make<typeof embedded.engine>([busy.member, embedded], {
        ...options,
        isServerAnswer: () => true,
        retryAfter: () => Option.some(Duration.millis(300))
      })
      const ask = Effect.scoped(run((engine) => engine))
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(299)
      busy.behaviour.answer = Effect.succeed("words")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(first), "words")
      busy.behaviour.answer = Effect.fail(failure())
      const second = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(300)
      assert.strictEqual(yield* Fiber.join(second), "script")
    }))
})

describe("an engine that fails again and again", () => {
  const stateOf = ({ states }: { readonly states: Failover.Failover<never>["states"] }) =>
    Effect.map(states, (states) => states.map(({ state }) => state))

  it.effect("is left alone after three failures, and used again after a good probe", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: Effect.fail(failure()), probe: Effect.fail(failure()) })
      const two = make("two", { answer: Effect.succeed("2") })
      const made = yield* failover([one, two])
      yield* TestClock.adjust(0)
      // The probe at the start has failed, and now two requests fail.
      assert.deepStrictEqual(yield* stateOf(made), ["failing", "up"])
      yield* made.ask
      yield* made.ask
      assert.deepStrictEqual(yield* stateOf(made), ["down", "up"])
      assert.strictEqual(yield* made.preferred, 1)
      const before = one.log.length
      assert.strictEqual(yield* made.ask, "2")
      assert.strictEqual(one.log.length, before)
      one.behaviour.answer = Effect.succeed("1")
      one.behaviour.probe = Effect.void
      yield* TestClock.adjust("8 seconds")
      assert.deepStrictEqual(yield* stateOf(made), ["up", "up"])
      assert.strictEqual(yield* made.preferred, 0)
      assert.strictEqual(yield* made.ask, "1")
    }))

  it.effect("is left alone for as long as it asks", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: Effect.fail(failure()) })
      const two = make("two", { answer: Effect.succeed("2") })
      const made = yield* failover([one, two], { retryAfter: () => Option.some(Duration.seconds(40)) })
      yield* TestClock.adjust(0)
      for (let count = 0; count < 3; count++) yield* made.ask
      one.behaviour.answer = Effect.succeed("1")
      yield* TestClock.adjust("39 seconds")
      assert.strictEqual(yield* made.ask, "2")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* made.ask, "1")
    }))

  it.effect("is left alone if it is too slow, too", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: Effect.never })
      const two = make("two", { answer: Effect.succeed("2") })
      const made = yield* failover([one, two])
      for (let count = 0; count < 3; count++) {
        const asked = yield* Effect.forkChild(made.ask)
        yield* TestClock.adjust(500)
        assert.strictEqual(yield* Fiber.join(asked), "2")
      }
      assert.deepStrictEqual(yield* stateOf(made), ["down", "up"])
    }))

  it.effect("is not left alone for refusing requests", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: Effect.fail(failure("refused")) })
      const two = make("two", { answer: Effect.succeed("2") })
      const made = yield* failover([one, two])
      for (let count = 0; count < 5; count++) yield* made.ask
      assert.deepStrictEqual(yield* stateOf(made), ["up", "up"])
      assert.strictEqual(one.log.filter((entry) => entry === "asked").length, 5)
    }))

  it.effect("is not judged by interrupted requests", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: Effect.never })
      const made = yield* failover([one])
      yield* TestClock.adjust(0)
      for (let count = 0; count < 5; count++) {
        const asked = yield* Effect.forkChild(made.ask)
        yield* TestClock.adjust(10)
        yield* Fiber.interrupt(asked)
      }
      assert.deepStrictEqual(yield* stateOf(made), ["up"])
    }))

  it.effect("is unknown until its first probe ends; a refused probe shows that it lives", () =>
    Effect.gen(function*() {
      const held = yield* Deferred.make<void>()
      const one = make("one", { answer: Effect.succeed("1"), probe: Effect.andThen(Deferred.await(held), Effect.fail(failure("refused"))) })
      const made = yield* failover([one])
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* stateOf(made), ["unknown"])
      assert.strictEqual(one.probes(), 1)
      yield* Deferred.succeed(held, undefined)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* stateOf(made), ["up"])
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(one.probes(), 2)
    }))
})

describe("a probe", () => {
  const answered = failure("broken")
  /** A server whose pages answer with an error. */
  const isServerAnswer = (error: EngineFailed) => error === answered

  it.effect("is left out while requests are answered or are running", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: after(1000, "1") })
      const { ask } = yield* failover([one], { answerTimeout: "1 minute" })
      yield* TestClock.adjust(0)
      assert.strictEqual(one.probes(), 1)
      for (let count = 0; count < 10; count++) {
        const asked = yield* Effect.forkChild(ask)
        yield* TestClock.adjust(10_000)
        yield* Fiber.join(asked)
      }
      assert.strictEqual(one.probes(), 1)
      one.behaviour.answer = after(50_000, "1")
      yield* Effect.forkChild(ask)
      yield* TestClock.adjust(50_000)
      assert.strictEqual(one.probes(), 1)
      yield* TestClock.adjust(40_000)
      assert.isAbove(one.probes(), 1)
    }))

  it.effect("that is answered with an error holds no request back, and does not count once requests work", () =>
    Effect.gen(function*() {
      const one = make("one", { answer: Effect.succeed("1"), probe: Effect.fail(answered) })
      const made = yield* failover([one], { isServerAnswer })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* made.states).map(({ state }) => state), ["failing"])
      assert.strictEqual(yield* made.ask, "1")
      for (let minute = 0; minute < 5; minute++) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual((yield* made.states).map(({ state }) => state), ["up"])
      }
      one.behaviour.answer = Effect.fail(failure("broken"))
      yield* Effect.forkChild(Effect.exit(made.ask))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* made.states).map(({ state }) => state), ["failing"])
    }))

  it.effect("is logged once for each change, with advice", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
      const one = make("one", { answer: Effect.succeed("1"), probe: Effect.fail(failure()) })
      yield* Effect.gen(function*() {
        yield* failover([one])
        yield* TestClock.adjust("1 minute")
        one.behaviour.probe = Effect.void
        yield* TestClock.adjust("2 minutes")
        one.behaviour.probe = Effect.fail(failure())
        yield* TestClock.adjust("2 minutes")
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(lines, ["An engine fails: This is a test.", "An engine is back", "An engine fails: This is a test."])
    }))
})

describe("a stream that was opened", () => {
  const collect = (stream: Stream.Stream<number, EngineFailed>) =>
    Effect.scoped(Effect.flatMap(Failover.startStream(stream), (opened) => Stream.runCollect(opened)))

  it.effect("has the same elements", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* collect(Stream.make(1, 2, 3).pipe(Stream.rechunk(1))), [1, 2, 3])
      assert.deepStrictEqual(yield* collect(Stream.empty), [])
    }))

  it.effect("fails at once if it fails before its first element, else later", () =>
    Effect.gen(function*() {
      const opened = (stream: Stream.Stream<number, EngineFailed>) => Effect.exit(Effect.scoped(Failover.startStream(stream)))
      assert.isTrue(Exit.isFailure(yield* opened(Stream.fail(failure()))))
      const late = Stream.concat(Stream.make(1), Stream.fail(failure("broken")))
      assert.isTrue(Exit.isSuccess(yield* opened(late)))
      assert.strictEqual((yield* Effect.flip(collect(late))).reason, "broken")
    }))
})
