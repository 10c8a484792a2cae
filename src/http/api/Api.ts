/**
 * The API that people call: its endpoints, with their inputs, outputs and errors.
 *
 * Twilio's webhooks are not here: they are form posts, and nobody but Twilio may call them.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { AgentName } from "../../domain/AgentName.ts"
import { PhoneNumber, PhoneNumberFromText } from "../../domain/PhoneNumber.ts"
import { CallSid } from "../../domain/Sid.ts"
import { queryFields, SettingsFields } from "./calls/SettingsFields.ts"
import { DeliveryGroup } from "./deliveries/DeliveryApi.ts"
import { HistoryGroup } from "./history/HistoryApi.ts"
import { ApiKey } from "./key/ApiKey.ts"
import * as Problems from "./Problems.ts"
import { RequestFields } from "./RequestFields.ts"
import { UnreadableRequests } from "./UnreadableRequests.ts"

/** The version of the service and of its API, as in package.json. */
export const version = "0.1.0"

/** Which number to call, and which agent speaks. */
export const OutboundCall = Schema.Struct({
  to: PhoneNumberFromText,
  agent: Schema.optionalKey(AgentName.annotate({ description: "Which agent speaks; the default is AGENT" })),
  websocket_url: Schema.optionalKey(
    Schema.String.annotate({
      description: "A media WebSocket other than this service's: a host of PUBLIC_URL or WEBSOCKET_HOSTS, no query string"
    })
  ),
  ...SettingsFields.fields
}).annotate({ identifier: "OutboundCall" })

const PlacedCall = Schema.Struct({
  call_sid: CallSid,
  status: Schema.String.annotate({ description: "Twilio's status of the call; usually queued" }),
  to: PhoneNumber,
  from: PhoneNumber,
  agent: AgentName,
  queued_ms: Schema.Number.annotate({ description: "How long the call waited for its turn (CALLS_PER_SECOND)" })
}).annotate({ identifier: "PlacedCall" })

const Health = Schema.Struct({
  status: Schema.Literal("healthy"),
  active_connections: Schema.Number.annotate({ description: "Open media streams" }),
  calls: Schema.Number.annotate({ description: "Live calls, with or without a media stream" }),
  draining: Schema.Boolean,
  agent: AgentName.annotate({ description: "The agent that answers when a call names none" }),
  uptime_seconds: Schema.Number,
  version: Schema.String
}).annotate({ identifier: "Health" })

const Ready = Schema.Struct({
  status: Schema.Literal("ready"),
  engines: Problems.EngineStates,
  store: Schema.Literals(["ready", "degraded"]).annotate({
    description: "degraded: the database of the call history does not answer, and the writes of calls wait in the journal"
  }),
  store_problem: Schema.optionalKey(Schema.String).annotateKey({
    description: "Why the store is degraded. Only clients that may see the engines' addresses get this field"
  })
}).annotate({ identifier: "Ready" })

class CallGroup extends HttpApiGroup.make("call")
  .add(
    HttpApiEndpoint.post("outbound", "/call/outbound", {
      query: {
        to_number: Schema.optionalKey(Schema.String),
        websocket_url: Schema.optionalKey(Schema.String),
        agent: Schema.optionalKey(Schema.String),
        ...queryFields
      },
      headers: { "idempotency-key": Schema.optionalKey(Schema.String.check(Schema.isMaxLength(255))) },
      payload: OutboundCall,
      success: PlacedCall,
      error: [
        Problems.InvalidRequest,
        Problems.InvalidNumber,
        Problems.ForeignWebSocket,
        Problems.NoSuchAgent,
        Problems.PayloadTooLarge,
        Problems.KeyReused,
        Problems.NotAllowedToCall,
        Problems.TooManyRequests,
        Problems.TwilioRefused,
        Problems.NotConfigured,
        Problems.Busy,
        Problems.TwilioTimedOut
      ]
    }).annotateMerge(OpenApi.annotations({
      summary: "Place a call",
      description: "Calls a number and connects an agent to it. The same fields may be in the query, without a body: `to_number`, "
        + "`websocket_url`, `agent`, `campaign`, `store`, `recording`, `webhook_url`, `transcript_in_webhook`. With an `Idempotency-Key` header the phone rings once, however often the request is sent.",
      transform: ({ requestBody, ...operation }) => ({
        ...operation,
        requestBody: { ...requestBody as object, required: false }
      })
    }))
  )
  // The last middleware is the outermost. So a client without the API key learns only that it needs the key.
  .middleware(RequestFields)
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Placing calls" }))
{}

class SystemGroup extends HttpApiGroup.make("system", { topLevel: true })
  .add(
    HttpApiEndpoint.get("health", "/health", { success: Health }).annotateMerge(
      OpenApi.annotations({ summary: "Whether the process lives, and how many calls it has" })
    ),
    HttpApiEndpoint.get("ready", "/ready", { success: Ready, error: [Problems.Busy, Problems.EnginesDown] }).annotateMerge(
      OpenApi.annotations({ summary: "Whether new calls may be sent here; 503 while draining, and while a stage has no engine that works" })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "System" }))
{}

export class Api extends HttpApi.make("client-caller")
  .add(CallGroup)
  .add(HistoryGroup)
  .add(DeliveryGroup)
  .add(SystemGroup)
  .middleware(UnreadableRequests)
  .annotateMerge(OpenApi.annotations({
    title: "Client Caller",
    version,
    description: "Puts an AI agent on the telephone. Errors are problem documents (RFC 9457). Endpoints that need the API key refuse a request "
      + "with an unknown field in its body or query (400). The answer names the field."
  }))
{}

