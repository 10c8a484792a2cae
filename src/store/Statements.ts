/**
 * Runs SQL text on SQLite or Postgres. Each `?` in the text is a parameter. The SQL templates of `effect/sql` are not used, because compiling
 * a template costs more than running most statements.
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { type Dialect, type Parameter, parameter, placeholders } from "./Dialect.ts"
import { SqliteConnection } from "./sqlite/SqliteConnection.ts"

export interface Statement {
  readonly text: string
  readonly parameters: ReadonlyArray<Parameter>
}

export type Run = <Row extends object>(text: string, parameters?: ReadonlyArray<Parameter>) => Effect.Effect<ReadonlyArray<Row>, SqlError>

export const runner = (sql: SqlClient, dialect: Dialect): Run => (text, parameters = []) =>
  sql.unsafe(placeholders(dialect, text), parameters.map((value) => parameter(dialect, value)))

/** Runs statements on the connection of an open transaction, without a span for each statement. */
export const connectionRunner = (connection: Connection, dialect: Dialect): Run => (text, parameters = []) =>
  connection.execute(placeholders(dialect, text), parameters.map((value) => parameter(dialect, value)), undefined)

/** Runs statements in order on the connection of an open transaction, without their rows. SQLite's thread gets them in one request. */
export const runAll = (connection: Connection, dialect: Dialect, statements: ReadonlyArray<Statement>): Effect.Effect<void, SqlError> =>
  connection instanceof SqliteConnection
    ? connection.executeAll(statements)
    : Effect.forEach(statements, ({ parameters, text }) => connectionRunner(connection, dialect)(text, parameters), { discard: true })

/** SQL that tests whether a column's value is in a list of texts: `column ${isIn(dialect)}`. The list is one parameter, made by `listOf`. */
export const isIn = (dialect: Dialect): string => dialect === "pg" ? "= ANY(CAST(? AS TEXT[]))" : "IN (SELECT value FROM json_each(?))"

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`

export const listOf = (dialect: Dialect, texts: ReadonlyArray<string>): string => dialect === "pg" ? `{${texts.map(quoted).join(",")}}` : JSON.stringify(texts)
