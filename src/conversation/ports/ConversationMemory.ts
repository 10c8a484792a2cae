/**
 * What a conversation needs to go on after its line, its process or its machine was lost. It is plain JSON: a store keeps it, and another
 * process may read it.
 *
 * It is written when text goes to speech, a mark comes back, a turn ends or a tool is called. Times are ms since the conversation began,
 * in its first media stream.
 */
import { Option, Schema } from "effect"

const Message = Schema.Struct({
  role: Schema.Literals(["caller", "agent"]),
  text: Schema.String,
  unheard: Schema.optionalKey(Schema.String)
})

/** The agent's turn that was not over. */
export const ReplyMemory = Schema.Struct({
  /** Which of the agent's fixed lines it is: a key of `Lines`. Unset: the model wrote the reply. */
  line: Schema.optionalKey(Schema.String),
  /** The text that the caller heard, according to the marks. It is not in the history yet. */
  heard: Schema.String,
  /** The text that was not heard, in speakable pieces. The first one may have been playing. */
  rest: Schema.Array(Schema.String),
  /** The model had written all of the reply. */
  isTextDone: Schema.Boolean,
  /** The caller had interrupted the reply. */
  isInterrupted: Schema.Boolean,
  /** The dialogue's state before the reply, for another request to the model. */
  stateBefore: Schema.optionalKey(Schema.Json),
  /** The line was lost before, when the caller had heard the beginning of the answer. This reply is the rest of it. */
  isResumed: Schema.optionalKey(Schema.Boolean),
  /** Why the call is to end after the reply. */
  hangUp: Schema.optionalKey(Schema.String),
  isFinal: Schema.Boolean,
  /** The name of the transfer to make after the reply. */
  transfer: Schema.optionalKey(Schema.String),
  /** The keys to press after the reply. */
  digits: Schema.String
})
export type ReplyMemory = typeof ReplyMemory.Type

/** What the turn machine knows. */
export const TurnMemory = Schema.Struct({
  history: Schema.Array(Message),
  dialogue: Schema.Json,
  reply: Schema.optionalKey(ReplyMemory),
  /** The caller's words that nobody has answered yet. */
  unanswered: Schema.String,
  /** The part of the greeting that the caller has not heard. */
  unheardGreeting: Schema.optionalKey(Schema.String),
  /** Keys that the caller has pressed and that are not answered yet. */
  digits: Schema.String,
  areDigitsDue: Schema.Boolean,
  /** The name to which the call was being transferred. */
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

/** The requests to tools, and what the model is told about them. */
export const ToolMemory = Schema.Struct({
  requests: Schema.Array(Schema.Struct({
    key: Schema.String,
    /** Unset: the request was sent or about to be sent, and no answer has come. */
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
  /** Another version of the service may write another format, which counts as lost. */
  format: Schema.Literal(1),
  /** When the conversation began, ms since 1970. */
  beganAt: Schema.Number,
  /** When this was written, ms since the conversation began. */
  at: Schema.Number,
  turn: TurnMemory,
  tools: ToolMemory
})
export type ConversationMemory = typeof ConversationMemory.Type

const decode = Schema.decodeUnknownOption(ConversationMemory)

/** Reads a memory from the store. None: the memory has another format, or is broken. */
export const read = (json: unknown): Option.Option<ConversationMemory> => decode(json)
