/**
 * What a conversation needs to continue after its media stream, its process or its machine was lost. The memory is plain JSON: it is kept in the
 * store, and another process may read it.
 *
 * A memory is written when text goes to speech synthesis, a mark comes back, a turn ends or a tool is called. Times are ms since the
 * conversation began, in its first media stream.
 */
import { Option, Schema } from "effect"

const Message = Schema.Struct({
  role: Schema.Literals(["caller", "agent"]),
  text: Schema.String,
  unheard: Schema.optionalKey(Schema.String)
})

/** The agent's turn that was not over when the memory was written. Fields without a comment are explained in `ReplyState`. */
export const ReplyMemory = Schema.Struct({
  /** The key in `Lines` if the reply is a fixed line. Unset: the model wrote the reply. */
  line: Schema.optionalKey(Schema.String),
  /** The text that the caller heard, according to the marks. This text is not in the history yet. */
  heard: Schema.String,
  /** The text that the caller did not hear, in speakable pieces. The first piece may have been playing. */
  rest: Schema.Array(Schema.String),
  /** The model had written the whole reply. */
  isTextDone: Schema.Boolean,
  /** The caller had interrupted the reply. */
  isInterrupted: Schema.Boolean,
  /** The dialogue's state before the reply, for another request to the model. */
  stateBefore: Schema.optionalKey(Schema.Json),
  /** A stream had been lost before, after the caller heard the beginning of the answer. This reply is the rest of that answer. */
  isResumed: Schema.optionalKey(Schema.Boolean),
  /** Why the call ends after the reply. Unset: the call does not end. */
  hangUp: Schema.optionalKey(Schema.String),
  isFinal: Schema.Boolean,
  /** The name of the transfer to make after the reply. */
  transfer: Schema.optionalKey(Schema.String),
  /** The keys to press after the reply. */
  digits: Schema.String
})
export type ReplyMemory = typeof ReplyMemory.Type

/** The memory of the turn machine. Fields without a comment are explained in `TurnState`. */
export const TurnMemory = Schema.Struct({
  history: Schema.Array(Message),
  dialogue: Schema.Json,
  reply: Schema.optionalKey(ReplyMemory),
  /** The caller's words that the agent has not answered yet. */
  unanswered: Schema.String,
  /** The part of the greeting that the caller has not heard. */
  unheardGreeting: Schema.optionalKey(Schema.String),
  /** The keys that the caller has pressed and the agent has not answered yet. */
  digits: Schema.String,
  areDigitsDue: Schema.Boolean,
  /** The name of the transfer that was in progress. */
  transferring: Schema.optionalKey(Schema.String),
  /** Why the call ends. Set once the caller has heard the agent's last words. */
  farewell: Schema.optionalKey(Schema.String),
  answeredFarewells: Schema.Number,
  nextReplyId: Schema.Number,
  nextUtteranceId: Schema.Number,
  isIdlePrompted: Schema.Boolean,
  onHoldUntil: Schema.optionalKey(Schema.Number),
  wasAskedAgain: Schema.Boolean,
  failuresInRow: Schema.Number
})
export type TurnMemory = typeof TurnMemory.Type

const Outcome = Schema.Union([
  Schema.TaggedStruct("Answered", { text: Schema.String }),
  Schema.TaggedStruct("NotSent", {}),
  Schema.TaggedStruct("Unknown", {})
])

/** The requests to tools, and the exchanges that each request to the model contains. Fields without a comment are explained in `SentRequests`. */
export const ToolMemory = Schema.Struct({
  requests: Schema.Array(Schema.Struct({
    key: Schema.String,
    /** Unset: the request was sent, or was about to be sent, and no answer has come. */
    outcome: Schema.optionalKey(Outcome),
    isRepeatable: Schema.Boolean,
    isHeard: Schema.Boolean,
    isClosed: Schema.Boolean
  })),
  exchanges: Schema.Array(Schema.Struct({
    at: Schema.Number,
    said: Schema.String,
    calls: Schema.Array(Schema.Struct({
      id: Schema.String,
      name: Schema.String,
      arguments: Schema.String,
      /** Why the call was refused. */
      refusal: Schema.optionalKey(Schema.String),
      /** Index in `requests`. */
      request: Schema.optionalKey(Schema.Number),
      isRepeated: Schema.optionalKey(Schema.Boolean)
    }))
  }))
})
export type ToolMemory = typeof ToolMemory.Type

export const ConversationMemory = Schema.Struct({
  /** A memory with another format, from another version of the service, counts as lost. */
  format: Schema.Literal(1),
  /** When the conversation began, ms since 1970. */
  beganAt: Schema.Number,
  /** When the memory was written, ms since the conversation began. */
  at: Schema.Number,
  turn: TurnMemory,
  tools: ToolMemory
})
export type ConversationMemory = typeof ConversationMemory.Type

const decode = Schema.decodeUnknownOption(ConversationMemory)

/** Reads a memory from the store. None: the memory has another format, or can't be decoded. */
export const read = (json: unknown): Option.Option<ConversationMemory> => decode(json)
