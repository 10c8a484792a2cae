/**
 * Reads the fields of `POST /call/outbound`: JSON in the body, or the same fields in the query.
 */
import { Effect, Option, Predicate, Result, Schema, type SchemaIssue } from "effect"
import type { OutboundRequest } from "../../../call/outbound/OutboundRequest.ts"
import * as PhoneNumber from "../../../domain/PhoneNumber.ts"
import { OutboundCall } from "../Api.ts"
import * as Problems from "../Problems.ts"
import * as RequestBody from "../RequestBody.ts"
import * as SettingsFields from "./SettingsFields.ts"

type OutboundFields = Pick<OutboundRequest, "to" | "agent" | "websocketUrl" | "settings">

/** The query as the client sent it. Fields that were not sent are absent. */
interface Query extends SettingsFields.SettingsQuery {
  readonly to_number?: string
  readonly websocket_url?: string
  readonly agent?: string
}

const decodeBody = Schema.decodeUnknownEffect(OutboundCall)
const decodeAgent = Schema.decodeUnknownEffect(OutboundCall.fields.agent.schema)

const exampleBody = "{\"to\":\"+14155550100\",\"agent\":\"receptionist\"}"

/** Whether a decoding problem is about the field `name`. */
const isAbout = (issue: SchemaIssue.Issue, name: string): boolean => {
  switch (issue._tag) {
    case "Pointer":
      return issue.path[0] === name
    case "Composite":
      return issue.issues.some((inner) => isAbout(inner, name))
    case "Encoding":
    case "Filter":
      return isAbout(issue.issue, name)
    default:
      return false
  }
}

/** A sentence that says why the body's `to` is not a phone number; empty if the body has no `to`. */
const whyNotANumber = (body: unknown): string => {
  const to = Predicate.hasProperty(body, "to") ? body.to : undefined
  if (to === undefined) return ""
  if (typeof to !== "string") return " It is not a string."
  const number = PhoneNumber.read(to)
  return Result.isFailure(number) ? ` ${number.failure.message}` : ""
}

const fromBody = (body: unknown): Effect.Effect<OutboundFields, Problems.InvalidNumber | Problems.InvalidRequest> =>
  decodeBody(body).pipe(
    Effect.mapBoth({
      onSuccess: ({ agent, to, websocket_url, ...settingsFields }) => ({
        to,
        agent: Option.fromUndefinedOr(agent),
        websocketUrl: Option.fromUndefinedOr(websocket_url),
        settingsFields
      }),
      onFailure: (error) =>
        isAbout(error.issue, "to")
          ? new Problems.InvalidNumber({
            detail: `"to" must be a phone number with its country code, such as +14155550100.${whyNotANumber(body)}`
          })
          : new Problems.InvalidRequest({
            detail: `Send JSON such as ${exampleBody}. ${error.message.replaceAll(/\s+/g, " ")}`
          })
    }),
    Effect.flatMap(({ settingsFields, ...fields }) => Effect.map(SettingsFields.toSettings(settingsFields), (settings) => ({ ...fields, settings })))
  )

const fromQuery = Effect.fnUntraced(function*(query: Query) {
  if (query.to_number === undefined) {
    return yield* new Problems.InvalidRequest({
      detail: "Say whom to call: JSON such as {\"to\":\"+14155550100\"}, or ?to_number=%2B14155550100"
    })
  }
  const to = PhoneNumber.read(query.to_number)
  if (Result.isFailure(to)) {
    return yield* new Problems.InvalidNumber({
      detail: `"to_number" must be a phone number with its country code, such as %2B14155550100. ${to.failure.message}`
    })
  }
  const agent = query.agent === undefined ? undefined : yield* decodeAgent(query.agent).pipe(
    Effect.mapError(() => new Problems.NoSuchAgent({ detail: "\"agent\" is not the name of an agent" }))
  )
  const settings = yield* SettingsFields.fromQuery(query)
  return { to: to.success, agent: Option.fromUndefinedOr(agent), websocketUrl: Option.fromUndefinedOr(query.websocket_url), settings }
})

const readFields = Effect.fnUntraced(function*(text: string, query: Query) {
  const body = yield* Effect.fromResult(RequestBody.parse(text)).pipe(
    Effect.mapError(({ message }) => new Problems.InvalidRequest({ detail: `${message} Send JSON such as ${exampleBody}.` }))
  )
  if (RequestBody.isEmpty(body)) return yield* fromQuery(query)
  const queryNames = Object.keys(query)
  if (queryNames.length > 0) {
    return yield* new Problems.InvalidRequest({
      detail: `There is a body, and the query has ${queryNames.join(", ")} too. Send all fields in the body, or all in the query.`
    })
  }
  return yield* fromBody(body)
})

/**
 * Reads the request from the body or, if the body is empty ({@link RequestBody.isEmpty}), from the query. A request with fields in both is
 * refused, so that no field is silently ignored.
 *
 * @param isPrivateAllowed whether `webhook_url` may be a private address or `http://` (`WEBHOOK_PRIVATE_ADDRESSES`)
 */
export const read = (text: string, query: Query, isPrivateAllowed: boolean) =>
  Effect.tap(readFields(text, query), ({ settings }) => SettingsFields.checkWebhookUrl(settings, isPrivateAllowed))
