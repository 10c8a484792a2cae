/**
 * The engines that the operator chose for each stage, and the settings of those that are servers.
 */
import type { Array, Option, Redacted } from "effect"

/** The name of the engines that run in this process. Lists of engines, `/ready`, metrics and price lists use it. */
export const embedded = "embedded"

/** One speech or language engine at an OpenAI-compatible address. */
export interface EngineSettings {
  readonly url: URL
  readonly model: Option.Option<string>
  readonly apiKey: Option.Option<Redacted.Redacted>
  readonly voice: Option.Option<string>
  /** Text to speech: the sample rate in Hz of an answer that does not name its own rate. Unset: 24000. */
  readonly sampleRate?: number
  /** Text to speech: whether the engine itself turns figures into words. If not, the service does it. Unset: false. */
  readonly writesFiguresOut?: boolean
  /** Speech to text: whether the service requests a transcript while the caller still speaks. Unset: true. */
  readonly hasPartials?: boolean
  /** Speech to text: words below this confidence (0 to 0.9) are doubtful; 0: no word is doubtful. Unset: the engine's own limit. */
  readonly leastConfidence?: number
  /** Language models: the size of answers. */
  readonly reply?: ReplySettings
}

/** The size of a language model's answers, in tokens. */
export interface ReplySettings {
  /** The most tokens of the spoken part. */
  readonly maxTokens: number
  /** The model's reasoning effort before it answers. */
  readonly thinking: "off" | "low" | "medium" | "high"
  /** Added to `maxTokens` if the model thinks, because servers count both together. */
  readonly thinkingTokens: number
  /** The most tokens of prompt and answer together. Unset: the service asks the server for this limit. */
  readonly contextWindow?: number
}

export type EngineChoice =
  /** The engine that runs in this process. */
  | { readonly _tag: "Embedded" }
  | { readonly _tag: "Server"; readonly settings: EngineSettings }

/** The engines of a stage; the first that works is used. */
export type EngineChoices = Array.NonEmptyReadonlyArray<EngineChoice>

/** The engines of all stages. */
export interface StageSettings {
  readonly speechToText: EngineChoices
  readonly replyModel: EngineChoices
  readonly textToSpeech: EngineChoices
}
