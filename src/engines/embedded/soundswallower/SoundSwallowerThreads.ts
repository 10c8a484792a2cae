/**
 * The recognizer's threads. An utterance stays on one thread. A thread that crashes or hangs is replaced. Each of its utterances goes to
 * another thread when more sound arrives or its words are asked for again.
 */
import { availableParallelism } from "node:os"
import { Effect, type Scope } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import { threadFile } from "../../../runtime/ThreadFile.ts"
import { PlacedUtterance } from "./PlacedUtterance.ts"
import { RecognizerWorker } from "./RecognizerWorker.ts"
import type { Grammar } from "./SoundSwallowerModel.ts"
import type { JobFailed } from "../WorkerPool.ts"

/**
 * One thread for each core, at most four. With fewer threads, callers who speak at the same time would wait for each other while a core is
 * idle. The calls themselves need little of a core (docs/adr/0006).
 */
const standardSize = Math.min(4, availableParallelism())

/** Threads that are started first. A thread takes 40 MB, so further threads are started only when the first threads have too much to do. */
const standardReady = 2

/** A further thread is started when each running thread has more than this many samples (one second) to decode. */
const maxWorkOfEach = 8000

interface Utterance {
  readonly push: (sound: Pcm<8000>) => Effect.Effect<void>
  /** The words in all sound so far. */
  readonly words: Effect.Effect<string, JobFailed>
}

interface Threads {
  /** Loads a grammar in all threads until the scope is closed. Threads that are started later load it, too. */
  readonly load: (grammar: Grammar) => Effect.Effect<void, JobFailed, Scope.Scope>
  /** Begins an utterance, which ends with the scope. */
  readonly begin: (grammar: Grammar) => Effect.Effect<Utterance, never, Scope.Scope>
}

const leastWork = (workers: ReadonlyArray<RecognizerWorker>): RecognizerWorker => workers.reduce((least, one) => (one.work < least.work ? one : least))

export const make = Effect.fnUntraced(function*(options: {
  /** ms without any reply after which a thread with an open request counts as hung. */
  readonly timeout: number
  readonly size?: number
  /** Threads that are started first. */
  readonly ready?: number
  /** Another thread's file, for a test. */
  readonly file?: URL
}): Effect.fn.Return<Threads, never, Scope.Scope> {
  const file = options.file ?? threadFile(import.meta.url, "SoundSwallowerThread")
  const size = options.size ?? standardSize
  const ready = Math.min(size, options.ready ?? standardReady)
  const grammars = new Map<string, Grammar>()

  const workers = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const workers = Array.from({ length: size }, () => new RecognizerWorker(file, grammars, options.timeout))
      for (const worker of workers.slice(0, ready)) worker.start()
      return workers
    }),
    (workers) => Effect.promise(() => Promise.all(workers.map((worker) => worker.close())))
  )

  /** The threads that can be chosen: those that are started first, and further threads that were started. */
  const available = () => workers.filter((worker, index) => index < ready || worker.isStarted)

  /**
   * Chooses the thread with the least to do among the threads that have loaded their grammars. If even this thread has much to do, a
   * further thread is started for later utterances.
   */
  const choose = (): RecognizerWorker => {
    const candidates = available()
    const loaded = candidates.filter(({ isReady }) => isReady)
    const least = leastWork(loaded.length > 0 ? loaded : candidates)
    const isLoading = loaded.length < candidates.length
    const further = workers.find(({ isStarted }) => !isStarted)
    if (least.work > maxWorkOfEach && !isLoading && further !== undefined && !further.isClosed) further.start()
    return least
  }

  return {
    load: Effect.fnUntraced(function*(grammar) {
      yield* Effect.acquireRelease(
        Effect.sync(() => grammars.set(grammar.name, grammar)),
        () =>
          Effect.sync(() => {
            grammars.delete(grammar.name)
            for (const worker of workers) if (worker.isStarted) worker.send({ _tag: "Unload", grammar: grammar.name })
          })
      )
      yield* Effect.forEach(available(), (worker) => worker.ask({ _tag: "Load", grammar }), { concurrency: "unbounded", discard: true })
    }),
    begin: ({ name }) =>
      Effect.map(
        Effect.acquireRelease(Effect.sync(() => new PlacedUtterance(name, choose)), (utterance) => Effect.sync(() => utterance.end())),
        (utterance) => ({
          push: (sound: Pcm<8000>) => Effect.sync(() => utterance.push(sound)),
          words: Effect.suspend(() => utterance.words())
        })
      )
  }
})
