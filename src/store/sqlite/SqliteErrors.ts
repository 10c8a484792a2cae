/**
 * What SQLite says when it refuses, by its result codes (https://www.sqlite.org/rescode.html).
 */
import { Predicate } from "effect"
import { classifySqliteError, SqlError, UnknownError } from "effect/sql/SqlError"
import { FileUnwritable } from "../../config/Files.ts"

const codes = { perm: 3, full: 13, corrupt: 11, cantOpen: 14, readOnly: 8, notADatabase: 26 } as const

/** Of a primary key, and of a unique index: both are duplicates. */
const [primaryKeyTaken, unique] = [1555, 2067]

/** The extended result code, such as 1555; `undefined` of what is not SQLite's. */
const extendedCode = (cause: unknown): number | undefined =>
  Predicate.hasProperty(cause, "errcode") && typeof cause.errcode === "number" ? cause.errcode : undefined

/** An error of `node:sqlite` as Effect has it. Effect reads `errno`, and Node calls it `errcode`. */
export const toSqlError = (cause: unknown, operation: string): SqlError => {
  const code = extendedCode(cause)
  if (code === undefined || typeof cause !== "object" || cause === null) {
    return new SqlError({ reason: new UnknownError({ cause, operation, message: `SQLite could not do this: ${operation}` }) })
  }
  const known = Object.assign(cause, { errno: code === primaryKeyTaken ? unique : code })
  return new SqlError({ reason: classifySqliteError(known, { operation, message: `SQLite refused (${code})` }) })
}

/** Of a folder: a disk may get room again, but permissions don't change by themselves. */
const isForGood = ({ cause }: FileUnwritable): boolean =>
  Predicate.hasProperty(cause, "code") && ["EROFS", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "ELOOP"].includes(String(cause.code))

/** Why the database's file is of no use, as a sentence; `undefined` where another attempt may succeed. */
export const hopeless = (error: SqlError, file: string): string | undefined => {
  const { cause } = error.reason
  if (cause instanceof FileUnwritable) return isForGood(cause) ? `${cause.message} DATA_DIR names the folder.` : undefined
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

/** What the operator is told of a failure that may pass. */
export const passing = (error: SqlError): string => {
  if (error.reason.cause instanceof FileUnwritable) return error.reason.cause.reason
  const code = extendedCode(error.reason.cause)
  if (code !== undefined && (code & 0xff) === codes.full) return "there is no space left on the disk of DATA_DIR. Make room"
  return code === undefined ? "SQLite failed" : `SQLite says ${code}; the system's log may say more`
}

/** A statement that can't be understood, a parameter that can't be stored. */
const faults = new Set([1, 18, 20, 25])

export const isStatementsFault = (error: SqlError): boolean =>
  error.reason.cause instanceof TypeError || faults.has((extendedCode(error.reason.cause) ?? 0) & 0xff)
