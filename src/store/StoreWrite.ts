/**
 * The writes of calls to the store. Each write records one fact. Writes are plain JSON, because they wait in memory, in the journal's file,
 * or in both, until the database has them.
 *
 * Applying a write twice changes nothing the second time, so a journal may be replayed after a crash. Writes of one call are applied in the
 * order in which they were made. All times are ms since 1970 unless a field says otherwise. The *axis* of a call is ms since its first
 * media stream began (see `Axis` for a call that was taken over without the store); recordings use it, too.
 */
import { Schema } from "effect"
import { CallSid } from "../domain/Sid.ts"

/** Which data of a call are stored, and in which form. */
const Keeping = Schema.Struct({
  /** `false`: only figures are stored, but no words, no events with words and no sound (`store: false` of the agent or the request). */
  words: Schema.Boolean,
  /** `hashed`: after the call's end, telephone numbers are stored only as a keyed HMAC. */
  numbers: Schema.Literals(["plain", "hashed"])
})
type Keeping = typeof Keeping.Type

/** Who ended a call. */
export const EndedBy = Schema.Literals(["caller", "agent", "operator", "service", "network", "nobody"])
export type EndedBy = typeof EndedBy.Type

/** How much an engine was used on a call, in the engine's own units. */
export const EngineUse = Schema.Struct({
  stage: Schema.Literals(["transcript", "reply", "speech"]),
  /** The engine's name as in `/ready`. */
  engine: Schema.String,
  requests: Schema.Number,
  /** Seconds of sound that the engine transcribed or spoke. */
  soundSeconds: Schema.optionalKey(Schema.Number),
  inputTokens: Schema.optionalKey(Schema.Number),
  outputTokens: Schema.optionalKey(Schema.Number),
  /** Characters of text that the engine spoke. */
  characters: Schema.optionalKey(Schema.Number)
})
export type EngineUse = typeof EngineUse.Type

/** The cost of a call, by the configuration's price list. Amounts are rounded to 6 decimals. */
export const Cost = Schema.Struct({
  /** ISO 4217. */
  currency: Schema.String,
  /** The sum of all costs that have a price. */
  total: Schema.Number,
  /** The cost of Twilio's minutes. Unset: the minutes have no price, or their number is not known. */
  twilio: Schema.optionalKey(Schema.Number),
  engines: Schema.Array(Schema.Struct({ stage: EngineUse.fields.stage, engine: EngineUse.fields.engine, cost: Schema.Number })),
  /** Engines that were used but have no price, and `twilio` if its minutes have none. If the list is not empty, the total is too low. */
  unpriced: Schema.Array(Schema.String)
})
export type Cost = typeof Cost.Type

/** How a call ended. */
export const Outcome = Schema.Struct({
  /** Twilio's final status, such as `completed` or `no-answer`. Unset until Twilio reports it. */
  status: Schema.optionalKey(Schema.String),
  /** Why the call ended: a `CallState.EndReason`. */
  reason: Schema.String,
  endedBy: EndedBy,
  sipCode: Schema.optionalKey(Schema.Number),
  /** Twilio's `AnsweredBy`. */
  answeredBy: Schema.optionalKey(Schema.String),
  /** Seconds from the answer to the end. */
  durationSeconds: Schema.optionalKey(Schema.Number),
  /** A minute that has begun counts as a whole minute, as in Twilio's bill. */
  billableMinutes: Schema.optionalKey(Schema.Number),
  /** How often a new media stream replaced a lost one. */
  resumptions: Schema.Number,
  /** Whether the conversation began anew after a resumption, because its memory could not be read. */
  isMemoryLost: Schema.Boolean,
  engines: Schema.Array(EngineUse),
  /** Unset: there is no price list. */
  cost: Schema.optionalKey(Cost),
  /** Whether the outcome is complete. Only a fact that arrives more than 60 s after the call's end can still change it. */
  final: Schema.Boolean
})
export type Outcome = typeof Outcome.Type

/** For search, names and values of metadata are cut to this many characters. */
export const maxMetadataLength = 200

const ofCall = { callSid: CallSid }

/** A call has begun. A second write for the same call only sets fields that the first write left empty. */
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
  /** The request's metadata: JSON of at most 4 KiB. */
  metadata: Schema.NullOr(Schema.Json),
  campaign: Schema.NullOr(Schema.String),
  /** The address of the call's webhooks, from the request or the agent. `null`: the service's own setting. */
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

/** The call has ended, or more is known about its end. The newest write counts. */
const CallEnded = Schema.TaggedStruct("CallEnded", { ...ofCall, at: Schema.Number, outcome: Outcome })

/** A word of a turn. `at`: when the word began, in ms on the axis. */
export const Word = Schema.Struct({ text: Schema.String, at: Schema.Number, isHeard: Schema.Boolean })

/** A turn has ended, or more is known about it. `turn` counts the turns of both sides from 0, in the order in which they began. */
const TurnWritten = Schema.TaggedStruct("TurnWritten", {
  ...ofCall,
  turn: Schema.Number,
  role: Schema.Literals(["caller", "agent"]),
  /** ms on the axis. */
  startedAt: Schema.Number,
  endedAt: Schema.Number,
  /** The words of the turn. For the agent: the words that it began to say. */
  text: Schema.String,
  /** Empty if the times of the words are not known, or if the words are sealed. */
  words: Schema.Array(Word),
  /** The words as JSON, sealed (`encryption/SealedWords`). */
  sealedWords: Schema.optionalKey(Schema.String),
  /** Whether the caller interrupted the turn. */
  isCut: Schema.Boolean,
  /** ms from the caller's last voiced sample until the reply began to play. Set for an agent's turn that answers the caller. */
  latency: Schema.optionalKey(Schema.Number)
})

/** A tool request, a transfer, or keys that are pressed. Written before the action is sent (`asked`), and again when its result is known. */
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

/** An event of `GET /calls/{sid}/events`. `sequence` counts from 0 through all media streams and processes of the call. */
const EventTold = Schema.TaggedStruct("EventTold", { ...ofCall, sequence: Schema.Number, at: Schema.Number, event: Schema.Json })

/** The memory from which the conversation resumes after a fault. The highest `version` counts. A write with a lower one changes nothing. */
const ConversationSaved = Schema.TaggedStruct("ConversationSaved", { ...ofCall, version: Schema.Number, at: Schema.Number, memory: Schema.Json })

/** A file of the recording: the sound of one media stream. `startedAt`: ms on the axis. */
const RecordingPart = Schema.TaggedStruct("RecordingPart", {
  ...ofCall,
  part: Schema.Number,
  startedAt: Schema.Number,
  /** ms of sound. Unset while sound is added to the file. */
  duration: Schema.optionalKey(Schema.Number),
  /** The file's name in the folder of recordings, or in the bucket. */
  file: Schema.String,
  place: Schema.Literals(["folder", "bucket"])
})

/** The event that a webhook reports. */
export const DeliveryType = Schema.Literals(["call.started", "call.ended"])
export type DeliveryType = typeof DeliveryType.Type

/**
 * Requests a webhook. Each call gets one webhook of each type. The webhook's body is read from the store when the webhook is sent, so the
 * facts that it reports must be written before this write.
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
