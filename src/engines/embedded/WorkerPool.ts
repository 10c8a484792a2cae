/**
 * Threads for work that would hold up the event loop. Each thread does one job at a time. Jobs begin in the order of their arrival.
 *
 * - A job that is interrupted before it begins is dropped. A job that has begun runs to its end.
 * - A thread is stopped if its job takes too long. A stopped or crashed thread fails only the job that it was doing, and is replaced when
 *   its next job comes.
 * - A thread that can't start is started again for each job.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Data, Effect, Exit, Fiber, Pool, Scope, Semaphore } from "effect"

/** The answer of a thread. */
export type Answer<A> =
  | { readonly _tag: "Done"; readonly value: A }
  | { readonly _tag: "Failed"; readonly message: string }

/**
 * A job was not done. `failed`: the thread reported a failure. `crashed`: the thread has ended. `timedOut`: the job took too long, and its
 * thread was stopped.
 */
export class JobFailed extends Data.TaggedError("JobFailed")<{
  readonly reason: "failed" | "crashed" | "timedOut"
  readonly message: string
}> {}

interface WorkerPool<Job, A> {
  readonly run: (job: Job) => Effect.Effect<A, JobFailed>
  /** Runs a job on each thread and waits for all of them, so that each thread loads what it needs. Fails when one of the jobs failed. */
  readonly runOnEach: (job: Job) => Effect.Effect<void, JobFailed>
}

/** The number of threads by default. One core is left for the calls. */
const standardSize = Math.max(1, Math.min(4, availableParallelism() - 1))

/** A thread of the pool. It does one job at a time. Its worker is replaced after a crash, and after a job that took too long. */
class PoolThread<Job, A> {
  readonly #file: URL
  readonly #timeout: number
  /** `undefined` after the worker has crashed or was stopped, until the next job comes. */
  #worker: Worker | undefined
  #isClosed = false

  /** `timeout`: ms that a job may take. */
  constructor(file: URL, timeout: number) {
    this.#file = file
    this.#timeout = timeout
    this.#worker = this.#start()
  }

  #start(): Worker {
    const worker = new Worker(this.#file)
    // An exit event follows the error and fails the job. Without this listener an error would end the process.
    worker.on("error", () => {})
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    worker.unref()
    return worker
  }

  #answerOf(job: Job): Effect.Effect<A, JobFailed> {
    return Effect.callback<A, JobFailed>((resume) => {
      const worker = this.#worker ??= this.#start()
      const removeListeners = () => {
        worker.off("message", onMessage)
        worker.off("exit", onExit)
      }
      const onMessage = (answer: Answer<A>) => {
        removeListeners()
        resume(answer._tag === "Done" ? Effect.succeed(answer.value) : Effect.fail(new JobFailed({ reason: "failed", message: answer.message })))
      }
      const onExit = () => {
        removeListeners()
        resume(Effect.fail(new JobFailed({ reason: "crashed", message: "The thread crashed; a new thread takes its place." })))
      }
      worker.on("message", onMessage)
      worker.on("exit", onExit)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(job)
    })
  }

  readonly #terminate = Effect.promise(async () => this.#worker?.terminate())

  perform(job: Job): Effect.Effect<A, JobFailed> {
    return Effect.suspend(() => this.#isClosed ? Effect.interrupt : this.#answerOf(job)).pipe(
      Effect.timeoutOrElse({
        duration: this.#timeout,
        orElse: () =>
          Effect.andThen(
            this.#terminate,
            Effect.fail(new JobFailed({ reason: "timedOut", message: "The job took too long; its thread was stopped." }))
          )
      })
    )
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#isClosed = true
    return this.#terminate
  })
}

/** Starts the threads. They stop with the scope, even in the middle of a job. */
export const make = Effect.fnUntraced(function*<Job, A>(options: {
  readonly file: URL
  /** ms that a job may take. */
  readonly timeout: number
  readonly size?: number
}): Effect.fn.Return<WorkerPool<Job, A>, never, Scope.Scope> {
  const size = options.size ?? standardSize
  const scope = yield* Effect.scope
  const threads = yield* Pool.make({
    acquire: Effect.acquireRelease(Effect.sync(() => new PoolThread<Job, A>(options.file, options.timeout)), ({ close }) => close),
    size
  })

  const run = (job: Job): Effect.Effect<A, JobFailed> =>
    Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
      const jobScope = yield* Scope.make()
      const thread = yield* restore(Scope.provide(Pool.get(threads), jobScope)).pipe(
        Effect.onError((cause) => Scope.close(jobScope, Exit.failCause(cause)))
      )
      // This fiber belongs to the pool's scope, so the thread stays reserved until the job ends, even if `run` is interrupted.
      const performing = yield* thread.perform(job).pipe(
        Effect.onExit((exit) => Scope.close(jobScope, exit)),
        Effect.forkIn(scope)
      )
      return yield* restore(Fiber.join(performing))
    }))

  /** Guards `runOnEach`: two calls of it could each reserve some of the threads and wait for each other for ever. */
  const oneAtATime = yield* Semaphore.make(1)

  const runOnEach = (job: Job): Effect.Effect<void, JobFailed> =>
    Effect.replicateEffect(Pool.get(threads), size).pipe(
      Effect.flatMap((all) =>
        Effect.uninterruptible(Effect.forEach(all, (thread) => Effect.exit(thread.perform(job)), { concurrency: "unbounded" }))
      ),
      Effect.flatMap(Exit.asVoidAll),
      Effect.scoped,
      oneAtATime.withPermit
    )

  return { run, runOnEach }
})
