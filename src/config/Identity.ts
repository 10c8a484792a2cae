/**
 * Who this service is: the Twilio account whose signatures it believes, and the key of its own API.
 *
 * Without credentials it makes a local account at its first start and keeps it in the data folder, so
 * that the simulator goes the same signed way as Twilio does and nothing is ever unsigned. The same
 * holds for the API key.
 */
import { Console, Context, Data, Effect, FileSystem, Layer, Option, Path, Redacted, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { AccountSid } from "../domain/Sid.ts"
import { type Account, AppConfig } from "./AppConfig.ts"
import { trimmed } from "./Environment.ts"

/** `local-account.json` in the data folder; the simulator reads it too. */
const LocalAccount = Schema.fromJsonString(
  Schema.Struct({ accountSid: AccountSid, authToken: Schema.NonEmptyString })
)

/** The data folder can't be read or written, or holds something else. */
export class IdentityError extends Data.TaggedError("IdentityError")<{ readonly file: string; readonly cause: unknown }> {
  override get message() {
    return `${this.file} can't be used. Make the folder writable, remove the file if it is damaged, or set DATA_DIR to another folder.`
  }
}

/** The content of a file that only this user may read, made with `content` if it is not there yet. */
const keep = Effect.fnUntraced(function*(file: string, content: Effect.Effect<string>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* Effect.gen(function*() {
    if (yield* fs.exists(file)) {
      // An empty key would let in whoever sends an empty one.
      const content = yield* Schema.decodeUnknownEffect(Schema.NonEmptyString)(trimmed(yield* fs.readFileString(file)))
      return { content, isNew: false }
    }
    const made = yield* content
    yield* fs.makeDirectory(path.dirname(file), { recursive: true })
    // `wx`: of two processes that start at once, one makes the file and the other fails and says so.
    yield* fs.writeFileString(file, `${made}\n`, { flag: "wx", mode: 0o600 })
    return { content: made, isNew: true }
  }).pipe(Effect.mapError((cause) => new IdentityError({ file, cause })))
})

const hex = (bytes: number) => Effect.sync(() => randomBytes(bytes).toString("hex"))

export class Identity extends Context.Service<Identity, {
  readonly account: Account
  /** Whether the account is the one made here, which Twilio does not know. */
  readonly isLocalAccount: boolean
  readonly apiKey: Redacted.Redacted
}>()("client-caller/config/Identity") {
  static readonly layer = Layer.effect(
    Identity,
    Effect.gen(function*() {
      const config = yield* AppConfig
      const path = yield* Path.Path

      const localAccount = Effect.gen(function*() {
        const file = path.join(config.dataDir, "local-account.json")
        const made = Effect.gen(function*() {
          return JSON.stringify({ accountSid: `AC${yield* hex(16)}`, authToken: yield* hex(16) })
        })
        const { content } = yield* keep(file, made)
        const account = yield* Schema.decodeUnknownEffect(LocalAccount)(content).pipe(
          Effect.mapError((cause) => new IdentityError({ file, cause }))
        )
        return { accountSid: account.accountSid, authTokens: [Redacted.make(account.authToken)] } as const
      })

      const apiKey = Effect.gen(function*() {
        const file = path.join(config.dataDir, "api-key")
        const { content, isNew } = yield* keep(file, hex(24))
        if (isNew) yield* Console.error(`API key, made now and kept in ${file}: ${content}`)
        return Redacted.make(content)
      })

      return Identity.of({
        account: Option.isSome(config.twilio.account) ? config.twilio.account.value : yield* localAccount,
        isLocalAccount: Option.isNone(config.twilio.account),
        apiKey: Option.isSome(config.apiKey) ? config.apiKey.value : yield* apiKey
      })
    })
  )
}
