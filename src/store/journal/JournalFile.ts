/**
 * One file of the journal. Lines are added at its end and taken from its beginning. The journal removes the file when all lines are taken.
 *
 * The module uses `node:fs`, because it must sync the file to the disk, and cut the file after a failed write. The file's mode is 0600 with
 * every umask, so only this user can read the file.
 */
import { Data, Effect } from "effect"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import { dirname } from "node:path"
import * as Files from "../../config/Files.ts"
import type { Stamped } from "../writer/WriteQueue.ts"
import { encode, erase, type JournalLine, read, split } from "./JournalLines.ts"

/** The journal can't be written or read. */
export class JournalFailed extends Data.TaggedError("JournalFailed")<{ readonly cause: unknown }> {
  /** A clause for the operator. */
  get reason(): string {
    return typeof this.cause === "string" ? this.cause : Files.whyUnwritable(this.cause)
  }

  override get message() {
    return "The store's journal can't be read or written. Look at DATA_DIR and the space on its disk."
  }
}

/** How many bytes of the file are read at once. If a line is longer, more bytes are read. */
const pieceBytes = 256 * 1024

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, JournalFailed> => Effect.tryPromise({ try: run, catch: (cause) => new JournalFailed({ cause }) })

export interface Piece {
  readonly lines: ReadonlyArray<JournalLine>
}

/** Not safe for concurrent use: the journal runs one operation at a time. */
export class JournalFile {
  readonly path: string
  readonly #handle: fs.FileHandle
  #size: number
  #takenBytes = 0
  /** Bytes of the lines that were read and not taken yet. */
  #readBytes = 0
  /** Whether a failed write may have left half a line at the end. */
  #isTorn = false
  #isSynced = true

  private constructor(path: string, handle: fs.FileHandle, size: number) {
    this.path = path
    this.#handle = handle
    this.#size = size
  }

  static create = (path: string): Effect.Effect<JournalFile, JournalFailed> =>
    attempt(async () => {
      await fs.mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const handle = await fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND, 0o600)
      await handle.chmod(0o600)
      // Syncs the folder, so that the file's name survives a crash of the machine, too. Not every file system can do that.
      const folder = await fs.open(dirname(path), constants.O_RDONLY)
      await folder.sync().catch(() => undefined).finally(() => folder.close())
      return new JournalFile(path, handle, 0)
    })

  /** Opens the file of another process. */
  static open = (path: string): Effect.Effect<JournalFile, JournalFailed> =>
    attempt(async () => {
      const handle = await fs.open(path, constants.O_RDONLY)
      return new JournalFile(path, handle, (await handle.stat()).size)
    })

  get size(): number {
    return this.#size
  }

  append(writes: ReadonlyArray<Stamped>): Effect.Effect<void, JournalFailed> {
    return attempt(async () => {
      const bytes = Buffer.from(`${this.#isTorn ? "\n" : ""}${writes.map(encode).join("")}`)
      try {
        await this.#handle.appendFile(bytes)
      } catch (cause) {
        this.#isTorn = await this.#handle.truncate(this.#size).then(() => false, () => true)
        if (this.#isTorn) this.#size = (await this.#handle.stat()).size
        throw cause
      }
      this.#isTorn = false
      this.#isSynced = false
      this.#size += bytes.length
    })
  }

  sync(): Effect.Effect<void, JournalFailed> {
    return this.#isSynced ? Effect.void : attempt(async () => {
      await this.#handle.datasync()
      this.#isSynced = true
    })
  }

  /**
   * Overwrites the lines of one call, taken or not.
   *
   * The method opens a second handle. `#handle` can only append to this process's own file, and only read the file of another process.
   */
  erase(callSid: string): Effect.Effect<void, JournalFailed> {
    return attempt(async () => {
      const handle = await fs.open(this.path, constants.O_RDWR)
      try {
        let isChanged = false
        for (let at = 0, length = pieceBytes; at < this.#size;) {
          const bytes = Buffer.alloc(Math.min(length, this.#size - at))
          const { bytesRead } = await handle.read(bytes, 0, bytes.length, at)
          if (bytesRead === 0) break
          const lastEnd = bytes.lastIndexOf(0x0a, bytesRead - 1)
          const isLast = at + bytesRead >= this.#size
          if (lastEnd < 0 && !isLast) {
            length *= 2
            continue
          }
          const piece = bytes.subarray(0, lastEnd < 0 || isLast ? bytesRead : lastEnd + 1)
          if (piece.includes(callSid)) {
            erase(piece, callSid)
            await handle.write(piece, 0, piece.length, at)
            isChanged = true
          }
          at += piece.length
          length = pieceBytes
        }
        if (isChanged) await handle.datasync()
      } finally {
        await handle.close()
      }
    })
  }

  /**
   * Reads the next lines, or none at the end of the file. Returns the same lines again until `take`. If the file ends without a line end, its
   * last text counts as a damaged line.
   */
  next(maxLines: number): Effect.Effect<Piece, JournalFailed> {
    return attempt(async () => {
      for (let length = pieceBytes;; length *= 2) {
        const bytes = Buffer.alloc(Math.min(length, this.#size - this.#takenBytes))
        const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, this.#takenBytes)
        const piece = bytes.subarray(0, bytesRead)
        const { length: linesLength, lines } = split(piece, maxLines)
        const isEnd = this.#takenBytes + bytesRead >= this.#size || bytesRead === 0
        if (lines.length === 0 && piece.length > 0 && !isEnd) continue
        this.#readBytes = lines.length === 0 ? piece.length : linesLength
        return { lines: lines.length === 0 && piece.length > 0 ? [{ _tag: "Damaged" as const }] : lines.filter((line) => line.trim() !== "").map(read) }
      }
    })
  }

  /** Marks the lines of the last `next` as taken. If that `next` could read nothing, the whole file counts as taken. */
  take(): void {
    if (this.#readBytes === 0) this.#size = this.#takenBytes
    this.#takenBytes += this.#readBytes
    this.#readBytes = 0
  }

  get isTaken(): boolean {
    return this.#takenBytes >= this.#size
  }

  /** Updates the file's time. This shows other processes that the file's process is alive. */
  touch(now: number): Effect.Effect<void, JournalFailed> {
    return attempt(() => this.#handle.utimes(now / 1000, now / 1000))
  }

  close(): Effect.Effect<void> {
    return Effect.ignore(attempt(() => this.#handle.close()))
  }

  remove(): Effect.Effect<void> {
    return Effect.andThen(Effect.ignore(attempt(() => fs.rm(this.path, { force: true }))), this.close())
  }
}
