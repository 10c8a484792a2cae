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

/** Tells files of the same name apart. */
export type FileId = Pick<Stats, "dev" | "ino">

/** The part of an error that the other thread needs. `errcode`: SQLite's extended result code, unset if the error is not SQLite's. */
export interface ThrownError {
  readonly message: string
  readonly isTypeError: boolean
  readonly errcode?: number
}

export type RequestResult =
  | { readonly _tag: "Done"; readonly value: unknown }
  | { readonly _tag: "Failed"; readonly error: ThrownError }

/** The thread sends one reply for each request, in the same order. `isTransaction`: whether a transaction is open now. */
export type Reply = RequestResult & { readonly isTransaction: boolean }
