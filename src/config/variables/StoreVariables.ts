/**
 * Where the history of calls is kept, and the prices by which their cost is told.
 */
import { Effect, type Option, Redacted, Schema, SchemaGetter, SchemaIssue } from "effect"
import { count, text } from "./Values.ts"
import { optional, type ValuesOf, withDefault } from "./Variable.ts"

/** The address of a Postgres database. It usually has a password, so it is a secret. */
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
  DATABASE_URL: optional(DatabaseUrl, "the address of a Postgres database", "postgres://user:password@host:5432/database"),
  STORE_WORDS_DAYS: count(1, 36_500, 30),
  STORE_FIGURES_DAYS: count(1, 36_500, 400),
  STORE_NUMBERS: withDefault(Schema.Literals(["plain", "hashed"]), "plain", "plain or hashed", "hashed"),
  STORE_KEY: optional(Schema.RedactedFromValue(Schema.String.check(Schema.isMinLength(22))), "a secret of 22 characters or more", "replace-me-with-a-long-random-secret"),
  PRICES_FILE: text("the path of a price list", "prices.yaml")
} as const

export interface StoreSettings {
  /** Unset: a SQLite file in `DATA_DIR`. */
  readonly database: Option.Option<Redacted.Redacted>
  /** How many days the words of a call are kept, and how many days everything else. */
  readonly retention: { readonly wordsDays: number; readonly figuresDays: number }
  /** How the numbers of calls that have ended are kept. */
  readonly numbers: "plain" | "hashed"
  /** The key for the HMAC of numbers. Unset: the service makes one, see `store/retention/NumberHash`. */
  readonly key: Option.Option<Redacted.Redacted>
  /** The file of the price list; see `call/cost/Prices`. Unset: calls have no cost. */
  readonly pricesFile: Option.Option<string>
}

export const storeSettings = (values: ValuesOf<typeof storeVariables>): StoreSettings => ({
  database: values.DATABASE_URL,
  retention: { wordsDays: values.STORE_WORDS_DAYS, figuresDays: values.STORE_FIGURES_DAYS },
  numbers: values.STORE_NUMBERS,
  key: values.STORE_KEY,
  pricesFile: values.PRICES_FILE
})
