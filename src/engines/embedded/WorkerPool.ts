/**
 * Threads for work that would hold up the event loop: one job at a time each, in the order of asking.
 *
 * A job whose asker is gone before it begins is never begun. A thread that crashes, or that takes longer
 * than a job may take, is replaced when the next job comes to it; its job fails, and no other.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Deferred, Effect, Exit, Queue, type Scope, Semaphore } from "effect"

/** What a thread answers. */
export type Answer<A> =
  | { readonly _tag: "Done"; readonly value: A }
  | { readonly _tag: "Failed"; readonly message: string }

/** A job was not done: it failed, its thread crashed, or it took too long. */
export class JobFailed {
  readonly _tag = "JobFailed"
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export interface WorkerPool<Job, A> {
  readonly run: (job: Job) => Effect.Effect<A, JobFailed>
  /** Runs a job on each thread, and waits for all: for what each has to load. */
  readonly runOnEach: (job: Job) => Effect.Effect<void, JobFailed>
}

/** One core is left for the calls. */
const standardSize = Math.max(1, Math.min(4, availableParallelism() - 1))

interface Thread {
  /** None after a crash, until there is a job: one that can't start is not started over and over. */
  worker: Worker | undefined
}

/** The file of a thread, beside the module that asks for it: TypeScript from the sources, JavaScript from the build. */
export const threadFile = (module: string, name: string): URL =>
  new URL(`./${name}${module.endsWith(".ts") ? ".ts" : ".js"}`, module)

export const make = Effect.fnUntraced(function*<Job, A>(options: {
  readonly file: URL
  /** The longest that a job may take, ms. */
  readonly timeout: number
  readonly size?: number
}): Effect.fn.Return<WorkerPool<Job, A>, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const start = (thread: Thread): Worker => {
    const worker = new Worker(options.file)
    // Whoever waits for a job is told by the exit, which follows; without this listener an error would end the process.
    worker.on("error", () => {})
    worker.on("exit", () => {
      if (thread.worker === worker) thread.worker = undefined
    })
    worker.unref()
    thread.worker = worker
    return worker
  }
  const threads = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: options.size ?? standardSize }, () => {
        const thread: Thread = { worker: undefined }
        start(thread)
        return thread
      })
    ),
    (threads) => Effect.promise(() => Promise.all(threads.map(({ worker }) => worker?.terminate())))
  )
  const free = yield* Queue.unbounded<Thread>()
  for (const thread of threads) Queue.offerUnsafe(free, thread)

  const ask = (thread: Thread, job: Job): Effect.Effect<A, JobFailed> =>
    Effect.callback<A, JobFailed>((resume) => {
      const worker = thread.worker ?? start(thread)
      const stop = () => {
        worker.off("message", onMessage)
        worker.off("exit", onExit)
      }
      const onMessage = (answer: Answer<A>) => {
        stop()
        resume(answer._tag === "Done" ? Effect.succeed(answer.value) : Effect.fail(new JobFailed(answer.message)))
      }
      const onExit = () => {
        stop()
        resume(Effect.fail(new JobFailed("The thread crashed; a new one takes its place.")))
      }
      worker.on("message", onMessage)
      worker.on("exit", onExit)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(job)
    }).pipe(
      Effect.timeoutOrElse({
        duration: options.timeout,
        orElse: () =>
          Effect.andThen(
            Effect.promise(async () => thread.worker?.terminate()),
            Effect.fail(new JobFailed("The job took too long; its thread was stopped."))
          )
      })
    )

  const run = Effect.fnUntraced(function*(job: Job) {
    const done = yield* Deferred.make<A, JobFailed>()
    yield* Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(Queue.take(free)), (thread) =>
        // A job that has begun ends on its thread, whether or not somebody still waits.
        ask(thread, job).pipe(
          Effect.exit,
          Effect.flatMap((exit) => Effect.andThen(Queue.offer(free, thread), Deferred.done(done, exit))),
          Effect.forkIn(scope)
        ))
    )
    return yield* Deferred.await(done)
  })

  /** Two that each hold some of the threads would wait for each other for ever. */
  const oneAtATime = yield* Semaphore.make(1)

  const runOnEach = (job: Job) =>
    oneAtATime.withPermits(1)(
      Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
        const taken: Array<Thread> = []
        yield* Effect.forEach(threads, () => Effect.map(restore(Queue.take(free)), (thread) => taken.push(thread)), { discard: true }).pipe(
          Effect.onError(() => Queue.offerAll(free, taken))
        )
        const exits = yield* Effect.forEach(taken, (thread) => Effect.exit(ask(thread, job)), { concurrency: "unbounded" })
        yield* Queue.offerAll(free, taken)
        const failure = exits.find(Exit.isFailure)
        return yield* failure ?? Exit.void
      }))
    )

  return { run, runOnEach }
})
