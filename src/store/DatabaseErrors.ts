/**
 * Decides the meaning of a failure of the database: the configuration is wrong, the failure may end by itself, or the statement is wrong.
 */
import { Data, Predicate } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Dialect } from "./Dialect.ts"
import * as Postgres from "./postgres/Postgres.ts"
import * as SqliteErrors from "./sqlite/SqliteErrors.ts"

/** The database can't be used with this configuration. The message says what to do. */
export class DatabaseUnusable extends Data.TaggedError("DatabaseUnusable")<{ readonly advice: string; readonly cause?: unknown }> {
  override get message() {
    return this.advice
  }
}

/** Where the database is, as the operator knows it. */
export interface Place {
  readonly dialect: Dialect
  /** The path of SQLite's file. Empty for Postgres. */
  readonly file: string
}

/** Why another attempt can't succeed, as a sentence. `undefined`: another attempt may succeed. */
export const explainPermanent = (error: SqlError, { dialect, file }: Place): string | undefined =>
  dialect === "pg" ? Postgres.explainPermanent(error) : SqliteErrors.explainPermanent(error, file)

/** Explains a failure that may end by itself, as a clause for the operator. */
export const explainTransient = (error: SqlError, { dialect }: Place): string => dialect === "pg" ? Postgres.explainTransient(error) : SqliteErrors.explainTransient(error)

/** Whether the statement or its values are wrong. The database itself then works. */
export const isWrongStatement = (error: SqlError): boolean => {
  switch (error.reason._tag) {
    case "ConstraintError":
    case "SqlSyntaxError":
    case "UniqueViolation":
      return true
    default:
      return Postgres.isDataError(error) || SqliteErrors.isWrongStatement(error) || Predicate.isTagged(error.reason.cause, "PgTypesCodecError")
  }
}
