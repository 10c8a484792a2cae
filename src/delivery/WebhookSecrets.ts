/**
 * The secrets that sign webhooks, and the headers of Standard Webhooks (https://www.standardwebhooks.com).
 */
import { type Array, Effect, Option, Path, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import { Webhook } from "standardwebhooks"
import { AppConfig } from "../config/AppConfig.ts"
import * as Credentials from "../config/Credentials.ts"

const bytesOfSecret = 32

interface Signer {
  /** The headers of one attempt. `at`: the present time, ms since 1970. Receivers refuse a webhook whose time is some minutes in the past. */
  readonly headers: (id: string, payload: string, at: number) => Readonly<Record<string, string>>
}

/** Signs with every secret, so that a receiver needs only one of them. */
export const signer = (secrets: Array.NonEmptyReadonlyArray<Redacted.Redacted>): Signer => {
  const webhooks = secrets.map((secret) => new Webhook(Redacted.value(secret)))
  return {
    headers: (id, payload, at) => ({
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at / 1000)),
      "webhook-signature": webhooks.map((webhook) => webhook.sign(id, new Date(at), payload)).join(" ")
    })
  }
}

/** Signs with `WEBHOOK_SECRET`. Without it, the first start makes a secret and stores it in the file `webhook-secret` of the data folder. */
export const load = Effect.gen(function*() {
  const { dataDir, webhooks } = yield* AppConfig
  if (Option.isSome(webhooks.secrets)) return signer(webhooks.secrets.value)
  const path = yield* Path.Path
  const made = Effect.sync(() => `whsec_${randomBytes(bytesOfSecret).toString("base64")}`)
  const { content } = yield* Credentials.readOrMakeSecret(path.join(dataDir, "webhook-secret"), made)
  return signer([Redacted.make(content)])
})
