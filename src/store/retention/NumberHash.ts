/**
 * Telephone numbers as the store keeps them: plain, or as an HMAC under a key. A search finds an HMAC only if it has the whole number.
 *
 * The value of `STORE_NUMBERS` when a call begins decides how the call's numbers are kept. So the keys stay in use after the setting
 * changes. There can be two keys: `STORE_KEY`, and the file `store-key` in `DATA_DIR`. The file is made if numbers must be hashed and
 * `STORE_KEY` is not set. New numbers are hashed with `STORE_KEY`, or with the file's key if `STORE_KEY` is not set. A search tries both
 * keys.
 */
import { Context, Effect, Layer, Option, Path, Redacted } from "effect"
import { createHmac, randomBytes } from "node:crypto"
import { AppConfig } from "../../config/AppConfig.ts"
import { readOrMakeSecret, readSecret } from "../../config/Credentials.ts"

const prefix = "hmac:"

const isHashed = (number: string): boolean => number.startsWith(prefix)

export class NumberHash extends Context.Service<NumberHash, {
  /** Returns the number's HMAC. Returns an HMAC unchanged. */
  readonly hash: (number: string) => string
  /** All forms in which the store may hold a number. */
  readonly variants: (number: string) => ReadonlyArray<string>
}>()("client-caller/store/retention/NumberHash") {
  static readonly layer = Layer.effect(
    NumberHash,
    Effect.gen(function*() {
      const { dataDir, store } = yield* AppConfig
      const path = yield* Path.Path
      const file = path.join(dataDir, "store-key")
      const needsFile = store.numbers === "hashed" && Option.isNone(store.key)
      const fileKey = needsFile ? Option.some((yield* readOrMakeSecret(file, makeKey)).content) : yield* readSecret(file)
      return of([...Option.toArray(Option.map(store.key, Redacted.value)), ...Option.toArray(fileKey)], yield* makeKey)
    })
  )

  /** For tests: hashes with this key. */
  static readonly layerOf = (key: string) => Layer.succeed(NumberHash, of([key], key))
}

const makeKey = Effect.sync(() => randomBytes(32).toString("hex"))

const hashWith = (key: string, number: string) => `${prefix}${createHmac("sha256", key).update(number).digest("base64url")}`

/** `spareKey`: hashes if there are no `keys`. It is not stored, and no search finds the numbers that it hashed. */
const of = (keys: ReadonlyArray<string>, spareKey: string): NumberHash["Service"] =>
  NumberHash.of({
    hash: (number) => isHashed(number) ? number : hashWith(keys[0] ?? spareKey, number),
    variants: (number) => [number, ...keys.map((key) => hashWith(key, number))]
  })
