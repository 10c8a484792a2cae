/**
 * Brings the tables to this program's version, step by step. Each step runs once, in one transaction. If two processes start at the same
 * time, one waits for the other.
 *
 * A released step is never changed. A new step corrects a mistake in an older step.
 */
import { Data, Effect, Predicate } from "effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError, UnknownError } from "effect/sql/SqlError"
import * as Errors from "effect/sql/SqlError"
import type { Dialect } from "../Dialect.ts"
import * as Tables from "./Tables.ts"

/** The steps. Each name begins with the version that the step makes. */
const steps = (dialect: Dialect) => ({
  "1_tables": Effect.gen(function*() {
    const sql = yield* SqlClient
    for (const statement of Tables.statements(dialect)) yield* sql.unsafe(statement)
  })
})

const table = "schema_versions"

/** A newer version of this service has changed the tables, so this program can't use them. */
export class NewerSchema extends Data.TaggedError("NewerSchema")<{ readonly found: number; readonly known: number }> {
  override get message() {
    return `The database is of a newer version of this service (its tables have version ${this.found}, this program knows ${this.known}). Start that version again, or put back a backup from before it.`
  }
}

const versionOf = (name: string) => Number.parseInt(name, 10)

/** Returns the database's own failure. The error of a migration says only that the migration failed. */
const toSqlError = (error: Migrator.MigrationError | SqlError): SqlError => {
  if (isSqlError(error)) return error
  if (isSqlError(error.cause)) return error.cause
  return new Errors.SqlError({ reason: new UnknownError({ cause: error, message: error.message, operation: "migrate" }) })
}

/** The version of the tables in the database. 0: there are no tables. */
const foundVersion = Effect.gen(function*() {
  const sql = yield* SqlClient
  const versionsTable = sql.onDialectOrElse({
    pg: () => sql<{ found: number }>`SELECT 1 AS found WHERE to_regclass(${table}) IS NOT NULL`,
    orElse: () => sql<{ found: number }>`SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = ${table}`
  })
  if ((yield* versionsTable).length === 0) return 0
  const [newest] = yield* sql`SELECT MAX(migration_id) AS version FROM ${sql(table)}`
  return Predicate.isNumber(newest?.version) ? newest.version : 0
})

export const migrate = (dialect: Dialect): Effect.Effect<void, NewerSchema | SqlError, SqlClient> =>
  Effect.gen(function*() {
    const all = steps(dialect)
    const known = Math.max(...Object.keys(all).map(versionOf))
    const before = yield* foundVersion
    if (before > known) return yield* new NewerSchema({ found: before, known })
    if (before === known) return
    yield* Migrator.make({})({ loader: Migrator.fromRecord(all), table }).pipe(Effect.mapError(toSqlError))
    // Meanwhile a process of a newer version may have changed the tables.
    const after = yield* foundVersion
    if (after > known) return yield* new NewerSchema({ found: after, known })
  })
