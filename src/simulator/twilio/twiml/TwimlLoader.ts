/**
 * Loads and reads the documents of a call: from its webhooks, from its fallback URL if a webhook fails, or from a REST request.
 *
 * https://www.twilio.com/docs/usage/security/availability-reliability
 */
import { Effect, Result, Schema } from "effect"
import type { AccountSid } from "../../../domain/Sid.ts"
import { note, type PhoneCall, type Source, type Target } from "../../caller/PhoneCall.ts"
import * as DebuggerCodes from "../DebuggerCodes.ts"
import { callParameters, noteWebhook } from "../webhook/StatusCallbacks.ts"
import type { WebhookClient } from "../webhook/WebhookClient.ts"
import * as TwimlReader from "./TwimlReader.ts"

export interface Environment {
  readonly accountSid: AccountSid
  readonly webhooks: WebhookClient
}

/** A webhook's answer is not TwiML. */
class LoadError extends Schema.TaggedError<LoadError>()("LoadError", {
  /** A code of Twilio's error catalogue. */
  code: Schema.Int,
  message: Schema.String
}) {}

const twimlContentTypes = new Set(["text/xml", "application/xml", "text/html"])

/** Twilio's base for relative URLs in TwiML that came in a REST request. */
const twilioBase = "https://api.twilio.com/"

const noteProblem = (call: PhoneCall, { code, message }: { readonly code: number; readonly message: string }) =>
  note(call, { _tag: "Problem", code, message })

const read = Effect.fnUntraced(function*(call: PhoneCall, text: string, base: string) {
  const document = yield* TwimlReader.parse(text, base)
  for (const warning of document.warnings) yield* noteProblem(call, warning)
  yield* note(call, { _tag: "Twiml", verbs: document.verbs.map((verb) => verb._tag) })
  return document
})

/** Requests a document. An empty answer is a document without verbs. */
const request = Effect.fnUntraced(function*(environment: Environment, call: PhoneCall, source: Extract<Source, { readonly _tag: "Url" }>) {
  const { method, more, url } = source
  const parameters = { ...callParameters(environment.accountSid, call), ...more }
  const answer = yield* Effect.result(environment.webhooks.send({ url, method, parameters, signature: call.faults.webhookSignature }))
  yield* noteWebhook(call, { kind: "voice", url, parameters }, Result.isFailure(answer) ? answer.failure : answer.success)
  const { body, contentType } = yield* Effect.fromResult(answer)
  if (body.trim() === "") return { verbs: [], warnings: [] } satisfies TwimlReader.Document
  if (!twimlContentTypes.has(contentType)) {
    const message = `TwiML must be text/xml, application/xml or text/html, not "${contentType}".`
    return yield* new LoadError({ code: DebuggerCodes.invalidContentType, message })
  }
  return yield* read(call, body, url)
})

/** The fallback URL for the next document, if the call has one. */
const fallbackOf = ({ documents, fallback, faults }: PhoneCall): Target | undefined =>
  faults.noFallback === true && documents > 0 ? undefined : fallback

/**
 * Loads and reads a document. If that fails, a document is requested at once from the fallback URL, with the error code and the URL that
 * failed. Returns `undefined` if there is no fallback URL, or if the fallback fails, too. All problems are noted.
 */
export const load = Effect.fnUntraced(function*(environment: Environment, call: PhoneCall, source: Source) {
  const first = yield* Effect.result(source._tag === "Twiml" ? read(call, source.text, twilioBase) : request(environment, call, source))
  const fallback = fallbackOf(call)
  call.documents++
  if (Result.isSuccess(first)) return first.success
  yield* noteProblem(call, first.failure)
  if (fallback === undefined) return undefined
  const more = {
    ErrorCode: `${first.failure.code}`,
    // The URL that was requested, which has no fragment.
    ...(source._tag === "Twiml" ? {} : { ErrorUrl: source.url.split("#", 1)[0]! })
  }
  const second = yield* Effect.result(request(environment, call, { _tag: "Url", ...fallback, more }))
  if (Result.isSuccess(second)) return second.success
  yield* noteProblem(call, second.failure)
  return undefined
})

/** Requests a document after the call's end. The document is not carried out. */
export const requestAfterEnd = Effect.fnUntraced(function*(environment: Environment, call: PhoneCall, action: Target) {
  const more = { CallStatus: "completed" }
  yield* Effect.catch(request(environment, call, { _tag: "Url", ...action, more }), (error) => noteProblem(call, error))
})
