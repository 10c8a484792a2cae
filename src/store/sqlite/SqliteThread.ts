/**
 * SQLite's thread: it takes statements, runs them in the order in which they come, and answers each request.
 *
 * A statement blocks its thread, and a commit sometimes waits until the disk has written everything. No call may wait for that.
 */
import { chmodSync, statSync } from "node:fs"
import { getPriority, setPriority } from "node:os"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { parentPort } from "node:worker_threads"
import { type FileId, inMemory, type Reply, type Request, type Statement, type ThrownError } from "./SqliteRequest.ts"

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
      const { dev, ino } = file === inMemory ? {} as Partial<FileId> : statSync(file)
      this.id = dev === undefined || ino === undefined ? undefined : { dev, ino }
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

let open: OpenDatabase | undefined

const close = (): void => {
  const closing = open
  open = undefined
  closing?.close()
}

const opened = (): OpenDatabase => {
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
      return opened().rows(request.statement, request.asArrays)
    case "Changes":
      return opened().changes(request.statement)
    case "All":
      for (const statement of request.statements) opened().changes(statement)
      return undefined
  }
}

const thrownError = (cause: unknown): ThrownError => {
  if (!(cause instanceof Error)) return { message: String(cause), isTypeError: false }
  const { code, errcode, errstr, message } = cause as Error & Omit<ThrownError, "message">
  const isTypeError = cause instanceof TypeError
  return { message, isTypeError, ...code !== undefined && { code }, ...errcode !== undefined && { errcode }, ...errstr !== undefined && { errstr } }
}

const reply = (request: Request): Reply => {
  try {
    const value = answer(request)
    return { _tag: "Done", value, isTransaction: open?.isTransaction ?? false }
  } catch (cause) {
    return { _tag: "Failed", error: thrownError(cause), isTransaction: open?.isTransaction ?? false }
  }
}

/** How much is added to this thread's niceness, so that the calls' thread goes first. 19 is the lowest priority. */
const addedNiceness = 10
const maxNiceness = 19

// Linux has a priority for each thread. Elsewhere this would change the whole process.
if (process.platform === "linux" && parentPort !== null) {
  try {
    setPriority(0, Math.min(getPriority(0) + addedNiceness, maxNiceness))
  } catch {
    // The machine forbids it: the thread keeps its priority.
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.on("message", (request: Request) => parentPort?.postMessage(reply(request)))
