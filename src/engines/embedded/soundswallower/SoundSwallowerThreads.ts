/**
 * The threads that recognize. An utterance stays on one of them; when a thread crashes or hangs, it is
 * replaced, and its utterances are sent to another when they are asked for again.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Deferred, Effect, type Scope } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import { shortUtterance } from "./ShortUtterance.ts"
import type { Grammar } from "./SoundSwallowerModel.ts"
import type { Reply, Request } from "./SoundSwallowerThread.ts"
import { JobFailed, threadFile } from "../WorkerPool.ts"

/**
 * One a core: callers who speak at once would otherwise wait for each other while a core has nothing to do. The calls
 * themselves need little of one (docs/adr/0006).
 */
const standardSize = Math.min(4, availableParallelism())

/** So many are there from the beginning; each takes 40 MB, so the others are started when there is enough for them to do. */
const standardReady = 2

/** Samples (a second) that each thread has yet to hear when a further one is worth its memory. */
const busy = 8000

/** Samples (250 ms) that an utterance on a thread is expected to bring yet, at the least. */
const expected = 2000

/** The number of what a worker does before anybody asks: it loads what is known. */
const unasked = -1

type DistributiveOmit<A, Key extends PropertyKey> = A extends unknown ? Omit<A, Key> : never

interface Thread {
  /** None after a crash of one that never did anything, until it is wanted: one that can't start is not started over and over. */
  worker: Worker | undefined
  /** The worker has answered. */
  isWell: boolean
  /** Grammars that were known when the worker was started, and that it has yet to load. */
  loading: number
  /** Counts replacements: an utterance of an older life is not known to this one. */
  life: number
  utterances: number
  /** Samples that it has yet to hear, by what it last told and what was sent since. */
  waiting: number
  /** Counts what it has done: one that has much to do is late, and does not hang. */
  done: number
  readonly asks: Map<number, Deferred.Deferred<string, JobFailed>>
}

export interface Hearing {
  readonly push: (sound: Pcm<8000>) => Effect.Effect<void>
  readonly words: Effect.Effect<string, JobFailed>
}

export interface Threads {
  /** Makes a grammar known to all threads, those too that take the place of others, until the scope is closed. */
  readonly load: (grammar: Grammar) => Effect.Effect<void, JobFailed, Scope.Scope>
  readonly hear: (grammar: Grammar) => Effect.Effect<Hearing, never, Scope.Scope>
}

export const make = Effect.fnUntraced(function*(options: {
  /** ms that an answer may take. */
  readonly timeout: number
  readonly size?: number
  /** Threads that are started at once. */
  readonly ready?: number
  /** Another thread's, for a test. */
  readonly file?: URL
}): Effect.fn.Return<Threads, never, Scope.Scope> {
  const file = options.file ?? threadFile(import.meta.url, "SoundSwallowerThread")
  const grammars = new Map<string, Grammar>()
  let nextAsk = 0
  let nextUtterance = 0
  let isClosed = false

  const size = options.size ?? standardSize
  const ready = Math.min(size, options.ready ?? standardReady)

  const start = (thread: Thread): Worker => {
    const worker = new Worker(file)
    thread.worker = worker
    thread.isWell = false
    thread.loading = grammars.size
    worker.unref()
    // What follows an error is the exit.
    worker.on("error", () => {})
    worker.on("message", (reply: Reply) => {
      thread.done++
      thread.isWell = true
      thread.waiting = reply.waiting
      if (reply._tag === "GotOn") return
      if (reply.ask === unasked) thread.loading--
      const ask = thread.asks.get(reply.ask)
      thread.asks.delete(reply.ask)
      if (ask === undefined) return
      Deferred.doneUnsafe(ask, reply._tag === "Done" ? Effect.succeed(reply.text) : Effect.fail(new JobFailed({ reason: "failed", message: reply.message })))
    })
    worker.on("exit", () => {
      const asks = [...thread.asks.values()]
      thread.asks.clear()
      thread.life++
      thread.utterances = 0
      thread.waiting = 0
      thread.worker = undefined
      if (thread.isWell && !isClosed) start(thread)
      // At last: whoever is told may ask again at once.
      for (const ask of asks) {
        Deferred.doneUnsafe(ask, Effect.fail(new JobFailed({ reason: "crashed", message: "The thread is gone; a new one takes its place." })))
      }
    })
    for (const grammar of grammars.values()) post(worker, { _tag: "Load", ask: unasked, grammar })
    return worker
  }

  const post = (worker: Worker, request: Request) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(request)
  }

  const send = (thread: Thread, request: Request) => {
    if (request._tag === "Sound") thread.waiting += request.sound.length
    if (thread.worker !== undefined || !isClosed) post(thread.worker ?? start(thread), request)
  }

  const threads = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: size }, (_, index) => {
        const thread: Thread = { worker: undefined, isWell: false, loading: 0, life: 0, utterances: 0, waiting: 0, done: 0, asks: new Map() }
        if (index < ready) start(thread)
        return thread
      })
    ),
    (threads) => {
      isClosed = true
      return Effect.promise(() => Promise.all(threads.map(({ worker }) => worker?.terminate())))
    }
  )
  /** Those that are always there; also the others, once they are started. */
  const isPresent = (thread: Thread, index: number): boolean => index < ready || thread.worker !== undefined

  /** Waits for a thread to do nothing for so long. What is too late for a caller is for the caller to say. */
  const replaceHung = Effect.fnUntraced(function*(thread: Thread, number: number) {
    const { worker } = thread
    let done: number
    do {
      done = thread.done
      yield* Effect.sleep(options.timeout)
    } while (thread.done !== done)
    thread.asks.delete(number)
    yield* Effect.promise(async () => worker?.terminate())
    return yield* new JobFailed({ reason: "late", message: "The thread did not answer, and was replaced." })
  })

  const ask = (thread: Thread, request: DistributiveOmit<Extract<Request, { readonly ask: number }>, "ask">) =>
    Effect.gen(function*() {
      const answer = yield* Deferred.make<string, JobFailed>()
      const number = nextAsk++
      thread.asks.set(number, answer)
      send(thread, { ...request, ask: number })
      return yield* Effect.raceFirst(Deferred.await(answer), replaceHung(thread, number)).pipe(
        Effect.onInterrupt(() => Effect.sync(() => thread.asks.delete(number)))
      )
    })

  /** What a thread has to do, in samples. */
  const work = ({ utterances, waiting }: Thread): number => waiting + expected * utterances

  const leastOf = (some: ReadonlyArray<Thread>): Thread => some.reduce((least, one) => (work(one) < work(least) ? one : least))

  /**
   * The thread for an utterance: of those that have loaded what they are to hear, the one with the least to do. When that is much,
   * a further thread is started, for utterances to come.
   */
  const choose = (): Thread => {
    const present = threads.filter(isPresent)
    const loaded = present.filter(({ loading, worker }) => worker !== undefined && loading === 0)
    const least = leastOf(loaded.length > 0 ? loaded : present)
    const isLoading = loaded.length < present.length
    const further = threads.find(({ worker }) => worker === undefined)
    if (work(least) > busy && !isLoading && !isClosed && further !== undefined) start(further)
    return least
  }

  const hear = Effect.fnUntraced(function*(grammar: Grammar) {
    const pieces: Array<Pcm<8000>> = []
    let length = 0
    let place: { readonly thread: Thread; readonly life: number; readonly utterance: number } | undefined

    const leave = () => {
      if (place === undefined || place.life !== place.thread.life) return
      place.thread.utterances--
      send(place.thread, { _tag: "End", utterance: place.utterance })
    }
    /** Where the utterance is; with all of its sound, also when its thread is another than before. */
    const settle = () => {
      if (place !== undefined && place.life === place.thread.life) return place
      const thread = choose()
      thread.utterances++
      place = { thread, life: thread.life, utterance: nextUtterance++ }
      for (const sound of pieces) send(thread, { _tag: "Sound", utterance: place.utterance, grammar: grammar.name, sound })
      return place
    }

    yield* Effect.addFinalizer(() => Effect.sync(leave))
    return {
      push: (sound: Pcm<8000>) =>
        Effect.sync(() => {
          length += sound.length
          // A short one is heard as a whole, by the thread that is free when its words are asked for.
          const known = place === undefined && length < shortUtterance ? undefined : settle()
          pieces.push(sound)
          if (known !== undefined) send(known.thread, { _tag: "Sound", utterance: known.utterance, grammar: grammar.name, sound })
        }),
      words: Effect.suspend(() => {
        const { thread, utterance } = settle()
        return ask(thread, { _tag: "Words", utterance, grammar: grammar.name })
      })
    }
  })

  return {
    load: Effect.fnUntraced(function*(grammar) {
      yield* Effect.acquireRelease(
        Effect.sync(() => grammars.set(grammar.name, grammar)),
        () =>
          Effect.sync(() => {
            grammars.delete(grammar.name)
            for (const thread of threads) if (thread.worker !== undefined) send(thread, { _tag: "Unload", grammar: grammar.name })
          })
      )
      yield* Effect.forEach(threads.filter(isPresent), (thread) => ask(thread, { _tag: "Load", grammar }), { concurrency: "unbounded", discard: true })
    }),
    hear
  }
})
