/**
 * The messages between `SqliteConnection` and its thread, `SqliteThread`.
 */
import type { Stats } from "node:fs"
import type { SQLInputValue } from "node:sqlite"

/** Each `:memory:` is a separate database that ends with its client. */
export const inMemory = ":memory:"

export interface Statement {
  readonly text: string
  readonly inputs: ReadonlyArray<SQLInputValue>
}

export type Request =
  /** Opens the file, and closes the one that was open. */
  | { readonly _tag: "Open"; readonly file: string }
  | { readonly _tag: "Close" }
  /** Answers with the rows: as objects, or as arrays. */
  | { readonly _tag: "Rows"; readonly statement: Statement; readonly asArrays: boolean }
  /** Answers with the number of changed rows and the last row's id. */
  | { readonly _tag: "Changes"; readonly statement: Statement }
  /** Runs several statements without their rows, until one fails. */
  | { readonly _tag: "All"; readonly statements: ReadonlyArray<Statement> }

/** Which file is open. A file that replaces another one of the same name has another inode. */
export type FileId = Pick<Stats, "dev" | "ino">

/** What is left of an error on its way to another thread. `errcode`: SQLite's extended result code. */
export interface ThrownError {
  readonly message: string
  readonly isTypeError: boolean
  readonly code?: string
  readonly errcode?: number
  readonly errstr?: string
}

/** One for each request, in the same order. `isTransaction`: whether a transaction is open now. */
export type Reply = { readonly isTransaction: boolean } & (
  | { readonly _tag: "Done"; readonly value: unknown }
  | { readonly _tag: "Failed"; readonly error: ThrownError }
)
