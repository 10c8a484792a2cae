/**
 * The recognizer's threads. An utterance stays on one of them. A thread that crashes or hangs is replaced, and its utterances are sent
 * to another thread when their words are asked for again.
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
 * One thread a core: with fewer, callers who speak at once would wait for each other while a core is idle. The calls themselves need
 * little of a core (docs/adr/0006).
 */
const standardSize = Math.min(4, availableParallelism())

/** Threads that are started first. Each takes 40 MB, so the others are started only when there is enough for them to do. */
const standardReady = 2

/** A further thread is started when each running thread has more than this many samples (one second) to decode. */
const maxWorkOfEach = 8000

interface Hearing {
  readonly push: (sound: Pcm<8000>) => Effect.Effect<void>
  /** The words of all sound so far. */
  readonly words: Effect.Effect<string, JobFailed>
}

interface Threads {
  /** Makes a grammar known to all threads, also to those that are started later, until the scope is closed. */
  readonly load: (grammar: Grammar) => Effect.Effect<void, JobFailed, Scope.Scope>
  /** Begins an utterance, which ends with the scope. */
  readonly hear: (grammar: Grammar) => Effect.Effect<Hearing, never, Scope.Scope>
}

const leastWork = (workers: ReadonlyArray<RecognizerWorker>): RecognizerWorker => workers.reduce((least, one) => (one.work < least.work ? one : least))

export const make = Effect.fnUntraced(function*(options: {
  /** ms without any reply after which a thread that was asked counts as hung. */
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

  /** The threads that are started first, and further threads that were started. */
  const present = () => workers.filter((worker, index) => index < ready || worker.isStarted)

  /**
   * Chooses the thread with the least to do, of those that have loaded their grammars. If even that one has much to do, a further thread
   * is started for later utterances.
   */
  const choose = (): RecognizerWorker => {
    const running = present()
    const loaded = running.filter(({ isReady }) => isReady)
    const least = leastWork(loaded.length > 0 ? loaded : running)
    const isLoading = loaded.length < running.length
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
      yield* Effect.forEach(present(), (worker) => worker.ask({ _tag: "Load", grammar }), { concurrency: "unbounded", discard: true })
    }),
    hear: ({ name }) =>
      Effect.map(
        Effect.acquireRelease(Effect.sync(() => new PlacedUtterance(name, choose)), (utterance) => Effect.sync(() => utterance.end())),
        (utterance) => ({
          push: (sound: Pcm<8000>) => Effect.sync(() => utterance.push(sound)),
          words: Effect.suspend(() => utterance.words())
        })
      )
  }
})
