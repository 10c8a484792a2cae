/**
 * The fields of `POST /call/outbound` that decide what is stored of the call, and where its webhooks go.
 */
import { Effect, Schema } from "effect"
import type { RequestedSettings } from "../../../call/history/SettingsChoice.ts"
import * as WebhookAddress from "../../../config/WebhookAddress.ts"
import * as Problems from "../Problems.ts"

/** The most bytes of the metadata as JSON. */
const maxMetadataBytes = 4096

const Metadata = Schema.Json.check(
  Schema.makeFilter((value) => Buffer.byteLength(JSON.stringify(value)) <= maxMetadataBytes || "Expected at most 4 KiB of JSON")
).annotate({ description: "JSON of at most 4 KiB, kept with the call and sent with its webhooks; members are found by GET /calls?metadata.KEY=value" })

/** The filter of `GET /calls` finds every name that this schema takes: it has a visible character, and none that a database changes. */
const Campaign = Schema.String.check(
  Schema.isPattern(/^\S(?:.{0,62}\S)?$/u, { expected: "1 to 64 characters without blanks around" }),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { expected: "no control characters" }),
  Schema.isPattern(/[^\s\p{C}]/u, { expected: "a visible character" })
).annotate({
  description: "The campaign that the call belongs to; GET /calls finds calls by it"
})

/** See {@link checkWebhookUrl}. */
const WebhookUrl = Schema.String.annotate({
  description: "The address for the call's webhooks: https://, without credentials and not of a private network. The default is the agent's address or, without one, the service's"
})

const flag = (description: string) => Schema.Boolean.annotate({ description })

export const SettingsFields = Schema.Struct({
  metadata: Schema.optionalKey(Metadata),
  campaign: Schema.optionalKey(Campaign),
  store: Schema.optionalKey(flag("false: only figures of the call are kept, no words and no sound")),
  recording: Schema.optionalKey(flag("true: the call is recorded, even if its agent's file says otherwise")),
  webhook_url: Schema.optionalKey(WebhookUrl),
  transcript_in_webhook: Schema.optionalKey(flag("call.ended has the transcript"))
})
type SettingsFields = typeof SettingsFields.Type

/** The fields of a request's query. `metadata` can only be in a body. */
export const queryFields = {
  campaign: Schema.optionalKey(Schema.String),
  store: Schema.optionalKey(Schema.String),
  recording: Schema.optionalKey(Schema.String),
  webhook_url: Schema.optionalKey(Schema.String),
  transcript_in_webhook: Schema.optionalKey(Schema.String)
}
export type SettingsQuery = { readonly [Name in keyof typeof queryFields]?: string }

const booleanFields = ["store", "recording", "transcript_in_webhook"] as const

const decode = Schema.decodeUnknownEffect(SettingsFields)

export const toSettings = Effect.fnUntraced(function*(fields: SettingsFields): Effect.fn.Return<RequestedSettings, Problems.InvalidRequest> {
  const { campaign, metadata, recording, store, transcript_in_webhook: isTranscriptSent, webhook_url: webhookUrl } = fields
  if (store === false && recording === true) {
    return yield* new Problems.InvalidRequest({ detail: "\"recording\" and \"store\" contradict each other: with \"store\": false no sound is kept." })
  }
  if (store === false && isTranscriptSent === true) {
    return yield* new Problems.InvalidRequest({ detail: "\"transcript_in_webhook\" and \"store\" contradict each other: with \"store\": false there is no transcript." })
  }
  return {
    ...(metadata === undefined ? {} : { metadata }),
    ...(campaign === undefined ? {} : { campaign }),
    ...(store === undefined ? {} : { keepsWords: store }),
    ...(recording === undefined ? {} : { isRecorded: recording }),
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    ...(isTranscriptSent === undefined ? {} : { isTranscriptSent })
  }
})

/** Refuses an address to which no webhook may be sent. A host name is looked up only when a webhook is sent. */
export const checkWebhookUrl = ({ webhookUrl }: RequestedSettings, isPrivateAllowed: boolean): Effect.Effect<void, Problems.InvalidRequest> => {
  if (webhookUrl === undefined) return Effect.void
  return Effect.fromResult(WebhookAddress.read(webhookUrl, isPrivateAllowed)).pipe(
    Effect.mapError(({ message }) => new Problems.InvalidRequest({ detail: `"webhook_url" ${message}.` })),
    Effect.asVoid
  )
}

/** Reads the fields of a query, in which `true` and `false` are text. */
export const fromQuery = Effect.fnUntraced(function*(query: SettingsQuery) {
  const fields: Record<string, unknown> = { ...(query.campaign === undefined ? {} : { campaign: query.campaign }), ...(query.webhook_url === undefined ? {} : { webhook_url: query.webhook_url }) }
  for (const name of booleanFields) {
    const text = query[name]
    if (text === undefined) continue
    if (text !== "true" && text !== "false") return yield* new Problems.InvalidRequest({ detail: `"${name}" must be true or false.` })
    fields[name] = text === "true"
  }
  const decoded = yield* decode(fields).pipe(Effect.mapError((error) => new Problems.InvalidRequest({ detail: error.message.replaceAll(/\s+/g, " ") })))
  return yield* toSettings(decoded)
})
