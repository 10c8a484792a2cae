/**
 * The connection to SQLite's thread (`SqliteThread`). `open` starts the thread, also after the thread has ended, for instance for lack
 * of memory.
 */
import { Effect, Exit, Stream } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import type { SQLInputValue } from "node:sqlite"
import { Worker } from "node:worker_threads"
import { toSqlError } from "./SqliteErrors.ts"
import type { FileId, Reply, Request, Statement, ThrownError } from "./SqliteRequest.ts"

/** Limits of the thread's JavaScript memory, in MB. SQLite's own memory is not counted. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 }

/** How long (ms) the end of the connection waits until the thread has closed the file. */
const closeMillis = 2000

const unknownError = (message: string, operation: string, cause: unknown = undefined) =>
  new SqlError({ reason: new UnknownError({ cause, message, operation }) })

/** Turns a value into one that SQLite takes. `node:sqlite` would treat an object as named parameters, and store NULL. */
const toInput = (value: unknown): SQLInputValue => {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return value ? 1 : 0
    case "undefined":
      return null
    default:
      if (value === null || value instanceof Uint8Array) return value
      throw new TypeError("A parameter is neither text, number, bytes nor null")
  }
}

const toError = ({ isTypeError, message, ...fields }: ThrownError): Error => Object.assign(isTypeError ? new TypeError(message) : new Error(message), fields)

/** A statement whose parameters are not checked yet. Each `?` in the text is a parameter. */
interface UncheckedStatement {
  readonly text: string
  readonly parameters: ReadonlyArray<unknown>
}

export class SqliteConnection implements Connection {
  readonly #threadFile: URL
  #worker: Worker | undefined
  /** The callbacks of the requests without a reply. The thread answers in the order of the requests. */
  readonly #waiting: Array<(exit: Exit.Exit<unknown, SqlError>) => void> = []
  #isTransaction = false

  constructor(threadFile: URL) {
    this.#threadFile = threadFile
  }

  get isTransaction(): boolean {
    return this.#isTransaction
  }

  #start(): Worker {
    const worker = new Worker(this.#threadFile, { resourceLimits })
    let failure: unknown
    worker.on("message", (reply: Reply) => {
      this.#isTransaction = reply.isTransaction
      this.#waiting.shift()?.(reply._tag === "Done" ? Exit.succeed(reply.value) : Exit.fail(toSqlError(toError(reply.error), "execute")))
    })
    worker.on("error", (error) => {
      failure = error
    })
    worker.on("exit", () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#isTransaction = false
      for (const resume of this.#waiting.splice(0)) resume(Exit.fail(unknownError("SQLite's thread has ended", "execute", failure === undefined ? undefined : new Error("It threw", { cause: failure }))))
    })
    worker.unref()
    return worker
  }

  /** Sends a request and waits for the reply. An interruption ends the waiting, not the request. */
  #send<A>(request: Request): Effect.Effect<A, SqlError> {
    return Effect.callback<A, SqlError>((resume) => {
      // Only `Open` starts a thread: in a new one no file is open.
      try {
        if (request._tag === "Open") this.#worker ??= this.#start()
      } catch (cause) {
        return resume(Effect.fail(unknownError("SQLite's thread can't be started", "open", new Error("It did not start", { cause }))))
      }
      if (this.#worker === undefined) return resume(Effect.fail(unknownError("SQLite's thread has ended", "execute")))
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.#worker.postMessage(request)
      this.#waiting.push((exit) => resume(exit as Exit.Exit<A, SqlError>))
    })
  }

  /** Sends a request. It can't be taken back, so an interruption waits for the reply. */
  #ask<A>(request: Request): Effect.Effect<A, SqlError> {
    return Effect.uninterruptible(this.#send<A>(request))
  }

  #askChecked<A>(statements: ReadonlyArray<UncheckedStatement>, toRequest: (statements: ReadonlyArray<Statement>) => Request): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => {
      try {
        return this.#ask<A>(toRequest(statements.map(({ parameters, text }) => ({ text, inputs: parameters.map(toInput) }))))
      } catch (cause) {
        return cause instanceof TypeError ? Effect.fail(unknownError(cause.message, "bind", cause)) : Effect.die(cause)
      }
    })
  }

  /** Whether the thread has ended, with all that was open in it. */
  get hasEnded(): boolean {
    return this.#worker === undefined
  }

  /** Opens a file, which must exist already, or `:memory:`. A file that was open is closed. `undefined`: it is in memory. */
  open(file: string): Effect.Effect<FileId | undefined, SqlError> {
    return this.#ask({ _tag: "Open", file })
  }

  /**
   * Closes the file and ends the thread. A thread that does not answer is ended with the file open: SQLite repairs the file when it is
   * opened again. While the operating system holds up the thread, it can't be ended.
   */
  readonly end: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    const worker = this.#worker
    if (worker === undefined) return
    yield* Effect.timeoutOption(Effect.ignore(this.#send({ _tag: "Close" })), closeMillis)
    yield* Effect.promise(() => worker.terminate())
  })

  /** Runs statements one after the other in one request, without their rows. The first failure ends the request. */
  executeAll(statements: ReadonlyArray<UncheckedStatement>): Effect.Effect<void, SqlError> {
    return statements.length === 0 ? Effect.void : this.#askChecked(statements, (all) => ({ _tag: "All", statements: all }))
  }

  readonly execute: Connection["execute"] = (text, parameters, transformRows) => {
    const rows = this.#askChecked<ReadonlyArray<any>>([{ text, parameters }], ([statement]) => ({ _tag: "Rows", statement, asArrays: false }))
    return transformRows === undefined ? rows : Effect.map(rows, transformRows)
  }

  readonly executeUnprepared: Connection["executeUnprepared"] = (text, parameters, transformRows) => this.execute(text, parameters, transformRows)

  readonly executeRaw: Connection["executeRaw"] = (text, parameters) => this.#askChecked([{ text, parameters }], ([statement]) => ({ _tag: "Changes", statement }))

  readonly executeValues: Connection["executeValues"] = (text, parameters) =>
    this.#askChecked([{ text, parameters }], ([statement]) => ({ _tag: "Rows", statement, asArrays: true }))

  readonly executeValuesUnprepared: Connection["executeValuesUnprepared"] = (text, parameters) => this.executeValues(text, parameters)

  /** Reads all rows at once, then streams them. Callers read long results in pages. */
  readonly executeStream: Connection["executeStream"] = (text, parameters, transformRows) =>
    Stream.unwrap(Effect.map(this.execute(text, parameters, transformRows), (rows) => Stream.fromIterable(rows as Iterable<unknown>)))
}
