/**
 * What calls tell the store, one fact each. Plain JSON: a write waits in memory, in the journal's file, or in both, until the database
 * has it.
 *
 * Applying a write twice changes nothing the second time, so a journal may be replayed after a crash. Writes of one call are applied in
 * the order of their making. All times are ms since 1970 unless a field says otherwise; the *axis* of a call is ms since its first media
 * stream began, which is the recording's time.
 */
import { Schema } from "effect"
import { CallSid } from "../domain/Sid.ts"

/** What of a call is kept. */
export const Keeping = Schema.Struct({
  /** `false`: figures only; no word, no event with words, no sound (`store: false` of the agent or the request). */
  words: Schema.Boolean,
  /** `hashed`: from the call's end on, telephone numbers are kept as a keyed HMAC. */
  numbers: Schema.Literals(["plain", "hashed"])
})
export type Keeping = typeof Keeping.Type

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

/** How a call ended. */
export const Outcome = Schema.Struct({
  /** Twilio's last word, such as `completed` or `no-answer`; unset while it has not come. */
  status: Schema.optionalKey(Schema.String),
  /** Why it ended: a reason of `CallState.EndReason`. */
  reason: Schema.String,
  endedBy: EndedBy,
  sipCode: Schema.optionalKey(Schema.Number),
  /** Twilio's `AnsweredBy`. */
  answeredBy: Schema.optionalKey(Schema.String),
  /** Seconds from the answer to the end. */
  durationSeconds: Schema.optionalKey(Schema.Number),
  /** Each begun minute counts, as Twilio's. */
  billableMinutes: Schema.optionalKey(Schema.Number),
  /** How often another media stream took the place of a lost one. */
  resumptions: Schema.Number,
  /** The conversation began anew at a resumption, since its memory could not be reached. */
  isMemoryLost: Schema.Boolean,
  engines: Schema.Array(EngineUse),
  /** Money by the price list of the configuration; unset without one. */
  cost: Schema.optionalKey(Schema.Struct({ currency: Schema.String, total: Schema.Number })),
  /** Nothing of it changes any more, except facts that come later than 60 s after the end. */
  final: Schema.Boolean
})
export type Outcome = typeof Outcome.Type

/** Names and values of metadata are stored for search up to this many characters. */
export const maxLabel = 200

const ofCall = { callSid: CallSid }

/** A call is there. A second one of the same call changes only what the first did not have. */
export const CallBegan = Schema.TaggedStruct("CallBegan", {
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
  /** Where its webhooks go: the request's or the agent's address, else the service's. */
  webhookUrl: Schema.NullOr(Schema.String),
  /** `call.ended` has the transcript. */
  isTranscriptSent: Schema.Boolean
})

/** The call was answered. */
export const CallAnswered = Schema.TaggedStruct("CallAnswered", { ...ofCall, at: Schema.Number })

/** A media stream of the call began. `part` counts from 0; the first one's beginning is the axis's zero. */
export const StreamBegan = Schema.TaggedStruct("StreamBegan", { ...ofCall, part: Schema.Number, at: Schema.Number })

/** The call is over, or more is known of how it ended. The newest one counts. */
export const CallEnded = Schema.TaggedStruct("CallEnded", { ...ofCall, at: Schema.Number, outcome: Outcome })

/** A word on the axis. */
export const Word = Schema.Struct({ text: Schema.String, at: Schema.Number, isHeard: Schema.Boolean })

/** One side's turn is over, or more is known of it. `turn`: from 0, in the order of their beginnings, both sides together. */
export const TurnWritten = Schema.TaggedStruct("TurnWritten", {
  ...ofCall,
  turn: Schema.Number,
  role: Schema.Literals(["caller", "agent"]),
  /** On the axis, ms. */
  startedAt: Schema.Number,
  endedAt: Schema.Number,
  /** What was said; of the agent, what it began to say. */
  text: Schema.String,
  /** Empty: nobody knows when each word was said. */
  words: Schema.Array(Word),
  /** The caller interrupted it. */
  isCut: Schema.Boolean,
  /** ms from the caller's last sound to the reply's first, as heard; of an agent's turn that answers. */
  latency: Schema.optionalKey(Schema.Number)
})

/** A tool, a transfer or keys: told before it is sent (`Asked`), and again when its result is known. */
export const ActionWritten = Schema.TaggedStruct("ActionWritten", {
  ...ofCall,
  /** Unique within the call. */
  id: Schema.String,
  kind: Schema.Literals(["tool", "transfer", "keys"]),
  name: Schema.String,
  /** JSON, or text. */
  arguments: Schema.String,
  isRepeatable: Schema.Boolean,
  /** On the axis, ms. */
  at: Schema.Number,
  state: Schema.Literals(["asked", "answered", "notSent", "unknown"]),
  answer: Schema.optionalKey(Schema.String)
})

/** An event of the call's live stream. `sequence`: from 0, over all streams and processes of the call. */
export const EventTold = Schema.TaggedStruct("EventTold", { ...ofCall, sequence: Schema.Number, at: Schema.Number, event: Schema.Json })

/** What the conversation needs to go on after a fault. The newest `version` counts; an older one changes nothing. */
export const ConversationSaved = Schema.TaggedStruct("ConversationSaved", { ...ofCall, version: Schema.Number, at: Schema.Number, memory: Schema.Json })

/** A file of the recording. `startedAt`: on the axis. */
export const RecordingPart = Schema.TaggedStruct("RecordingPart", {
  ...ofCall,
  part: Schema.Number,
  startedAt: Schema.Number,
  /** ms of sound; unset while it grows. */
  duration: Schema.optionalKey(Schema.Number),
  /** The file's name in the folder of recordings, or in the bucket. */
  file: Schema.String,
  place: Schema.Literals(["folder", "bucket"])
})

/** What a webhook tells of a call. */
export const DeliveryType = Schema.Literals(["call.started", "call.ended"])
export type DeliveryType = typeof DeliveryType.Type

/**
 * A webhook is to be sent, once for each call and type. What it holds is read from the store when it is sent, so the writes that it is to
 * tell of come before it.
 */
export const DeliveryAsked = Schema.TaggedStruct("DeliveryAsked", {
  ...ofCall,
  type: DeliveryType,
  /** Where to; it may hold a token. */
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
