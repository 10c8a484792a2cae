import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Worker } from "node:worker_threads"
import * as Threads from "../../../src/engines/embedded/SoundSwallowerThreads.ts"

const grammar = { name: "x", jsgf: "", words: [], modelBase: "/nowhere/", model: "en-us", wordInsertion: 0.1 }

const watch = Effect.gen(function*() {
  const workers: Array<Worker> = []
  const onWorker = (worker: Worker) => void workers.push(worker)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("worker", onWorker)),
    () => Effect.sync(() => process.off("worker", onWorker))
  )
  return workers
})

describe("the threads of SoundSwallower", () => {
  it.live("that can't start are not started over and over, but once for each that wants them", () =>
    Effect.gen(function*() {
      const started = yield* watch
      const threads = yield* Threads.make({ timeout: 5000, size: 1, file: new URL("./NoSuchThread.ts", import.meta.url) })
      assert.match((yield* Effect.flip(threads.load(grammar))).message, /gone/)
      assert.strictEqual(started.length, 1)
      assert.match((yield* Effect.flip(threads.load({ ...grammar, name: "y" }))).message, /gone/)
      // Whatever was begun has ended by now, and nothing followed it.
      yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      assert.strictEqual(started.length, 2)
    }))

  it.effect("tell that a model can't be loaded, and go on", () =>
    Effect.gen(function*() {
      const threads = yield* Threads.make({ timeout: 5000, size: 1 })
      const first = yield* Effect.flip(threads.load(grammar))
      assert.notMatch(first.message, /gone|replaced/)
      assert.strictEqual((yield* Effect.flip(threads.load({ ...grammar, name: "y" }))).message, first.message)
      // No words of an unknown grammar would be taken for silence.
      const hearing = yield* threads.hear(grammar)
      yield* hearing.push(new Int16Array(160))
      assert.match((yield* Effect.flip(hearing.words)).message, /not loaded/)
    }))

  it.effect("that do not answer are stopped, and what was asked of them fails", () =>
    Effect.gen(function*() {
      // It takes what it is given, and never says a word.
      const threads = yield* Threads.make({ timeout: 5000, size: 1, file: new URL("../../fakes/SilentThread.ts", import.meta.url) })
      const asking = yield* Effect.forkChild(Effect.flip(threads.load(grammar)), { startImmediately: true })
      yield* TestClock.adjust(5000)
      assert.match((yield* Fiber.join(asking)).message, /did not answer/)
    }))
})
