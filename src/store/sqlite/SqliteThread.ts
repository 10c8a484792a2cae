/**
 * SQLite's thread: it takes statements, runs them in the order in which they come, and answers each request.
 *
 * A statement blocks its thread, and a commit sometimes waits until the disk has written everything. No call may wait for that.
 */
import { chmodSync, statSync } from "node:fs"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { parentPort } from "node:worker_threads"
import * as ThreadPriority from "../../runtime/ThreadPriority.ts"
import { type FileId, inMemory, type Reply, type Request, type RequestResult, type Statement, type ThrownError } from "./SqliteRequest.ts"

/** How many prepared statements are kept. The service has fewer different statements. */
const maxPrepared = 200

/** How long (ms) a statement waits for another process's lock on the file. */
const busyMillis = 500

/**
 * - `synchronous = NORMAL`: commits survive the end of the process. If the machine crashes, the last commits may be lost.
 * - `secure_delete`: deleted data are overwritten in the file.
 */
const pragmas = [
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = NORMAL",
  "PRAGMA foreign_keys = ON",
  "PRAGMA secure_delete = ON"
]

const fileIdOf = (file: string): FileId => {
  const { dev, ino } = statSync(file)
  return { dev, ino }
}

/** An open database with its prepared statements. */
class OpenDatabase {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()
  readonly id: FileId | undefined

  constructor(file: string) {
    if (file !== inMemory) chmodSync(file, 0o600)
    this.#database = new DatabaseSync(file, { timeout: busyMillis })
    try {
      for (const pragma of pragmas) this.#database.exec(pragma)
      this.id = file === inMemory ? undefined : fileIdOf(file)
    } catch (cause) {
      this.close()
      throw cause
    }
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction
  }

  #prepare(text: string): StatementSync {
    const known = this.#prepared.get(text)
    if (known !== undefined) return known
    const made = this.#database.prepare(text)
    if (this.#prepared.size >= maxPrepared) this.#prepared.delete(this.#prepared.keys().next().value ?? "")
    this.#prepared.set(text, made)
    return made
  }

  rows({ inputs, text }: Statement, asArrays: boolean): ReadonlyArray<unknown> {
    const statement = this.#prepare(text)
    statement.setReturnArrays(asArrays)
    return statement.all(...inputs)
  }

  changes({ inputs, text }: Statement): unknown {
    return this.#prepare(text).run(...inputs)
  }

  close(): void {
    this.#database.close()
  }
}

/** The database that the last `Open` has opened. */
let open: OpenDatabase | undefined

const close = (): void => {
  const closing = open
  open = undefined
  closing?.close()
}

const requireOpen = (): OpenDatabase => {
  if (open === undefined) throw new Error("No database is open")
  return open
}

const answer = (request: Request): unknown => {
  switch (request._tag) {
    case "Open":
      close()
      open = new OpenDatabase(request.file)
      return open.id
    case "Close":
      return close()
    case "Rows":
      return requireOpen().rows(request.statement, request.asArrays)
    case "Changes":
      return requireOpen().changes(request.statement)
    case "All":
      for (const statement of request.statements) requireOpen().changes(statement)
      return undefined
  }
}

const thrownError = (cause: unknown): ThrownError => {
  const { errcode } = cause as { readonly errcode?: number }
  return { message: cause instanceof Error ? cause.message : String(cause), isTypeError: cause instanceof TypeError, ...errcode !== undefined && { errcode } }
}

const resultOf = (request: Request): RequestResult => {
  try {
    return { _tag: "Done", value: answer(request) }
  } catch (cause) {
    return { _tag: "Failed", error: thrownError(cause) }
  }
}

const reply = (request: Request): Reply => {
  const result = resultOf(request)
  return { ...result, isTransaction: open?.isTransaction ?? false }
}

// Other systems have one priority for the whole process. Without a parent this file runs in the main thread.
if (process.platform === "linux" && parentPort !== null) ThreadPriority.lower(0)

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.on("message", (request: Request) => parentPort?.postMessage(reply(request)))
