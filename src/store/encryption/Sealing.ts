/**
 * Encryption at rest: seals words and sound with AES-256-GCM before they reach the database, the journal or a file.
 *
 * Each text and each block of sound is sealed separately, with its own nonce. The id of the key is stored with each text, and once in each
 * file of sound. So the operator may put a new key first in `STORE_ENCRYPTION_KEYS`, and the keys after it still open older data. Sealed
 * bytes are bound to their place: a call and a field, or a file and a block. At another place they do not open.
 *
 * A key should seal at most 2^32 texts and blocks, because its nonces are 96 random bits (NIST SP 800-38D).
 */
import { Context, Data, Effect, Layer, Option, Redacted, Result } from "effect"
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import { AppConfig } from "../../config/AppConfig.ts"

const nonceBytes = 12
const tagBytes = 16

/** By how many bytes a sealed block is longer than the plain block. */
export const overheadBytes = nonceBytes + tagBytes

/** A sealed text is this prefix, the key's id, a colon, and then nonce, ciphertext and tag in base64url. */
export const textPrefix = "sealed:1:"

const sealedText = new RegExp(`^${textPrefix}[\\w-]{1,32}:[\\w-]{${Math.ceil((overheadBytes * 4) / 3)},}$`)

/** Whether a text has the form of a sealed one. */
export const looksSealed = (text: string): boolean => sealedText.test(text)

/** A sealed text or block can't be opened. */
export class Unopenable extends Data.TaggedError("Unopenable")<{
  readonly why: "keyMissing" | "damaged"
  /** The id of the key that sealed it. */
  readonly keyId: string
}> {
  override get message() {
    return this.why === "keyMissing"
      ? `It is sealed with the key ${JSON.stringify(this.keyId)}, which STORE_ENCRYPTION_KEYS does not have. Add that key as the last one.`
      : `It is sealed with the key ${JSON.stringify(this.keyId)} and does not open: it was changed, or STORE_ENCRYPTION_KEYS has another key with the same id.`
  }
}

export interface Sealer {
  /** The id of the key that seals. */
  readonly keyId: string
  /** Seals a text. `place` names the call and the field. The text opens only with the same `place`. */
  readonly sealText: (text: string, place: string) => string
  /** Seals a block of sound. Returns nonce, ciphertext and tag: `overheadBytes` more than the block has. */
  readonly sealBlock: (block: Uint8Array, place: string) => Uint8Array
}

export interface BlockOpener {
  /** Opens a block that the key `keyId` sealed. */
  readonly openBlock: (sealed: Uint8Array, place: string, keyId: string) => Result.Result<Uint8Array, Unopenable>
}

export class Sealing extends Context.Service<Sealing, BlockOpener & {
  /** Seals new texts and sound. `undefined`: no key is configured, so nothing is sealed. */
  readonly sealer: Sealer | undefined
  /** Opens a sealed text. Returns any other text unchanged. */
  readonly openText: (text: string, place: string) => Result.Result<string, Unopenable>
}>()("client-caller/store/encryption/Sealing") {
  static readonly layer = Layer.effect(Sealing, Effect.map(AppConfig, ({ store }) => of(Option.getOrElse(store.encryption, () => []))))

  /** For tests: uses these keys. */
  static readonly layerOf = (keys: Keys) => Layer.succeed(Sealing, of(keys))
}

type Keys = ReadonlyArray<{ readonly id: string; readonly key: Redacted.Redacted<Uint8Array> }>

const seal = (key: Uint8Array, plain: Uint8Array, place: string): Uint8Array => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(place, "utf8"))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Returns `undefined` if the key or the place is wrong, or if the sealed bytes were changed. */
const open = (key: Uint8Array, sealed: Uint8Array, place: string): Uint8Array | undefined => {
  if (sealed.length < overheadBytes) return undefined
  const end = sealed.length - tagBytes
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(place, "utf8"))
  decipher.setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()])
  } catch {
    return undefined
  }
}

const of = (keys: Keys): Sealing["Service"] => {
  const byId = new Map(keys.map(({ id, key }) => [id, key]))
  const [first] = keys

  const openBlock: Sealing["Service"]["openBlock"] = (sealed, place, keyId) => {
    const key = byId.get(keyId)
    if (key === undefined) return Result.fail(new Unopenable({ why: "keyMissing", keyId }))
    const plain = open(Redacted.value(key), sealed, place)
    return plain === undefined ? Result.fail(new Unopenable({ why: "damaged", keyId })) : Result.succeed(plain)
  }

  return Sealing.of({
    sealer: first === undefined ? undefined : {
      keyId: first.id,
      sealText: (text, place) =>
        `${textPrefix}${first.id}:${Buffer.from(seal(Redacted.value(first.key), Buffer.from(text, "utf8"), place)).toString("base64url")}`,
      sealBlock: (block, place) => seal(Redacted.value(first.key), block, place)
    },
    openText: (text, place) => {
      if (!text.startsWith(textPrefix)) return Result.succeed(text)
      const separator = text.indexOf(":", textPrefix.length)
      const keyId = text.slice(textPrefix.length, Math.max(separator, textPrefix.length))
      const sealed = Buffer.from(text.slice(separator + 1), "base64url")
      return Result.map(openBlock(sealed, place, keyId), (plain) => Buffer.from(plain).toString("utf8"))
    },
    openBlock
  })
}
