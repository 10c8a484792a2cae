/**
 * The answer of a transcription server: JSON, verbose JSON, bare text, or the server-sent events of OpenAI, speaches and vLLM. Pure.
 *
 * https://platform.openai.com/docs/api-reference/audio/createTranscription
 */
import { Option, Schema } from "effect"

/** A part of the transcript, with the model's scores if the server sends them. */
export interface Segment {
  readonly text: string
  /** The mean of the natural logarithms of the tokens' probabilities. 0 is sure; the lower, the less sure. */
  readonly logProbability?: number
  /** The probability, 0 to 1, that the segment holds no speech. */
  readonly noSpeech?: number
  /** The length of the text divided by the length of its compressed form. Above 2.4 the text repeats itself. */
  readonly compression?: number
}

/** The words in a server's answer, before they are judged. */
export interface Heard {
  readonly text: string
  /** Empty if the server sends none. */
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

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Json))

const Delta = Schema.Struct({ type: Schema.Literal("transcript.text.delta"), delta: Schema.String })
const Done = Schema.Struct({ type: Schema.Literal("transcript.text.done"), text: Schema.String })
const VllmChunk = Schema.Struct({
  choices: Schema.Array(Schema.Struct({
    delta: Schema.optionalKey(Schema.NullOr(Schema.Struct({ content: Schema.optionalKey(Schema.NullOr(Schema.String)) })))
  }))
})
/** Events that only some servers send are skipped. */
const Other = Schema.Struct({ type: Schema.String })

/** An event of a transcript that comes in pieces. */
export const Event = Schema.Union([Delta, Done, VllmChunk, Other])
export type Event = typeof Event.Type

/** The text of all events. OpenAI's last event has the whole text. The last event of speaches is empty, so the pieces are joined. */
export const fromEvents = (events: ReadonlyArray<Event>): Heard => {
  let text = ""
  let whole = ""
  for (const event of events) {
    if ("delta" in event) text += event.delta
    else if ("text" in event) whole = event.text
    else if ("choices" in event) text += event.choices.at(0)?.delta?.content ?? ""
  }
  return { text: (whole.trim() === "" ? text : whole).replace(/\s+/g, " ").trim(), segments: [] }
}

const score = <Key extends string>(key: Key, value: number | null | undefined) =>
  typeof value === "number" ? { [key]: value } as { readonly [K in Key]: number } : {}

const readJson = (body: string): Option.Option<Heard> =>
  Option.map(decodeJson(body), ({ segments, text }) => ({
    text: text.trim(),
    segments: (segments ?? []).map((segment) => ({
      text: segment.text,
      ...score("logProbability", segment.avg_logprob),
      ...score("noSpeech", segment.no_speech_prob),
      ...score("compression", segment.compression_ratio)
    }))
  }))

/** Reads a whole body. `contentType`: in lower case and without parameters. None if the body is not a transcript. */
export const read = (contentType: string, body: string): Option.Option<Heard> => {
  // Some servers send JSON as text/plain.
  if (contentType.endsWith("json") || /^\s*\{/.test(body)) return readJson(body)
  return contentType === "text/plain" ? Option.some({ text: body.trim(), segments: [] }) : Option.none()
}
