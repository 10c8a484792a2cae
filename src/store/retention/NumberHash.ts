/**
 * Telephone numbers as the store keeps them: plain, or as an HMAC under a key (`STORE_NUMBERS`, `STORE_KEY`). A search by an HMAC finds
 * only the same number.
 */
import { Context, Effect, Layer, Option, Path, Redacted } from "effect"
import { createHmac, randomBytes } from "node:crypto"
import { AppConfig } from "../../config/AppConfig.ts"
import { keepSecret } from "../../config/Credentials.ts"

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
      if (Option.isSome(store.key)) return of(Redacted.value(store.key.value))
      if (store.numbers === "plain") return plain
      const { content } = yield* keepSecret(path.join(dataDir, "store-key"), Effect.sync(() => randomBytes(32).toString("hex")))
      return of(content)
    })
  )

  /** With this key, for tests. */
  static readonly layerOf = (key: string) => Layer.succeed(NumberHash, of(key))
}

const of = (key: string): NumberHash["Service"] => {
  const hash = (number: string) => isHashed(number) ? number : `${prefix}${createHmac("sha256", key).update(number).digest("base64url")}`
  return NumberHash.of({ hash, variants: (number) => [number, hash(number)] })
}

/** There is no key: no number is hashed. */
const plain = NumberHash.of({ hash: (number) => number, variants: (number) => [number] })
