/**
 * The Twilio account whose signatures the service accepts, and the key of the service's API.
 *
 * If no credentials are set, the service makes a local account at its first start and keeps it in the data folder. The simulator signs with
 * that account, so every webhook is signed. An API key is made and kept in the same way.
 */
import { Console, Context, Data, Effect, Layer, Option, Path, Redacted, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { AccountSid } from "../domain/Sid.ts"
import { AppConfig } from "./AppConfig.ts"
import * as GuessableKeys from "./GuessableKeys.ts"
import { isReachableFromOutside } from "./Contradictions.ts"
import { trim } from "./Environment.ts"
import * as Files from "./Files.ts"
import type { Account } from "./variables/TwilioVariables.ts"

/** `local-account.json` in the data folder; the simulator reads it too. */
const LocalAccount = Schema.fromJsonString(
  Schema.Struct({ accountSid: AccountSid, authToken: Schema.NonEmptyString })
)

/** A file of the data folder can't be read or written, or its content is not what the service wrote. */
class IdentityError extends Data.TaggedError("IdentityError")<{ readonly file: string; readonly cause: unknown }> {
  override get message() {
    const why = this.cause instanceof Files.FileUnwritable ? `can't be used: ${this.cause.reason}, or` : "can't be used. Make it readable, remove it if it is damaged, or"
    return `${this.file} ${why} set DATA_DIR to another folder.`
  }
}

/** The API key in the file can be guessed, or no client can send it in a header. `why` is a clause that follows the file's name. */
class WeakKeyFile extends Data.TaggedError("WeakKeyFile")<{ readonly file: string; readonly why: string }> {
  override get message() {
    return `The API key in ${this.file} ${this.why}. Remove the file: the next start then makes a key that nobody can guess.`
  }
}

/** The characters that a client can send after `Bearer`. */
const sendable = /^[\x21-\x7e]+$/

/** Whether a file has no content. A first start on a full disk can leave an empty file. */
const isBlank = (text: string) => trim(text) === ""

/** The content of a file; `undefined` if the file is missing. */
const readIfThere = (file: string) => Files.read(file).pipe(Effect.catchIf(({ why }) => why === "missing", () => Effect.undefined))

const warnIfOpen = (file: string, { isOpenToOthers }: { readonly isOpenToOthers: boolean }) =>
  isOpenToOthers ? Effect.logWarning(`Other users of this machine can read ${file}, which holds a secret. Remove their permission: chmod 600 ${file}`) : Effect.void

/** The content of a secret file. `None`: the file is missing or blank. Warns if other users may read the file. */
export const readSecret = Effect.fnUntraced(function*(file: string) {
  const kept = yield* Effect.mapError(readIfThere(file), (cause) => new IdentityError({ file, cause }))
  if (kept === undefined || isBlank(kept.text)) return Option.none<string>()
  yield* warnIfOpen(file, kept)
  return Option.some(trim(kept.text))
})

/** The content of a secret file. If the file is missing or blank, `content` is written to it first. Warns if other users may read the file. */
export const readOrMakeSecret = Effect.fnUntraced(function*(file: string, content: Effect.Effect<string>) {
  const read = readIfThere(file)
  return yield* Effect.gen(function*() {
    let kept = yield* read
    let isNew = false
    if (kept === undefined || isBlank(kept.text)) {
      // When two processes start at once, only one of them makes the file. The other reads it.
      isNew = yield* Files.write(file, `${yield* content}\n`, { ifAbsent: kept === undefined })
      kept = yield* read
    }
    // An empty secret is refused. With an empty API key, a request with an empty key would be accepted.
    if (kept === undefined || isBlank(kept.text)) return yield* new IdentityError({ file, cause: "empty" })
    yield* warnIfOpen(file, kept)
    return { content: trim(kept.text), isNew }
  }).pipe(Effect.mapError((cause) => cause._tag === "IdentityError" ? cause : new IdentityError({ file, cause })))
})

/** Whether the output goes to a terminal, where it is not stored as in a log. */
const isOnTerminal = () => process.stdout.isTTY === true && process.stderr.isTTY === true

const hex = (bytes: number) => Effect.sync(() => randomBytes(bytes).toString("hex"))

export class Credentials extends Context.Service<Credentials, {
  readonly account: Account
  /** Whether `account` is the local account, which does not exist at Twilio. */
  readonly isLocalAccount: boolean
  readonly apiKey: Redacted.Redacted
}>()("client-caller/config/Credentials") {
  static readonly layer = Layer.effect(
    Credentials,
    Effect.gen(function*() {
      const config = yield* AppConfig
      const path = yield* Path.Path

      const localAccount = Effect.gen(function*() {
        const file = path.join(config.dataDir, "local-account.json")
        const newAccount = Effect.gen(function*() {
          return JSON.stringify({ accountSid: `AC${yield* hex(16)}`, authToken: yield* hex(16) })
        })
        const { content } = yield* readOrMakeSecret(file, newAccount)
        const account = yield* Schema.decodeUnknownEffect(LocalAccount)(content).pipe(
          Effect.mapError((cause) => new IdentityError({ file, cause }))
        )
        return { accountSid: account.accountSid, authTokens: [Redacted.make(account.authToken)] } as const
      })

      const apiKey = Effect.gen(function*() {
        const file = path.join(config.dataDir, "api-key")
        const { content, isNew } = yield* readOrMakeSecret(file, hex(24))
        const why = sendable.test(content) ? GuessableKeys.weakness(content) : "is not one line of ASCII characters without blanks, so no client can send it"
        if (why !== undefined) {
          const weak = new WeakKeyFile({ file, why })
          if (isReachableFromOutside(config.server)) return yield* weak
          yield* Effect.logWarning(weak.message)
        }
        if (isNew) yield* Console.error(`API key, made now and kept in ${file}${isOnTerminal() ? `: ${content}` : ""}`)
        return Redacted.make(content)
      })

      return Credentials.of({
        account: Option.isSome(config.twilio.account) ? config.twilio.account.value : yield* localAccount,
        isLocalAccount: Option.isNone(config.twilio.account),
        apiKey: Option.isSome(config.apiKey) ? config.apiKey.value : yield* apiKey
      })
    })
  )
}
