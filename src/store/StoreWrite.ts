/**
 * The writes of calls to the store, one fact each. They are plain JSON, because a write waits in memory, in the journal's file, or in both,
 * until the database has it.
 *
 * Applying a write twice changes nothing the second time, so a journal may be replayed after a crash. Writes of one call are applied in the
 * order in which they were made. All times are ms since 1970 unless a field says otherwise. The *axis* of a call is ms since its first
 * media stream began (see `Axis` for a call that was taken over without the store); recordings use it, too.
 */
import { Schema } from "effect"
import { CallSid } from "../domain/Sid.ts"

/** What is stored of a call. */
const Keeping = Schema.Struct({
  /** `false`: figures only; no word, no event with words, no sound (`store: false` of the agent or the request). */
  words: Schema.Boolean,
  /** `hashed`: from the call's end on, telephone numbers are kept as a keyed HMAC. */
  numbers: Schema.Literals(["plain", "hashed"])
})
type Keeping = typeof Keeping.Type

/** Who ended a call. */
export const EndedBy = Schema.Literals(["caller", "agent", "operator", "service", "network", "nobody"])
export type EndedBy = typeof EndedBy.Type

/** What engines did on a call, in their own units. */
export const EngineUse = Schema.Struct({
  stage: Schema.Literals(["transcript", "reply", "speech"]),
  /** The engine's name as in `/ready`. */
  engine: Schema.String,
  requests: Schema.Number,
  /** Seconds of sound that were heard or made. */
  soundSeconds: Schema.optionalKey(Schema.Number),
  inputTokens: Schema.optionalKey(Schema.Number),
  outputTokens: Schema.optionalKey(Schema.Number),
  /** Characters that were spoken. */
  characters: Schema.optionalKey(Schema.Number)
})
export type EngineUse = typeof EngineUse.Type

/** What a call costs by the configuration's price list. Amounts are rounded to 6 decimals. */
export const Cost = Schema.Struct({
  /** ISO 4217. */
  currency: Schema.String,
  /** The sum of all costs that have a price. */
  total: Schema.Number,
  /** The cost of Twilio's minutes. Unset: they have no price, or their number is not known. */
  twilio: Schema.optionalKey(Schema.Number),
  engines: Schema.Array(Schema.Struct({ stage: EngineUse.fields.stage, engine: EngineUse.fields.engine, cost: Schema.Number })),
  /** What was used but has no price: `twilio`, and names of engines. If there are any, the total is too low. */
  unpriced: Schema.Array(Schema.String)
})
export type Cost = typeof Cost.Type

/** How a call ended. */
export const Outcome = Schema.Struct({
  /** Twilio's final status, such as `completed` or `no-answer`. Unset while it has not come. */
  status: Schema.optionalKey(Schema.String),
  /** Why it ended: a reason of `CallState.EndReason`. */
  reason: Schema.String,
  endedBy: EndedBy,
  sipCode: Schema.optionalKey(Schema.Number),
  /** Twilio's `AnsweredBy`. */
  answeredBy: Schema.optionalKey(Schema.String),
  /** Seconds from the answer to the end. */
  durationSeconds: Schema.optionalKey(Schema.Number),
  /** Each begun minute counts, as Twilio counts. */
  billableMinutes: Schema.optionalKey(Schema.Number),
  /** How often another media stream took the place of a lost one. */
  resumptions: Schema.Number,
  /** The conversation began anew at a resumption, because its memory could not be read. */
  isMemoryLost: Schema.Boolean,
  engines: Schema.Array(EngineUse),
  /** Unset: there is no price list. */
  cost: Schema.optionalKey(Cost),
  /** The outcome does not change any more, except by facts that come later than 60 s after the end. */
  final: Schema.Boolean
})
export type Outcome = typeof Outcome.Type

/** Names and values of metadata are stored for search up to this many characters. */
export const maxLabel = 200

const ofCall = { callSid: CallSid }

/** A call has begun. A second write for the same call only adds what the first did not have. */
const CallBegan = Schema.TaggedStruct("CallBegan", {
  ...ofCall,
  accountSid: Schema.String,
  direction: Schema.Literals(["inbound", "outbound"]),
  /** E.164. */
  from: Schema.NullOr(Schema.String),
  to: Schema.NullOr(Schema.String),
  agent: Schema.String,
  at: Schema.Number,
  keeping: Keeping,
  isRecorded: Schema.Boolean,
  /** JSON of at most 4 KiB that the request gave. */
  metadata: Schema.NullOr(Schema.Json),
  campaign: Schema.NullOr(Schema.String),
  /** The address for its webhooks: the request's or the agent's. `null`: the service's. */
  webhookUrl: Schema.NullOr(Schema.String),
  /** Whether the webhook `call.ended` contains the transcript. */
  isTranscriptSent: Schema.Boolean
})

/** The call was answered. */
const CallAnswered = Schema.TaggedStruct("CallAnswered", { ...ofCall, at: Schema.Number })

/**
 * A media stream of the call began. `part` counts from 0, or from a number above 10,000 if the store did not answer. The earliest stream's
 * beginning is the axis's zero.
 */
const StreamBegan = Schema.TaggedStruct("StreamBegan", { ...ofCall, part: Schema.Number, at: Schema.Number })

/** The call is over, or more is known of how it ended. The newest write counts. */
const CallEnded = Schema.TaggedStruct("CallEnded", { ...ofCall, at: Schema.Number, outcome: Outcome })

/** A word of a turn. `at`: ms on the axis. */
export const Word = Schema.Struct({ text: Schema.String, at: Schema.Number, isHeard: Schema.Boolean })

/** One side's turn is over, or more is known of it. `turn`: from 0, in the order of their beginnings, both sides together. */
const TurnWritten = Schema.TaggedStruct("TurnWritten", {
  ...ofCall,
  turn: Schema.Number,
  role: Schema.Literals(["caller", "agent"]),
  /** ms on the axis. */
  startedAt: Schema.Number,
  endedAt: Schema.Number,
  /** The words of the turn; for the agent, the words that it began to say. */
  text: Schema.String,
  /** Empty if the times of the words are not known, or if the words are sealed. */
  words: Schema.Array(Word),
  /** The words as JSON, sealed (`encryption/SealedWords`). */
  sealedWords: Schema.optionalKey(Schema.String),
  /** The caller interrupted it. */
  isCut: Schema.Boolean,
  /** ms from the caller's last sound to the reply's first, as heard. Set for an agent's turn that answers the caller. */
  latency: Schema.optionalKey(Schema.Number)
})

/** A tool, a transfer or keys. It is written before the action is sent (`asked`), and again when its result is known. */
const ActionWritten = Schema.TaggedStruct("ActionWritten", {
  ...ofCall,
  /** Unique within the call. */
  id: Schema.String,
  kind: Schema.Literals(["tool", "transfer", "keys"]),
  name: Schema.String,
  /** JSON, or text. */
  arguments: Schema.String,
  isRepeatable: Schema.Boolean,
  /** ms on the axis. */
  at: Schema.Number,
  state: Schema.Literals(["asked", "answered", "notSent", "unknown"]),
  answer: Schema.optionalKey(Schema.String)
})

/** An event of the call's live stream. `sequence`: from 0, over all streams and processes of the call. */
const EventTold = Schema.TaggedStruct("EventTold", { ...ofCall, sequence: Schema.Number, at: Schema.Number, event: Schema.Json })

/** The memory from which the conversation resumes after a fault. The newest `version` counts; an older one changes nothing. */
const ConversationSaved = Schema.TaggedStruct("ConversationSaved", { ...ofCall, version: Schema.Number, at: Schema.Number, memory: Schema.Json })

/** A file of the recording. `startedAt`: ms on the axis. */
const RecordingPart = Schema.TaggedStruct("RecordingPart", {
  ...ofCall,
  part: Schema.Number,
  startedAt: Schema.Number,
  /** ms of sound. Unset while the file grows. */
  duration: Schema.optionalKey(Schema.Number),
  /** The file's name in the folder of recordings, or in the bucket. */
  file: Schema.String,
  place: Schema.Literals(["folder", "bucket"])
})

/** What a webhook reports. */
export const DeliveryType = Schema.Literals(["call.started", "call.ended"])
export type DeliveryType = typeof DeliveryType.Type

/**
 * Asks for a webhook, once for each call and type. The webhook's body is read from the store when it is sent, so the writes that it reports
 * must come before this one.
 */
const DeliveryAsked = Schema.TaggedStruct("DeliveryAsked", {
  ...ofCall,
  type: DeliveryType,
  /** The webhook's address; it may hold a token. */
  url: Schema.String,
  at: Schema.Number
})

export const StoreWrite = Schema.Union([
  CallBegan,
  CallAnswered,
  StreamBegan,
  CallEnded,
  TurnWritten,
  ActionWritten,
  EventTold,
  ConversationSaved,
  RecordingPart,
  DeliveryAsked
])
export type StoreWrite = typeof StoreWrite.Type
