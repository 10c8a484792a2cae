import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Worker } from "node:worker_threads"
import * as WorkerPool from "../../../../src/engines/embedded/WorkerPool.ts"
import type { Done, Job } from "../../../support/engines/PoolThread.ts"

const timeout = 5000

const make = (size: number, file = "../../../support/engines/PoolThread.ts") =>
  WorkerPool.make<Job, Done>({ file: new URL(file, import.meta.url), timeout, size })

const say = (text: string): Job => ({ _tag: "Answer", text })

/** A job that ends when `open` is called. */
const gated = (text: string) => {
  const lock = new Int32Array(new SharedArrayBuffer(4))
  const open = () => {
    Atomics.store(lock, 0, 1)
    Atomics.notify(lock, 0)
  }
  return { job: { _tag: "WaitFor", lock, text } as const, open }
}

const begin = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

/** The threads that this process starts from now on. */
const watch = Effect.gen(function*() {
  const workers: Array<Worker> = []
  const onWorker = (worker: Worker) => void workers.push(worker)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("worker", onWorker)),
    () => Effect.sync(() => process.off("worker", onWorker))
  )
  return workers
})

const exitOf = (worker: Worker) => Effect.callback<void>((resume) => void worker.once("exit", () => resume(Effect.void)))

/** Waits for the next iteration of the event loop. */
const nextIteration = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

describe("a pool of threads", () => {
  it.live("does the jobs of one thread in the order in which they came", () =>
    Effect.gen(function*() {
      const pool = yield* make(1)
      const ended: Array<string> = []
      yield* Effect.forEach(
        ["a", "b", "c", "d"],
        (text) => Effect.tap(pool.run(say(text)), ({ begun }) => Effect.sync(() => ended.push(`${begun} ${text}`))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(ended, ["1 a", "2 b", "3 c", "4 d"])
    }))

  it.live("gives a job to another thread when one is busy", () =>
    Effect.gen(function*() {
      const pool = yield* make(2)
      const { job, open } = gated("slow")
      const slow = yield* begin(pool.run(job))
      assert.strictEqual((yield* pool.run(say("quick"))).text, "quick")
      open()
      assert.strictEqual((yield* Fiber.join(slow)).text, "slow")
    }))

  it.live("reports a failed job, and goes on with the same thread", () =>
    Effect.gen(function*() {
      const pool = yield* make(1)
      const failure = yield* Effect.flip(pool.run({ _tag: "Fail" }))
      assert.deepStrictEqual([failure._tag, failure.message], ["JobFailed", "No."])
      assert.deepStrictEqual(yield* pool.run(say("on")), { text: "on", begun: 2 })
    }))

  it.live("fails the job of a thread that crashes, and no other", () =>
    Effect.gen(function*() {
      const pool = yield* make(1)
      const [crashed, next] = yield* Effect.all([Effect.exit(pool.run({ _tag: "Crash" })), pool.run(say("next"))], { concurrency: "unbounded" })
      assert.isTrue(Exit.isFailure(crashed))
      // It is the first job of a new thread.
      assert.deepStrictEqual(next, { text: "next", begun: 1 })
    }))

  it.live("replaces a thread that crashed while it was idle", () =>
    Effect.gen(function*() {
      const started = yield* watch
      const pool = yield* make(1)
      yield* pool.run(say("ready"))
      const exit = yield* begin(exitOf(started[0]))
      assert.strictEqual((yield* pool.run({ _tag: "CrashAfterwards" })).text, "last")
      yield* Fiber.join(exit)
      assert.deepStrictEqual(yield* pool.run(say("next")), { text: "next", begun: 1 })
    }))

  it.live("fails each job of a thread that can't start, and starts it only for a job", () =>
    Effect.gen(function*() {
      const started = yield* watch
      const pool = yield* make(1, "../../fakes/NoSuchThread.ts")
      for (let count = 0; count < 3; count++) {
        assert.match((yield* Effect.flip(pool.run(say("x")))).message, /crashed/)
      }
      yield* nextIteration
      assert.isAtMost(started.length, 4)
    }))

  it.effect("stops a thread whose job takes too long, and goes on with a new one", () =>
    Effect.gen(function*() {
      const pool = yield* make(1)
      assert.strictEqual((yield* pool.run(say("ready"))).begun, 1)
      const hanging = yield* begin(Effect.flip(pool.run({ _tag: "Hang" })))
      const next = yield* begin(pool.run(say("next")))
      yield* TestClock.adjust(timeout)
      assert.match((yield* Fiber.join(hanging)).message, /too long/)
      assert.deepStrictEqual(yield* Fiber.join(next), { text: "next", begun: 1 })
    }))

  it.live("never begins a job that was interrupted while it waited", () =>
    Effect.gen(function*() {
      const pool = yield* make(1)
      const { job, open } = gated("first")
      const first = yield* begin(pool.run(job))
      const abandoned = yield* begin(pool.run(say("abandoned")))
      const last = yield* begin(pool.run(say("last")))
      yield* Fiber.interrupt(abandoned)
      open()
      assert.strictEqual((yield* Fiber.join(first)).begun, 1)
      assert.deepStrictEqual(yield* Fiber.join(last), { text: "last", begun: 2 })
    }))

  it.live("finishes a job that was interrupted in the middle, and then takes the next", () =>
    Effect.gen(function*() {
      const pool = yield* make(1)
      const { job, open } = gated("abandoned")
      const abandoned = yield* begin(pool.run(job))
      yield* Fiber.interrupt(abandoned)
      const next = yield* begin(pool.run(say("next")))
      open()
      assert.deepStrictEqual(yield* Fiber.join(next), { text: "next", begun: 2 })
    }))

  it.live("runs a job on each thread, even twice at once", () =>
    Effect.gen(function*() {
      const pool = yield* make(3)
      yield* Effect.all([pool.runOnEach(say("one")), pool.runOnEach(say("two"))], { concurrency: "unbounded" })
      const gates = [gated("a"), gated("b"), gated("c")]
      const fibers = yield* Effect.forEach(gates, ({ job }) => begin(pool.run(job)))
      for (const { open } of gates) open()
      for (const fiber of fibers) assert.strictEqual((yield* Fiber.join(fiber)).begun, 3)
    }))

  it.live("loses no thread when a job for each thread is interrupted before all threads are free", () =>
    Effect.gen(function*() {
      const pool = yield* make(2)
      const { job, open } = gated("busy")
      const busy = yield* begin(pool.run(job))
      yield* Fiber.interrupt(yield* begin(pool.runOnEach(say("each"))))
      assert.strictEqual((yield* pool.run(say("free"))).text, "free")
      open()
      yield* Fiber.join(busy)
      yield* pool.runOnEach(say("again"))
    }))

  it.live("fails if one of the threads failed", () =>
    Effect.gen(function*() {
      const pool = yield* make(2)
      assert.strictEqual((yield* Effect.flip(pool.runOnEach({ _tag: "Fail" }))).message, "No.")
      assert.strictEqual((yield* pool.run(say("on"))).text, "on")
    }))

  it.live("stops its threads with its scope, even in the middle of a job, and starts none again", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(make(2), scope)
      yield* pool.runOnEach(say("ready"))
      const { job } = gated("never")
      const hanging = yield* begin(Effect.exit(pool.run(job)))
      yield* nextIteration
      const started = yield* watch
      yield* Scope.close(scope, Exit.void)
      // The job needs no answer: its pool was closed.
      yield* Fiber.interrupt(hanging)
      yield* nextIteration
      assert.strictEqual(started.length, 0)
    }))
})
