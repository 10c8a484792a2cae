/**
 * Telephone numbers as they are kept: plain, or as an HMAC under a key, by which only the very same number is found.
 *
 * How a call's numbers are kept is the call's own (`keeping.numbers`, from `STORE_NUMBERS` at its beginning). So the keys stay in use when the
 * setting changes: `STORE_KEY`, and the one in the data folder, which is made when numbers are hashed and `STORE_KEY` is not set. The first of
 * them hashes; a number is looked for under all.
 */
import { Context, Effect, Layer, Option, Path, Redacted } from "effect"
import { createHmac, randomBytes } from "node:crypto"
import { AppConfig } from "../../config/AppConfig.ts"
import { keepSecret, keptSecret } from "../../config/Credentials.ts"

const prefix = "hmac:"

const isHashed = (number: string): boolean => number.startsWith(prefix)

export class NumberHash extends Context.Service<NumberHash, {
  /** The number as an HMAC; the same again where it is one. */
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

  /** Of this key, for tests. */
  static readonly layerOf = (key: string) => Layer.succeed(NumberHash, of([key], key))
}

const makeKey = Effect.sync(() => randomBytes(32).toString("hex"))

const hashWith = (key: string, number: string) => `${prefix}${createHmac("sha256", key).update(number).digest("base64url")}`

/**
 * `spare`: hashes where there is no key. Numbers that were to be hashed, such as those of another process's call, are then unreadable as they
 * ought to be, and found no more.
 */
const of = (keys: ReadonlyArray<string>, spare: string): NumberHash["Service"] =>
  NumberHash.of({
    hash: (number) => isHashed(number) ? number : hashWith(keys[0] ?? spare, number),
    variants: (number) => [number, ...keys.map((key) => hashWith(key, number))]
  })
