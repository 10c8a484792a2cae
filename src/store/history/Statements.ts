/**
 * Runs plain SQL with `?` for parameters on either database, as `ApplyWrites` does. Compiling a template would cost more than the statement.
 */
import type { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type Dialect, type Parameter, parameter, placeholders } from "../Dialect.ts"

export interface Statement {
  readonly text: string
  readonly parameters: ReadonlyArray<Parameter>
}

export type Run = <Row extends object>(text: string, parameters?: ReadonlyArray<Parameter>) => Effect.Effect<ReadonlyArray<Row>, SqlError>

export const runner = (sql: SqlClient, dialect: Dialect): Run => (text, parameters = []) =>
  sql.unsafe(placeholders(dialect, text), parameters.map((value) => parameter(dialect, value)))

/** A condition with one parameter for a list: `column ${isIn(dialect)}`. `listOf` makes the parameter. */
export const isIn = (dialect: Dialect): string => dialect === "pg" ? "= ANY(CAST(? AS TEXT[]))" : "IN (SELECT value FROM json_each(?))"

/** The parameter for a list of call SIDs, which need no quoting. */
export const listOf = (dialect: Dialect, callSids: ReadonlyArray<string>): string => dialect === "pg" ? `{${callSids.join(",")}}` : JSON.stringify(callSids)
