/**
 * The variables for the call history (where, in which form and how long it is kept), and for the price list.
 */
import { Effect, type Option, Redacted, Schema, SchemaGetter, SchemaIssue } from "effect"
import { count, text } from "./Values.ts"
import { optional, type ValuesOf, withDefault } from "./Variable.ts"

/** The address of a Postgres database. It usually contains a password, so it is kept as a secret. */
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

/** One entry, `id:key`. A key is 32 bytes, in base64 or as 64 hexadecimal digits. */
const encryptionKeyPattern = /^([A-Za-z0-9_-]{1,32}):(?:([0-9A-Fa-f]{64})|([A-Za-z0-9+/_-]{43}=?))$/

type EncryptionKeys = ReadonlyArray<{ readonly id: string; readonly key: Redacted.Redacted<Uint8Array> }>

const readKeys = (text: string): EncryptionKeys | undefined => {
  const keys = text.split(",").map((part) => encryptionKeyPattern.exec(part.trim()))
  const ids = new Set(keys.map((match) => match?.[1]))
  if (keys.includes(null) || ids.size < keys.length) return undefined
  return keys.flatMap((match) => match === null ? [] : [{ id: match[1], key: Redacted.make(new Uint8Array(Buffer.from(match[2] ?? match[3], match[2] === undefined ? "base64" : "hex"))) }])
}

const EncryptionKeys = Schema.String.pipe(
  Schema.decodeTo(Schema.Any as Schema.Codec<EncryptionKeys>, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const keys = readKeys(text)
      return keys === undefined ? Effect.fail(new SchemaIssue.InvalidValue({ expected: "keys" })) : Effect.succeed(keys)
    }),
    encode: SchemaGetter.transform((keys: EncryptionKeys) => keys.map(({ id, key }) => `${id}:${Buffer.from(Redacted.value(key)).toString("base64")}`).join(","))
  })
)

export const storeVariables = {
  DATABASE_URL: optional(DatabaseUrl, "the address of a Postgres database", "postgres://user:password@host:5432/database"),
  STORE_WORDS_DAYS: count(1, 36_500, 30),
  STORE_FIGURES_DAYS: count(1, 36_500, 400),
  STORE_NUMBERS: withDefault(Schema.Literals(["plain", "hashed"]), "plain", "plain or hashed", "hashed"),
  STORE_KEY: optional(Schema.RedactedFromValue(Schema.String.check(Schema.isMinLength(22))), "a secret of 22 characters or more", "replace-me-with-a-long-random-secret"),
  STORE_ENCRYPTION_KEYS: optional(
    EncryptionKeys,
    "keys as id:key, separated by commas, where a key is 32 random bytes in base64 and each id is different",
    "2026:replace-me-with-32-random-bytes-in-base64--="
  ),
  PRICES_FILE: text("the path of a price list", "prices.yaml")
} as const

export interface StoreSettings {
  /** The address of a Postgres database. Unset: a SQLite file in `DATA_DIR` is used. */
  readonly database: Option.Option<Redacted.Redacted>
  /** `wordsDays`: how many days the words of a call are kept. `figuresDays`: how many days everything else is kept. */
  readonly retention: { readonly wordsDays: number; readonly figuresDays: number }
  /** How the telephone numbers of calls that have ended are kept. */
  readonly numbers: "plain" | "hashed"
  /** The key for the HMAC of telephone numbers. Unset: the service makes a key; see `store/retention/NumberHash`. */
  readonly key: Option.Option<Redacted.Redacted>
  /** The keys that seal words and sound. New data is sealed with the first key; the others open older data. Unset: nothing is sealed. */
  readonly encryption: Option.Option<EncryptionKeys>
  /** The file of the price list; see `call/cost/Prices`. Unset: calls have no cost. */
  readonly pricesFile: Option.Option<string>
}

export const storeSettings = (values: ValuesOf<typeof storeVariables>): StoreSettings => ({
  database: values.DATABASE_URL,
  retention: { wordsDays: values.STORE_WORDS_DAYS, figuresDays: values.STORE_FIGURES_DAYS },
  numbers: values.STORE_NUMBERS,
  key: values.STORE_KEY,
  encryption: values.STORE_ENCRYPTION_KEYS,
  pricesFile: values.PRICES_FILE
})
