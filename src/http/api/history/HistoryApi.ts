/**
 * The API's endpoints for live and past calls: the list, one call, its transcript, its sound, its events, and erasure.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { CallSid } from "../../../domain/Sid.ts"
import { ApiKey } from "../key/ApiKey.ts"
import * as Problems from "../Problems.ts"
import { RequestFields } from "../RequestFields.ts"

const described = (description: string) => Schema.String.annotate({ description })

/** The filters of the query. An absent filter excludes nothing. */
const filters = {
  from: Schema.optionalKey(described("Calls that began at this time or later: ISO 8601 with a time zone, such as 2026-05-01T00:00:00Z")),
  to: Schema.optionalKey(described("Calls that began before this time")),
  number: Schema.optionalKey(described("The telephone number of either side, with its country code")),
  agent: Schema.optionalKey(described("The agent's name")),
  direction: Schema.optionalKey(described("inbound or outbound")),
  outcome: Schema.optionalKey(described("Twilio's final status, such as no-answer; or why the call ended, such as agentLeft; or live")),
  campaign: Schema.optionalKey(described("The campaign that the request named")),
  text: Schema.optionalKey(described("Words that either side said, all in one turn; refused while words are sealed")),
  limit: Schema.optionalKey(described("Calls per page, 1 to 200; the default is 50")),
  cursor: Schema.optionalKey(described("The page after another: the value of next in that page, sent with the same filters"))
}

/** `metadata.KEY=value`: a member of the call's metadata. */
const ListQuery = Schema.StructWithRest(Schema.Struct(filters), [
  Schema.Record(Schema.TemplateLiteral(["metadata.", Schema.String]), Schema.String)
])

const time = (description: string) => Schema.NullOr(Schema.String.annotate({ description: `${description}; ISO 8601` }))

const summary = {
  call_sid: CallSid,
  direction: Schema.Literals(["inbound", "outbound"]),
  from: Schema.NullOr(Schema.String).annotate({ description: "E.164; or hmac: and 43 characters, where numbers are hashed; null once erased" }),
  to: Schema.NullOr(Schema.String),
  agent: Schema.String,
  campaign: Schema.NullOr(Schema.String),
  metadata: Schema.NullOr(Schema.Json),
  started_at: Schema.String,
  answered_at: time("When it was answered"),
  ended_at: time("When it ended; null while it goes on"),
  status: Schema.NullOr(Schema.String).annotate({ description: "Twilio's final status, such as completed or no-answer" }),
  reason: Schema.NullOr(Schema.String).annotate({ description: "Why it ended, such as callerLeft" }),
  ended_by: Schema.NullOr(Schema.String).annotate({ description: "caller, agent, operator, service, network or nobody" }),
  duration_seconds: Schema.NullOr(Schema.Number).annotate({ description: "From the answer to the end" }),
  final: Schema.Boolean.annotate({ description: "The outcome will not change any more" }),
  turns: Schema.Number,
  words: Schema.Literals(["kept", "never", "expired", "erased"])
}

const ListedCall = Schema.Struct(summary).annotate({ identifier: "ListedCall" })

const CallPage = Schema.Struct({
  calls: Schema.Array(ListedCall),
  next: Schema.NullOr(Schema.String).annotate({ description: "The cursor of the next page; null at the end" })
}).annotate({ identifier: "CallPage" })

const Use = Schema.Struct({
  stage: Schema.Literals(["transcript", "reply", "speech"]),
  engine: Schema.String,
  requests: Schema.Number,
  sound_seconds: Schema.optionalKey(Schema.Number),
  input_tokens: Schema.optionalKey(Schema.Number),
  output_tokens: Schema.optionalKey(Schema.Number),
  characters: Schema.optionalKey(Schema.Number)
})

const Cost = Schema.Struct({
  currency: Schema.String,
  total: Schema.Number.annotate({ description: "The sum of all that has a price" }),
  twilio: Schema.optionalKey(Schema.Number),
  engines: Schema.Array(Schema.Struct({ stage: Use.fields.stage, engine: Schema.String, cost: Schema.Number })),
  unpriced: Schema.Array(Schema.String).annotateKey({
    description: "What was used and has no price: twilio, and names of engines. Unless it is empty, the total is too low"
  })
}).annotate({ description: "By the price list of PRICES_FILE; null without one (docs/costs.md)" })

const Delivery = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  state: Schema.String,
  attempts: Schema.Number,
  next_at: time("The next attempt"),
  last_error: Schema.NullOr(Schema.String),
  created_at: Schema.String,
  updated_at: Schema.String
})

const StoredCall = Schema.Struct({
  ...summary,
  live: Schema.Boolean.annotate({ description: "The call has not ended" }),
  sip_code: Schema.NullOr(Schema.Number),
  answered_by: Schema.NullOr(Schema.String).annotate({ description: "Twilio's AnsweredBy" }),
  billable_minutes: Schema.NullOr(Schema.Number),
  streams: Schema.Number.annotate({ description: "Media streams; more than one if the call was resumed" }),
  resumptions: Schema.Number,
  memory_lost: Schema.Boolean.annotate({ description: "The conversation began anew at a resumption" }),
  axis_started_at: time("The zero of all times on the call's axis: when its first media stream began"),
  figures: Schema.Struct({
    caller_turns: Schema.Number,
    agent_turns: Schema.Number,
    interrupted: Schema.Number.annotate({ description: "Turns of the agent that the caller cut" }),
    actions: Schema.Number.annotate({ description: "Tools, transfers and keys" }),
    latency_ms: Schema.NullOr(Schema.Struct({ count: Schema.Number, p50: Schema.Number, p95: Schema.Number })).annotate({
      description: "From the caller's last sound to the reply's first, as heard"
    })
  }),
  usage: Schema.Array(Use),
  cost: Schema.NullOr(Cost),
  recording: Schema.NullOr(Schema.Struct({ duration_seconds: Schema.Number, bytes: Schema.Number, path: Schema.String })),
  deliveries: Schema.Array(Delivery).annotate({ description: "Webhooks of this call" })
}).annotate({ identifier: "StoredCall" })

const WhyUnreadable = Schema.Literals(["keyMissing", "damaged"])

const unreadable = Schema.optionalKey(WhyUnreadable.annotate({
  description: "Why the sealed words can't be opened; the words are then missing here. Absent if they can be read"
}))

const Transcript = Schema.Struct({
  call_sid: CallSid,
  turns: Schema.Array(Schema.Struct({
    turn: Schema.Number,
    role: Schema.Literals(["caller", "agent"]),
    started_ms: Schema.Number.annotate({ description: "On the call's axis, which is the recording's time" }),
    ended_ms: Schema.Number,
    text: Schema.String.annotate({ description: "The caller's words, or the text that the agent began to say" }),
    cut: Schema.Boolean,
    latency_ms: Schema.NullOr(Schema.Number),
    unreadable,
    words: Schema.Array(Schema.Struct({ text: Schema.String, ms: Schema.Number, heard: Schema.Boolean }))
  })),
  actions: Schema.Array(Schema.Struct({
    id: Schema.String,
    kind: Schema.Literals(["tool", "transfer", "keys"]),
    name: Schema.String,
    ms: Schema.Number,
    state: Schema.Literals(["asked", "answered", "notSent", "unknown"]),
    arguments: Schema.String,
    answer: Schema.NullOr(Schema.String),
    unreadable
  }))
}).annotate({ identifier: "Transcript" })

/** One thing that happened on a call; the other fields depend on `_tag` (docs/latency.md). */
const CallEvent = Schema.Struct({
  _tag: Schema.String,
  at: Schema.optionalKey(Schema.Number.annotate({ description: "ms since the conversation began; not in Outcome" })),
  turn: Schema.optionalKey(Schema.Number.annotate({ description: "The agent's turn; 0 is the greeting; not in Outcome" }))
}).annotate({ identifier: "CallEvent" })

const UnreadableEvent = Schema.Struct({
  _tag: Schema.Literal("Unreadable"),
  unreadable: WhyUnreadable.annotate({ description: "Why the sealed event can't be opened" })
}).annotate({ identifier: "UnreadableEvent" })

const params = { callSid: CallSid }

/** Some clients, such as Python's requests, take text without a charset for Latin-1. */
const PlainText = Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; charset=utf-8" }))

export class HistoryGroup extends HttpApiGroup.make("calls")
  .add(
    HttpApiEndpoint.get("list", "/calls", {
      query: ListQuery,
      success: CallPage,
      error: [Problems.InvalidRequest, Problems.WordsSealed, Problems.HistoryUnreachable]
    }).annotateMerge(OpenApi.annotations({
      summary: "Calls, newest first",
      description: "All given filters must match; `metadata.KEY=value` selects by a member of the metadata. A page may have fewer calls than "
        + "`limit`: continue while there is a `next`."
    })),
    HttpApiEndpoint.get("find", "/calls/:callSid", {
      params,
      success: StoredCall,
      error: [Problems.NoSuchCall, Problems.HistoryUnreachable]
    }).annotateMerge(OpenApi.annotations({ summary: "One call: its outcome and its figures" })),
    HttpApiEndpoint.delete("erase", "/calls/:callSid", {
      params,
      success: HttpApiSchema.NoContent,
      error: [Problems.NoSuchCall, Problems.CallIsLive, Problems.HistoryUnreachable]
    }).annotateMerge(OpenApi.annotations({
      summary: "Erase the personal data of a call",
      description: "Its words, actions, events, sound, numbers, metadata and webhooks are gone; figures stay (docs/data.md)."
    })),
    HttpApiEndpoint.get("transcript", "/calls/:callSid/transcript", {
      params,
      query: { format: Schema.optionalKey(described("json or text. Without it, the header Accept decides; the default is json")) },
      success: [Transcript, PlainText],
      error: [Problems.InvalidRequest, Problems.NoSuchCall, Problems.HistoryUnreachable]
    }).annotateMerge(OpenApi.annotations({
      summary: "What was said and done on a call",
      description: "Each word is marked as heard or not. In the text format, words that were not heard are in brackets."
    })),
    HttpApiEndpoint.get("recording", "/calls/:callSid/recording.wav", {
      params,
      headers: { range: Schema.optionalKey(Schema.String) },
      success: HttpApiSchema.StreamUint8Array({ contentType: "audio/wav" }),
      error: [Problems.NoSuchCall, Problems.NoRecording, Problems.RangeNotSatisfiable, Problems.HistoryUnreachable]
    }).annotateMerge(OpenApi.annotations({
      summary: "The recording of a call, with the caller in the left channel and the agent, as heard, in the right",
      description: "Takes `Range` with one range of bytes."
    })),
    HttpApiEndpoint.get("events", "/calls/:callSid/events", {
      params,
      headers: { "last-event-id": Schema.optionalKey(Schema.String) },
      success: HttpApiSchema.StreamSse({ data: Schema.Union([CallEvent, UnreadableEvent]) }),
      error: [Problems.InvalidRequest, Problems.NoSuchCall, Problems.HistoryUnreachable]
    }).annotateMerge(OpenApi.annotations({
      summary: "What is said and done on a call, live or afterwards",
      description: "Server-sent events from the call's beginning to its end, named by their kind: CallerSays (the words so far; only while the call is live), CallerSaid, "
        + "AgentSays, AgentFills, AgentPresses, AgentHeard, BargeIn, Resumed, TurnMeasured, Transferring, TransferFailed, EngineTrouble, Ended. "
        + "The last one is Outcome, with the fields of `GET /calls/{callSid}` about the call's end. "
        + "The events contain what people say. With `Last-Event-ID`, the stream begins after that event."
    }))
  )
  // The last middleware is the outermost. So a client without the API key learns only that it needs the key.
  .middleware(RequestFields)
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Calls" }))
{}
