/**
 * What a transcription server answers: JSON, verbose JSON, bare text, or server-sent events as OpenAI, speaches and
 * vLLM write them. Pure; the whole of the body in.
 *
 * https://platform.openai.com/docs/api-reference/audio/createTranscription
 */
import { Result, Schema } from "effect"
import { Sse } from "effect/encoding"

/** A stretch of what was heard, with what the model thinks of it, where the server tells. */
export interface Segment {
  readonly text: string
  /** Mean of the natural logarithms of the tokens' probabilities: 0 is sure, below −1 is guessed. */
  readonly logProbability?: number
  /** 0 to 1: that there is no speech in it. */
  readonly noSpeech?: number
  /** Characters of the text to those of its compressed form; above 2.4 it repeats itself. */
  readonly compression?: number
}

export interface Heard {
  readonly text: string
  /** None where the server does not tell. */
  readonly segments: ReadonlyArray<Segment>
}

const Score = Schema.optionalKey(Schema.NullOr(Schema.Number))

const Json = Schema.Struct({
  text: Schema.String,
  segments: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Struct({
    text: Schema.String,
    avg_logprob: Score,
    no_speech_prob: Score,
    compression_ratio: Score
  }))))
})

const Failure = Schema.Struct({ error: Schema.Unknown })
const Delta = Schema.Struct({ type: Schema.Literal("transcript.text.delta"), delta: Schema.String })
const Done = Schema.Struct({ type: Schema.Literal("transcript.text.done"), text: Schema.String })
const VllmChunk = Schema.Struct({
  choices: Schema.Array(Schema.Struct({
    delta: Schema.Struct({ content: Schema.optionalKey(Schema.NullOr(Schema.String)) })
  }))
})
/** Events of a kind that is not known; what a server adds is no fault. */
const Other = Schema.Struct({ type: Schema.String })

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Union([Json, Failure])))
const decodeEvent = Schema.decodeUnknownResult(
  Schema.fromJsonString(Schema.Union([Delta, Done, VllmChunk, Failure, Other]))
)

const readJson = (body: string): Result.Result<Heard, string> => {
  const decoded = decodeJson(body)
  if (Result.isFailure(decoded)) return Result.fail("JSON without a text")
  if ("error" in decoded.success) return Result.fail("an error in place of a transcript")
  const { segments, text } = decoded.success
  return Result.succeed({
    text: text.trim(),
    segments: (segments ?? []).map((segment) => ({
      text: segment.text,
      ...(typeof segment.avg_logprob === "number" ? { logProbability: segment.avg_logprob } : {}),
      ...(typeof segment.no_speech_prob === "number" ? { noSpeech: segment.no_speech_prob } : {}),
      ...(typeof segment.compression_ratio === "number" ? { compression: segment.compression_ratio } : {})
    }))
  })
}

/**
 * speaches' last event holds no text, and OpenAI's holds all of it: what the pieces add up to counts where the last
 * has none. A stream that stops before it says that it is done is taken as it is only if the connection was closed
 * in order, which the caller knows.
 */
const readEvents = (body: string): Result.Result<Heard, string> => {
  const events: Array<string> = []
  const parser = Sse.makeParser((event) => {
    if (event._tag === "Event") events.push(event.data)
  })
  // A last event without its empty line is one too.
  if (parser.feed(`${body}\n\n`) !== undefined) return Result.fail("an event that is too large")
  let text = ""
  let whole = ""
  for (const data of events) {
    if (data.trim() === "[DONE]") break
    const decoded = decodeEvent(data)
    if (Result.isFailure(decoded)) return Result.fail("an event that is no JSON of a known form")
    const event = decoded.success
    if ("delta" in event) text += event.delta
    else if ("text" in event) whole = event.text
    else if ("choices" in event) text += event.choices[0]?.delta.content ?? ""
    else if ("error" in event) return Result.fail("an error in the middle of the transcript")
  }
  return Result.succeed({ text: (whole.trim() === "" ? text : whole).replace(/\s+/g, " ").trim(), segments: [] })
}

/** Reads a body by its `Content-Type`; a failure says what was there instead, without a word of it. */
export const read = (contentType: string, body: string): Result.Result<Heard, string> => {
  const type = contentType.split(";")[0].trim().toLowerCase()
  if (type === "text/event-stream") return readEvents(body)
  if (type === "text/html") return Result.fail("a web page")
  // Some servers send JSON as text/plain.
  if (type.endsWith("json") || /^\s*\{/.test(body)) return readJson(body)
  return type.startsWith("text/") ? Result.succeed({ text: body.trim(), segments: [] }) : Result.fail("a body of an unknown type")
}
