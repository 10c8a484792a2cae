/**
 * The main thread's side of one recognizer thread. It sends requests, tracks how much sound the thread has yet to decode, and completes
 * requests when their answers come. A worker that crashes or hangs is replaced. The new worker does not have the old worker's utterances.
 */
import { Worker } from "node:worker_threads"
import { Deferred, Effect } from "effect"
import type { Grammar } from "./SoundSwallowerModel.ts"
import type { Reply, Request } from "./SoundSwallowerThread.ts"
import { JobFailed } from "../WorkerPool.ts"

/** The samples (250 ms) that each running utterance is expected to add to the work. */
const expectedSamples = 2000

/** The `ask` number of the requests by which a new worker loads the known grammars. Nothing waits for their answers. */
const unasked = -1

type DistributiveOmit<A, Key extends PropertyKey> = A extends unknown ? Omit<A, Key> : never

/** A request that needs an answer, without the number that `RecognizerWorker` gives it. */
type Question = DistributiveOmit<Extract<Request, { readonly ask: number }>, "ask">

export class RecognizerWorker {
  readonly #file: URL
  readonly #grammars: ReadonlyMap<string, Grammar>
  readonly #timeout: number
  /** `undefined` before the first start, and after the crash of a worker that never answered. Only a request restarts such a worker. */
  #worker: Worker | undefined
  #isClosed = false
  /** The worker has answered at least once. */
  #hasAnswered = false
  /** The number of grammars that were known when the worker was started and that it has yet to load. */
  #grammarsToLoad = 0
  #generation = 0
  #utterances = 0
  #nextUtterance = 0
  /** Samples that the worker has yet to decode: the number in its last reply, plus the samples sent since. */
  #waitingSamples = 0
  /** Counts replies. A busy thread answers late, but still sends `Progress`. A thread that hangs sends nothing. */
  #replies = 0
  #nextAsk = 0
  readonly #asks = new Map<number, Deferred.Deferred<string, JobFailed>>()

  /**
   * Does not start the worker.
   *
   * @param grammars the grammars that all threads know; read at each start
   * @param timeout ms without a reply after which a thread with an open request counts as hung
   */
  constructor(file: URL, grammars: ReadonlyMap<string, Grammar>, timeout: number) {
    this.#file = file
    this.#grammars = grammars
    this.#timeout = timeout
  }

  get isStarted(): boolean {
    return this.#worker !== undefined
  }

  /** The worker is started, and has loaded the grammars that were known at its start. */
  get isReady(): boolean {
    return this.#worker !== undefined && this.#grammarsToLoad === 0
  }

  /** The thread's remaining work, in samples. */
  get work(): number {
    return this.#waitingSamples + expectedSamples * this.#utterances
  }

  /** The number of workers that have ended. An utterance that an earlier worker got is lost. */
  get generation(): number {
    return this.#generation
  }

  start(): Worker {
    const worker = new Worker(this.#file)
    this.#worker = worker
    this.#hasAnswered = false
    this.#grammarsToLoad = this.#grammars.size
    worker.unref()
    // An exit event follows an error. Without this listener an error would end the process.
    worker.on("error", () => {})
    worker.on("message", (reply: Reply) => this.#onReply(reply))
    worker.on("exit", () => this.#onExit())
    for (const grammar of this.#grammars.values()) post(worker, { _tag: "Load", ask: unasked, grammar })
    return worker
  }

  #onReply(reply: Reply): void {
    this.#replies++
    this.#hasAnswered = true
    this.#waitingSamples = reply.waiting
    if (reply._tag === "Progress") return
    if (reply.ask === unasked) this.#grammarsToLoad--
    const ask = this.#asks.get(reply.ask)
    this.#asks.delete(reply.ask)
    if (ask === undefined) return
    Deferred.doneUnsafe(ask, reply._tag === "Done" ? Effect.succeed(reply.text) : Effect.fail(new JobFailed({ reason: "failed", message: reply.message })))
  }

  #onExit(): void {
    const asks = [...this.#asks.values()]
    this.#asks.clear()
    this.#generation++
    this.#utterances = 0
    this.#waitingSamples = 0
    this.#worker = undefined
    if (this.#hasAnswered && !this.#isClosed) this.start()
    // The asks fail last, because a failed ask may send another request at once.
    for (const ask of asks) {
      Deferred.doneUnsafe(ask, Effect.fail(new JobFailed({ reason: "crashed", message: "The thread is gone; a new thread takes its place." })))
    }
  }

  /** Sends a request and does not wait for an answer. Starts the worker if there is none. */
  send(request: Request): void {
    if (request._tag === "Sound") this.#waitingSamples += request.sound.length
    if (this.#worker !== undefined || !this.#isClosed) post(this.#worker ?? this.start(), request)
  }

  /** The number of a new utterance, which counts as work until {@link endUtterance}. */
  beginUtterance(): number {
    this.#utterances++
    return this.#nextUtterance++
  }

  endUtterance(utterance: number): void {
    this.#utterances--
    this.send({ _tag: "End", utterance })
  }

  /** Fails when the worker answers with a failure, crashes, or makes no progress for the time-out. A worker without progress is replaced. */
  ask(question: Question): Effect.Effect<string, JobFailed> {
    return Effect.suspend(() => {
      const answer = Deferred.makeUnsafe<string, JobFailed>()
      const number = this.#nextAsk++
      this.#asks.set(number, answer)
      this.send({ ...question, ask: number })
      return Effect.raceFirst(Deferred.await(answer), this.#replaceHung(number)).pipe(
        Effect.onInterrupt(() => Effect.sync(() => this.#asks.delete(number)))
      )
    })
  }

  /**
   * Replaces the worker once it has made no progress for the time-out. A worker that makes progress may take longer: the code that asks
   * sets the limit for an answer.
   */
  readonly #replaceHung = Effect.fnUntraced({ self: this }, function*(number: number) {
    const worker = this.#worker
    let replies: number
    do {
      replies = this.#replies
      yield* Effect.sleep(this.#timeout)
    } while (this.#replies !== replies)
    this.#asks.delete(number)
    yield* Effect.promise(async () => worker?.terminate())
    return yield* new JobFailed({ reason: "timedOut", message: "The thread did not answer, and was replaced." })
  })

  /** Stops the worker for good. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }
}

const post = (worker: Worker, request: Request): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage(request)
}
