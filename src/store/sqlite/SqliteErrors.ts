/**
 * SQLite's errors, by its result codes (https://www.sqlite.org/rescode.html).
 */
import { Data, Predicate } from "effect"
import { classifySqliteError, SqlError, UnknownError } from "effect/sql/SqlError"
import { FileUnwritable } from "../../config/Files.ts"

/** The database's file was removed or replaced while it was open. */
export class FileGone extends Data.TaggedError("FileGone")<{
  /** Another file has its name. */
  readonly isReplaced: boolean
}> {
  /** A clause for the operator. */
  get reason(): string {
    return this.isReplaced
      ? "calls.db in DATA_DIR was replaced by another file, which is opened now"
      : "calls.db in DATA_DIR was removed. Put it back, or restart the service to begin a new one"
  }
}

/** Primary result codes. A primary code is the low byte of an extended one. */
const codes = { wrongStatement: 1, perm: 3, readOnly: 8, corrupt: 11, full: 13, cantOpen: 14, tooBig: 18, mismatch: 20, range: 25, notADatabase: 26 } as const

/** The codes for a duplicate primary key, and for a duplicate in a unique index. Effect knows only the second one as a duplicate. */
const [primaryKeyTaken, unique] = [1555, 2067]

/** The extended result code, such as 1555. `undefined`: the error is not SQLite's. */
const extendedCode = (cause: unknown): number | undefined =>
  Predicate.hasProperty(cause, "errcode") && typeof cause.errcode === "number" ? cause.errcode : undefined

/** Turns an error of `node:sqlite` into an `SqlError` of Effect. Effect reads the code from `errno`, while Node calls it `errcode`. */
export const toSqlError = (cause: unknown, operation: string): SqlError => {
  const code = extendedCode(cause)
  if (code === undefined || typeof cause !== "object" || cause === null) {
    return new SqlError({ reason: new UnknownError({ cause, operation, message: `SQLite could not do this: ${operation}` }) })
  }
  const known = Object.assign(cause, { errno: code === primaryKeyTaken ? unique : code })
  return new SqlError({ reason: classifySqliteError(known, { operation, message: `SQLite refused (${code})` }) })
}

/** Whether a failure to write the file is permanent: a full disk may get space again, but permissions don't change by themselves. */
const isPermanent = ({ cause }: FileUnwritable): boolean =>
  Predicate.hasProperty(cause, "code") && ["EROFS", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "ELOOP"].includes(String(cause.code))

/** Why the database's file can't be used, as a sentence. `undefined`: another attempt may succeed. */
export const explainPermanent = (error: SqlError, file: string): string | undefined => {
  const { cause } = error.reason
  if (cause instanceof FileUnwritable) return isPermanent(cause) ? `${cause.message} DATA_DIR names the folder.` : undefined
  switch ((extendedCode(cause) ?? 0) & 0xff) {
    case codes.corrupt:
    case codes.notADatabase:
      return `${file} is damaged or no database of this service. Put a backup in its place, or move it away: a new one is made at the next start.`
    case codes.readOnly:
    case codes.perm:
    case codes.cantOpen:
      return `${file} can't be opened for writing. Give this user the right to write to the file and to its folder, or set DATA_DIR to another folder.`
    default:
      return undefined
  }
}

/** A failure that may end by itself, as a clause for the operator. */
export const explainTransient = (error: SqlError): string => {
  const { cause } = error.reason
  if (cause instanceof FileUnwritable || cause instanceof FileGone) return cause.reason
  const code = extendedCode(cause)
  if (code !== undefined && (code & 0xff) === codes.full) return "there is no space left on the disk of DATA_DIR. Make room"
  if (code === codes.wrongStatement) return "calls.db in DATA_DIR has other tables than those of this service. Move it away, or set DATA_DIR to another folder"
  return code === undefined ? "SQLite failed" : `SQLite says ${code}; the system's log may say more`
}

/** SQLite's codes for a wrong statement, and for a parameter that can't be stored. */
const faults = new Set<number>([codes.wrongStatement, codes.tooBig, codes.mismatch, codes.range])

export const isWrongStatement = (error: SqlError): boolean =>
  error.reason.cause instanceof TypeError || faults.has((extendedCode(error.reason.cause) ?? 0) & 0xff)
