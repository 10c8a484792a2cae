import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { RecognizerWorker } from "../../../../../src/engines/embedded/soundswallower/RecognizerWorker.ts"
import type { Grammar } from "../../../../../src/engines/embedded/soundswallower/SoundSwallowerModel.ts"

const timeout = 5000

const grammar = (name: string): Grammar => ({ name, jsgf: "", words: [], modelBase: "/nowhere/", model: "en-us", wordInsertion: 0.1 })

const make = (options: { readonly file?: string; readonly grammars?: ReadonlyArray<string> } = {}) => {
  const { file = "ObedientThread", grammars = [] } = options
  const known = new Map(grammars.map((name) => [name, grammar(name)]))
  const url = new URL(`../../../../support/engines/${file}.ts`, import.meta.url)
  return Effect.acquireRelease(Effect.sync(() => new RecognizerWorker(url, known, timeout)), (worker) => Effect.promise(() => worker.close()))
}

type Does = "answer" | "fail" | "crash" | "ignore"

const words = (worker: RecognizerWorker, does: Does, utterance = 0) => worker.ask({ _tag: "Words", utterance, grammar: does })

const sound = (worker: RecognizerWorker, samples: number, utterance = 0) =>
  worker.send({ _tag: "Sound", utterance, grammar: "answer", sound: new Int16Array(samples) })

const begin = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("a thread that recognizes", () => {
  it.effect("is started by the first request, and loads the grammars that are known by then", () =>
    Effect.gen(function*() {
      const worker = yield* make({ grammars: ["a", "b"] })
      assert.isFalse(worker.isStarted)
      const asking = yield* begin(words(worker, "answer"))
      assert.isTrue(worker.isStarted)
      assert.isFalse(worker.isReady)
      assert.strictEqual(yield* Fiber.join(asking), "a b")
      assert.isTrue(worker.isReady)
    }))

  it.effect("counts as work the sound that it has yet to decode, and the sound that its utterances may bring", () =>
    Effect.gen(function*() {
      const worker = yield* make()
      assert.strictEqual(worker.work, 0)
      const first = worker.beginUtterance()
      const perUtterance = worker.work
      assert.isAbove(perUtterance, 0)
      assert.notStrictEqual(worker.beginUtterance(), first)
      assert.strictEqual(worker.work, 2 * perUtterance)
      sound(worker, 800)
      sound(worker, 200)
      assert.strictEqual(worker.work, 2 * perUtterance + 1000)
      yield* words(worker, "answer")
      assert.strictEqual(worker.work, 2 * perUtterance)
      worker.endUtterance(first)
      assert.strictEqual(worker.work, perUtterance)
    }))

  it.effect("reports why it has no words, and answers the next request", () =>
    Effect.gen(function*() {
      const worker = yield* make()
      const error = yield* Effect.flip(words(worker, "fail"))
      assert.deepStrictEqual([error.reason, error.message], ["failed", "No."])
      assert.strictEqual(yield* words(worker, "answer"), "")
      assert.strictEqual(worker.generation, 0)
    }))

  it.effect("that crashes fails all open requests, and a new one takes its place without its utterances", () =>
    Effect.gen(function*() {
      const worker = yield* make({ grammars: ["a"] })
      yield* words(worker, "answer")
      worker.beginUtterance()
      sound(worker, 4000)
      const waiting = yield* begin(Effect.flip(words(worker, "ignore")))
      const crashing = yield* begin(Effect.flip(words(worker, "crash")))
      assert.deepStrictEqual([(yield* Fiber.join(waiting)).reason, (yield* Fiber.join(crashing)).reason], ["crashed", "crashed"])
      assert.strictEqual(worker.generation, 1)
      assert.strictEqual(worker.work, 0)
      assert.isTrue(worker.isStarted)
      assert.isFalse(worker.isReady)
      assert.strictEqual(yield* words(worker, "answer"), "a")
    }))

  it.effect("that crashes before it ever answered is started again only by the next request", () =>
    Effect.gen(function*() {
      const worker = yield* make()
      assert.strictEqual((yield* Effect.flip(words(worker, "crash"))).reason, "crashed")
      assert.isFalse(worker.isStarted)
      assert.strictEqual(yield* words(worker, "answer"), "")
      assert.isTrue(worker.isStarted)
    }))

  it.effect("counts as slow, not as hung, while it answers any request", () =>
    Effect.gen(function*() {
      const worker = yield* make()
      yield* words(worker, "answer")
      const waiting = yield* begin(Effect.flip(words(worker, "ignore")))
      yield* TestClock.adjust(timeout - 1)
      yield* words(worker, "answer")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* words(worker, "answer"), "")
      yield* TestClock.adjust(timeout)
      assert.strictEqual(worker.generation, 0)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(timeout)
      assert.strictEqual((yield* Fiber.join(waiting)).reason, "timedOut")
      assert.strictEqual(yield* words(worker, "answer"), "")
      assert.strictEqual(worker.generation, 1)
    }))

  it.effect("is not replaced if nobody waits for its answer any more", () =>
    Effect.gen(function*() {
      const worker = yield* make()
      const waiting = yield* begin(words(worker, "answer"))
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* words(worker, "answer"), "")
      yield* TestClock.adjust(10 * timeout)
      assert.strictEqual(worker.generation, 0)
    }))

  it.effect("is not started again once it was closed, and fails all open requests", () =>
    Effect.gen(function*() {
      const worker = yield* make()
      yield* words(worker, "answer")
      const waiting = yield* begin(Effect.flip(words(worker, "ignore")))
      yield* Effect.promise(() => worker.close())
      assert.strictEqual((yield* Fiber.join(waiting)).reason, "crashed")
      assert.isTrue(worker.isClosed)
      sound(worker, 800)
      assert.isFalse(worker.isStarted)
    }))
})
