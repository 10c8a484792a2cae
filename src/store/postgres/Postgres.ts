/**
 * Postgres through `@effect/sql-pg`, and the meaning of its errors for this service.
 */
import { PgClient } from "@effect/sql-pg"
import { type Layer, Predicate, type Redacted } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** The most connections of a process: for the writer, the retention, probes, and reads of the API. */
const maxConnections = 10

/** Building this layer does not wait for the database. The first statement connects. */
export const layer = (url: Redacted.Redacted): Layer.Layer<SqlClient, SqlError> =>
  PgClient.layer({
    url,
    applicationName: "client-caller",
    maxConnections,
    connectTimeout: "3 seconds",
    // There are no session settings, because PgBouncer refuses a connection with a setting that it does not know.
    keepAlive: "10 seconds"
  })

/**
 * The error's code, five characters (https://www.postgresql.org/docs/current/errcodes-appendix.html). Empty if the server did not answer.
 * The pattern excludes Node's own codes, such as `EPIPE`.
 */
const sqlState = (error: SqlError): string => {
  const { cause } = error.reason
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" && /^(?:\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/.test(cause.code) ? cause.code : ""
}

const permanentFailures: Readonly<Record<string, string>> = {
  "28P01": "the password is wrong. Set the right one",
  "28000": "the server does not let this user in. Look at its pg_hba.conf, at the user's name and at sslmode",
  "3D000": "there is no database of that name on the server. Create it, or name another",
  "42501": "the user may not create or change tables. Give it that right, or use the owner of the tables"
}

/** Why the database can't be used with this configuration, as a sentence. `undefined`: another attempt may succeed. */
export const explainPermanent = (error: SqlError): string | undefined => {
  const why = permanentFailures[sqlState(error)]
  return why === undefined ? undefined : `DATABASE_URL: ${why}.`
}

/**
 * Explains a failure that may end by itself, as a clause for the operator. It leaves out the driver's message, which may hold the address.
 */
export const explainTransient = (error: SqlError): string => {
  const state = sqlState(error)
  return state === "" ? "Postgres does not answer" : `Postgres answers with the error ${state}`
}

/** Whether a value of the statement is wrong: codes that begin with 22 are "data exceptions". */
export const isDataError = (error: SqlError): boolean => sqlState(error).startsWith("22")
