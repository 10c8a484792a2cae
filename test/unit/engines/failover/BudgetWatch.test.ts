import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Metric, Schema } from "effect"
import { TestClock } from "effect/testing"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import { StageBudget } from "../../../../src/conversation/ports/StageBudget.ts"
import * as BudgetWatch from "../../../../src/engines/failover/BudgetWatch.ts"
import * as Failover from "../../../../src/engines/failover/Failover.ts"
import * as Metrics from "../../../../src/observability/Metrics.ts"

/** Lines of the log, as level and message. */
const logged = <A, E, R>(test: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`))
    return Effect.provide(test(lines), Logger.layer([logger]))
  })

const ratio = (engine: string) => Effect.map(Metric.value(Metrics.engineBudgetUsed("replyModel", engine)), ({ value }) => value)

describe("an engine's use of its time-out", () => {
  it.effect("is logged once when the median comes near the time-out, and once when it is well below again", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { note } = BudgetWatch.make("replyModel")
        for (let count = 0; count < 20; count++) yield* note("slow", 1, 10)
        assert.deepStrictEqual(lines, [])
        for (let count = 0; count < 30; count++) yield* note("slow", 8, 10)
        assert.strictEqual(lines.length, 1)
        assert.match(lines[0], /^Warn: .*8\.0 s or more, and the time-out is 10\.0 s.*timeouts\.reply/)
        assert.strictEqual(yield* ratio("slow"), 0.8)
        // Between the two bounds nothing is logged.
        for (let count = 0; count < 30; count++) yield* note("slow", 6, 10)
        assert.strictEqual(lines.length, 1)
        for (let count = 0; count < 30; count++) yield* note("slow", 2, 10)
        assert.strictEqual(lines.length, 2)
        assert.match(lines[1], /^Info: /)
        for (let count = 0; count < 30; count++) yield* note("slow", 8, 10)
        assert.strictEqual(lines.length, 3)
      })))

  it.effect("is not logged for a few slow answers, nor for the first answers", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { note } = BudgetWatch.make("replyModel")
        for (let count = 0; count < 2; count++) yield* note("starting", 9, 10)
        for (let count = 0; count < 40; count++) yield* note("starting", count % 4 === 3 ? 10 : 2, 10)
        assert.deepStrictEqual(lines, [])
      })))

  it.effect("is counted for each engine, as a share of each request's time-out", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { note } = BudgetWatch.make("replyModel")
        for (let count = 0; count < 10; count++) {
          yield* note("one", 8, 10)
          yield* note("two", 8, 40)
        }
        assert.strictEqual(lines.length, 1)
        assert.deepStrictEqual([yield* ratio("one"), yield* ratio("two")], [0.8, 0.2])
      })))

  it.prop("has a median with at least half of the values on each side", [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))).check(Schema.isMinLength(1))], ([values]) => {
    const middle = BudgetWatch.median(values)
    const share = (is: (value: number) => boolean) => values.filter(is).length / values.length
    assert.isAtLeast(share((value) => value <= middle), 0.5)
    assert.isAtLeast(share((value) => value >= middle), 0.5)
  })
})

describe("a stage", () => {
  it.effect("warns of a slow engine although all answers come in time", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const member = { name: "near", engine: Effect.as(Effect.sleep("2.5 seconds"), "words"), probe: Effect.void }
        const { run } = yield* Failover.make<typeof member.engine>([member], { stage: "replyModel", hedgeAfter: 500, answerTimeout: 3000 })
        for (let count = 0; count < 6; count++) {
          const asked = yield* Effect.forkChild(Effect.scoped(run((engine) => engine)))
          yield* TestClock.adjust("2.5 seconds")
          assert.strictEqual(yield* Fiber.join(asked), "words")
        }
        assert.strictEqual(lines.length, 1)
        assert.isAtLeast(yield* ratio("near"), 0.83)
      })))

  it.effect("measures against the time-out of the agent's file", () =>
    logged(() =>
      Effect.gen(function*() {
        const member = { name: "given-time", engine: Effect.as(Effect.sleep("5 seconds"), "words"), probe: Effect.void }
        const { run } = yield* Failover.make<typeof member.engine>([member], { stage: "replyModel", hedgeAfter: 500, answerTimeout: 3000 })
        const asked = yield* Effect.forkChild(Effect.provideService(Effect.scoped(run((engine) => engine)), StageBudget, 20_000))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* Fiber.join(asked), "words")
        assert.closeTo(yield* ratio("given-time"), 0.25, 0.01)
      })))

  it.effect("counts requests that were too slow, but not other failures or interruptions", () =>
    logged(() =>
      Effect.gen(function*() {
        const refusal = new EngineFailed({ stage: "replyModel", reason: "broken", advice: "This is a test." })
        const behaviour: { answer: Effect.Effect<string, EngineFailed> } = { answer: Effect.fail(refusal) }
        const member = { name: "given-up", engine: Effect.suspend(() => behaviour.answer), probe: Effect.void }
        const { run } = yield* Failover.make<typeof member.engine>([member], { stage: "replyModel", hedgeAfter: 500, answerTimeout: 3000 })
        const ask = Effect.exit(Effect.scoped(run((engine) => engine)))
        const broken = yield* Effect.forkChild(ask)
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(broken)
        behaviour.answer = Effect.never
        const called = yield* Effect.forkChild(ask)
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(called)
        assert.strictEqual(yield* ratio("given-up"), 0)
        yield* Effect.forkChild(ask)
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* ratio("given-up"), 1)
      })))
})
