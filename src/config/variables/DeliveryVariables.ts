/**
 * The variables for outgoing webhooks: the address to which the service sends them, and the secrets with which it signs them.
 */
import { type Array, Effect, Option, type Redacted, Schema, SchemaGetter, SchemaIssue } from "effect"
import { NonEmptyList, onOrOff } from "./Values.ts"
import { optional, type ValuesOf } from "./Variable.ts"

/** `Contradictions` checks whether webhooks may be sent to this address, since that depends on `WEBHOOK_PRIVATE_ADDRESSES`. */
const WebhookUrl = Schema.String.pipe(
  Schema.decodeTo(Schema.URL, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const url = URL.parse(text)
      return url !== null && /^https?:$/.test(url.protocol) ? Effect.succeed(url) : Effect.fail(new SchemaIssue.InvalidValue({ expected: "an http or https URL" }))
    }),
    encode: SchemaGetter.transform((url: URL) => url.href)
  })
)

/** The length of a secret that Standard Webhooks recommends, in bytes. */
const secretBytes = { minimum: 24, maximum: 64 }

const isSecret = (text: string): boolean => {
  const base64 = text.replace(/^whsec_/, "")
  const { length } = Buffer.from(base64, "base64")
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64) && length >= secretBytes.minimum && length <= secretBytes.maximum
}

const Secrets = NonEmptyList.check(Schema.makeFilter((items) => items.every(isSecret))).pipe(Schema.decodeTo(Schema.NonEmptyArray(Schema.RedactedFromValue(Schema.String))))

export const deliveryVariables = {
  WEBHOOK_URL: optional(WebhookUrl, "an http or https URL", "https://example.com/hooks/calls"),
  WEBHOOK_SECRET: optional(
    Secrets,
    `whsec_ and ${secretBytes.minimum} to ${secretBytes.maximum} random bytes in base64, or two such secrets with a comma between: the new one and the old one`,
    "whsec_…"
  ),
  WEBHOOK_TRANSCRIPT: onOrOff("off"),
  WEBHOOK_PRIVATE_ADDRESSES: onOrOff("off")
} as const

export interface DeliverySettings {
  /** The address for the webhooks of a call whose request and agent name no address. Unset: such a call has no webhooks. */
  readonly url: Option.Option<URL>
  /** Every webhook is signed with each of these secrets. Unset: the service makes a secret and keeps it in `DATA_DIR`. */
  readonly secrets: Option.Option<Array.NonEmptyReadonlyArray<Redacted.Redacted>>
  /** Whether `call.ended` has the transcript even if the call's request did not ask for it. */
  readonly hasTranscript: boolean
  /** Whether webhooks may go to private networks and over `http://`. */
  readonly isPrivateAllowed: boolean
}

export const deliverySettings = (values: ValuesOf<typeof deliveryVariables>): DeliverySettings => ({
  url: values.WEBHOOK_URL,
  secrets: values.WEBHOOK_SECRET,
  hasTranscript: values.WEBHOOK_TRANSCRIPT,
  isPrivateAllowed: values.WEBHOOK_PRIVATE_ADDRESSES
})
