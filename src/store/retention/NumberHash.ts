/**
 * Telephone numbers as the store keeps them: plain, or as an HMAC under a key. A search by an HMAC finds only the same number.
 *
 * `STORE_NUMBERS` at a call's beginning decides how its numbers are kept, so the keys stay in use when the setting changes. There can be
 * two keys: `STORE_KEY`, and one in the data folder. The latter is made if numbers are to be hashed and `STORE_KEY` is not set. The first
 * key hashes; a search tries both.
 */
import { Context, Effect, Layer, Option, Path, Redacted } from "effect"
import { createHmac, randomBytes } from "node:crypto"
import { AppConfig } from "../../config/AppConfig.ts"
import { keepSecret, keptSecret } from "../../config/Credentials.ts"

const prefix = "hmac:"

const isHashed = (number: string): boolean => number.startsWith(prefix)

export class NumberHash extends Context.Service<NumberHash, {
  /** The number as an HMAC. An HMAC stays as it is. */
  readonly hash: (number: string) => string
  /** All forms in which a number may be kept. */
  readonly variants: (number: string) => ReadonlyArray<string>
}>()("client-caller/store/retention/NumberHash") {
  static readonly layer = Layer.effect(
    NumberHash,
    Effect.gen(function*() {
      const { dataDir, store } = yield* AppConfig
      const path = yield* Path.Path
      const file = path.join(dataDir, "store-key")
      const isNeeded = store.numbers === "hashed" && Option.isNone(store.key)
      const kept = isNeeded ? Option.some((yield* keepSecret(file, makeKey)).content) : yield* keptSecret(file)
      return of([...Option.toArray(Option.map(store.key, Redacted.value)), ...Option.toArray(kept)], yield* makeKey)
    })
  )

  /** With this key, for tests. */
  static readonly layerOf = (key: string) => Layer.succeed(NumberHash, of([key], key))
}

const makeKey = Effect.sync(() => randomBytes(32).toString("hex"))

const hashWith = (key: string, number: string) => `${prefix}${createHmac("sha256", key).update(number).digest("base64url")}`

/** `spare`: the key for hashing if there are no `keys`. It is forgotten, so nobody can find those numbers after a restart. */
const of = (keys: ReadonlyArray<string>, spare: string): NumberHash["Service"] =>
  NumberHash.of({
    hash: (number) => isHashed(number) ? number : hashWith(keys[0] ?? spare, number),
    variants: (number) => [number, ...keys.map((key) => hashWith(key, number))]
  })
