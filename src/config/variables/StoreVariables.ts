/**
 * Where the history of calls is kept.
 */
import { Effect, type Option, Redacted, Schema, SchemaGetter, SchemaIssue } from "effect"
import { optional, type ValuesOf } from "./Variable.ts"

/** The address of a Postgres database. It has a password as a rule, so it is a secret. */
const DatabaseUrl = Schema.String.pipe(
  Schema.decodeTo(Schema.Redacted(Schema.String), {
    decode: SchemaGetter.transformEffect((text: string) => {
      const url = URL.parse(text)
      const isComplete = url !== null && /^postgres(?:ql)?:$/.test(url.protocol) && (url.hostname !== "" || url.searchParams.has("host"))
      return isComplete ? Effect.succeed(Redacted.make(text)) : Effect.fail(new SchemaIssue.InvalidValue({ expected: "a Postgres URL" }))
    }),
    encode: SchemaGetter.transform((url: Redacted.Redacted) => Redacted.value(url))
  })
)

export const storeVariables = {
  DATABASE_URL: optional(DatabaseUrl, "the address of a Postgres database", "postgres://user:password@host:5432/database")
} as const

export interface StoreSettings {
  /** Unset: a SQLite file in `DATA_DIR`. */
  readonly database: Option.Option<Redacted.Redacted>
}

export const storeSettings = (values: ValuesOf<typeof storeVariables>): StoreSettings => ({ database: values.DATABASE_URL })
