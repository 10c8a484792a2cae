/**
 * Files that this service reads and writes.
 *
 * Only regular files of a bounded size are read: a pipe could make the service wait forever, and a device has no end. Links are followed,
 * because Kubernetes mounts files as links. A file is written under a temporary name and then renamed. So a full disk or a power failure
 * leaves either the old content or the whole new content.
 *
 * This module uses `node:fs`, because Effect's `FileSystem` has no flags for "do not wait" and "do not follow a link".
 */
import { Data, Effect, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import { constants, type Stats } from "node:fs"
import * as fs from "node:fs/promises"
import { dirname } from "node:path"

/** The default limit of {@link read}, in bytes. */
export const maxBytes = 1024 * 1024

/** Clauses that follow a file's name. */
const readFailures = {
  missing: "does not exist. Check its name",
  folder: "is a folder. Give the path of a file",
  notAFile: "is a pipe, a device or a socket. Give the path of a regular file",
  tooLarge: "is too large. Check that it is the right file",
  notText: "is not UTF-8 text. Save it as UTF-8",
  forbidden: "can't be read. Check its permissions",
  failed: "can't be read. Check its disk and its permissions"
}

/**
 * A file can't be read. `tooLarge`: the file is larger than the limit. `notAFile`: it is a pipe, a device or a socket. `notText`: it is not
 * UTF-8, but for example UTF-16, as some Windows programs write it.
 */
export class FileUnreadable extends Data.TaggedError("FileUnreadable")<{
  readonly file: string
  readonly why: keyof typeof readFailures
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.file} ${readFailures[this.why]}.`
  }
}

/**
 * Why a file that a setting names can't be read, and what to do about it. The text follows the file's name.
 *
 * @param advice what to do if the file is missing, or is a folder
 * @param maxFileBytes the limit with which the file was read
 */
export const whySettingUnreadable = (
  why: FileUnreadable["why"],
  advice: { readonly missing: string; readonly folder: string },
  maxFileBytes: number
): string => {
  switch (why) {
    case "missing":
      return `can't be found. ${advice.missing}`
    case "folder":
      return `is a folder. ${advice.folder}`
    case "tooLarge":
      return `has more than ${maxFileBytes / 1024} KiB. Make it smaller.`
    default:
      return `${readFailures[why]}.`
  }
}

/** Clauses that follow "FILE can't be written:", by the system's error code. */
const writeFailures: Readonly<Record<string, string>> = {
  ENOSPC: "there is no space left on its disk. Make room",
  EFBIG: "it may not grow any more. Raise the process's limit for files (ulimit -f), or use a file system that allows larger files",
  EDQUOT: "its owner's quota of disk space is used up. Make room",
  EROFS: "its file system is mounted read-only. Mount it for writing",
  EACCES: "its folder or the file itself may not be written by this user. Change its owner or its permissions",
  EPERM: "its folder or the file itself may not be written by this user. Change its owner or its permissions",
  ENOTDIR: "a part of its path is not a folder. Name another folder",
  EISDIR: "something with this name exists and is not a file. Remove it",
  ELOOP: "it is a link, and the service does not write through links. Remove the link, or name the folder to which it points",
  EIO: "its disk fails. Check the system's log"
}

/** Why a file can't be written, and what to do, such as `there is no space left on its disk. Make room`. */
export const whyUnwritable = (cause: unknown): string => {
  const code = codeOf(cause)
  return writeFailures[code] ?? `the system ${code === "" ? "gives no reason" : `reports ${code}`}. Check its folder`
}

/** A file can't be written; the message says why and what to do. */
export class FileUnwritable extends Data.TaggedError("FileUnwritable")<{ readonly file: string; readonly cause: unknown }> {
  /** See {@link whyUnwritable}. */
  get reason(): string {
    return whyUnwritable(this.cause)
  }

  override get message() {
    return `${this.file} can't be written: ${this.reason}.`
  }
}

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException | undefined)?.code ?? ""

/** Flags for opening a file. They are 0 on Windows, which does not have these flags. */
export const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as { readonly O_NOFOLLOW?: number; readonly O_NONBLOCK?: number }

const folderMode = 0o700
const fileMode = 0o600

// ---------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------

interface Content {
  readonly text: string
  /** Whether users other than the file's owner may read it. */
  readonly isOpenToOthers: boolean
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

/**
 * `undefined`: the bytes are not UTF-8 text. A NUL within the text is a sign of UTF-16. NULs at the end are allowed, because a power failure
 * can leave them there.
 */
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    const text = utf8.decode(bytes)
    return text.replace(/\0+$/, "").includes("\0") ? undefined : text
  } catch {
    return undefined
  }
}

/** Reads a regular file as UTF-8. Follows links and never waits for a writer. `limit`: in bytes. */
export const read = (file: string, limit = maxBytes): Effect.Effect<Content, FileUnreadable> => {
  const unreadable = (why: FileUnreadable["why"], cause?: unknown) => new FileUnreadable({ file, why, cause })
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) => {
        const code = codeOf(cause)
        return unreadable(
          code === "ENOENT" || code === "ENOTDIR" ? "missing" : code === "EACCES" || code === "EPERM" ? "forbidden" : code === "EISDIR" ? "folder" : "failed",
          cause
        )
      }
    })
  const check = (stats: Stats) => {
    if (stats.isDirectory()) return Effect.fail(unreadable("folder"))
    if (!stats.isFile()) return Effect.fail(unreadable("notAFile"))
    return stats.size > limit ? Effect.fail(unreadable("tooLarge")) : Effect.void
  }
  return Effect.gen(function*() {
    // This check comes before the file is opened, since opening a device may already have an effect.
    yield* Effect.flatMap(attempt(() => fs.stat(file)), check)
    const handle = yield* Effect.acquireRelease(
      attempt(() => fs.open(file, constants.O_RDONLY | O_NONBLOCK)),
      (handle) => Effect.ignore(Effect.tryPromise(() => handle.close()))
    )
    const stats = yield* attempt(() => handle.stat())
    yield* check(stats)
    // The size in `stats` can't be trusted: a file in /proc has size 0, and another process may be writing to the file.
    const bytes = Buffer.alloc(limit + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = yield* attempt(() => handle.read(bytes, length, bytes.length - length, null))
      length += bytesRead
      if (bytesRead === 0) break
      if (length > limit) return yield* unreadable("tooLarge")
    }
    const text = textOf(bytes.subarray(0, length))
    if (text === undefined) return yield* unreadable("notText")
    return { text, isOpenToOthers: (stats.mode & 0o077) !== 0 }
  }).pipe(Effect.scoped)
}

// ---------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------

/** Throws a system error with this code. */
const throwSystemError = (code: string): never => {
  throw Object.assign(new TypeError(code), { code })
}

/** Makes a folder and its missing parents. Only this user may use the new folders, whatever the umask is. */
export const makeFolders = async (folder: string): Promise<void> => {
  const stats = await fs.stat(folder).catch(() => undefined)
  if (stats?.isDirectory() === true) return
  if (stats !== undefined) throwSystemError("ENOTDIR")
  const parent = dirname(folder)
  if (parent !== folder) await makeFolders(parent)
  try {
    await fs.mkdir(folder, { mode: folderMode })
    await fs.chmod(folder, folderMode)
  } catch (cause) {
    // Another process has made the folder in the meantime.
    if (codeOf(cause) !== "EEXIST") throw cause
  }
}

/** Runs a function that writes to a file. A rejection becomes a {@link FileUnwritable}. */
export const attempt = <A>(file: string, run: () => Promise<A>): Effect.Effect<A, FileUnwritable> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileUnwritable({ file, cause }) })

/** Gives a temporary file its final name if no file has that name. Returns whether the name was free. */
const renameIfFree = async (temporary: string, file: string): Promise<boolean> => {
  try {
    await fs.link(temporary, file)
    return true
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false
    // The file system has no hard links. Two processes that start at once may then both succeed.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(cause))) throw cause
    if (await fs.lstat(file).then(() => true, () => false)) return false
    await fs.rename(temporary, file)
    return true
  }
}

/** Flushes a folder to the disk, and with it a file's new name. Some file systems can't flush a folder, and do not need it. */
const syncFolder = async (folder: string): Promise<void> => {
  try {
    const handle = await fs.open(folder, constants.O_RDONLY)
    await handle.sync().finally(() => handle.close())
  } catch {
    // The content is on the disk. If the new name is lost, the old file is still there.
  }
}

/**
 * Writes a whole file that only this user may read, and makes its folder if the folder is missing. Fails on a link.
 *
 * With `ifAbsent`, an existing file is not changed, and the result is `false`.
 */
export const write = (file: string, content: string, options: { readonly ifAbsent?: boolean } = {}): Effect.Effect<boolean, FileUnwritable> =>
  attempt(file, async () => {
    const folder = dirname(file)
    await makeFolders(folder)
    const stats = await fs.lstat(file).catch(() => undefined)
    if (stats?.isSymbolicLink() === true) throwSystemError("ELOOP")
    if (stats?.isDirectory() === true) throwSystemError("EISDIR")
    const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`
    try {
      const handle = await fs.open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | O_NOFOLLOW, fileMode)
      try {
        await handle.chmod(fileMode)
        await handle.writeFile(content)
        await handle.sync()
      } finally {
        await handle.close()
      }
      if (options.ifAbsent !== true) await fs.rename(temporary, file)
      else if (!(await renameIfFree(temporary, file))) return false
      await syncFolder(folder)
      return true
    } finally {
      await fs.rm(temporary, { force: true })
    }
  })

/** A file that is written piece by piece. */
interface AppendableFile {
  readonly append: (text: string) => Effect.Effect<void, FileUnwritable>
}

/**
 * Opens an empty file that only this user may read, and makes its folder if the folder is missing. The old content of an existing file is
 * removed. The file stays open until the scope closes. Fails on a link.
 */
export const openEmpty = (file: string): Effect.Effect<AppendableFile, FileUnwritable, Scope.Scope> =>
  Effect.gen(function*() {
    yield* attempt(file, () => makeFolders(dirname(file)))
    const handle = yield* Effect.acquireRelease(
      attempt(file, () => fs.open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | O_NOFOLLOW | O_NONBLOCK, fileMode)),
      (handle) => Effect.ignore(Effect.tryPromise(() => handle.close()))
    )
    yield* attempt(file, async () => {
      if (!(await handle.stat()).isFile()) throwSystemError("EISDIR")
      await handle.chmod(fileMode)
      await handle.truncate(0)
    })
    return { append: (text) => attempt(file, () => handle.appendFile(text)) }
  })
