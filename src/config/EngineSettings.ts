/**
 * The engines that the operator chose for each stage, and the settings of those that are servers.
 */
import type { Array, Option, Redacted } from "effect"

/** The name of the engines that run in this process: in a list of engines, in `/ready`, in metrics and in price lists. */
export const embedded = "embedded"

/** One speech or language engine at an OpenAI-compatible address. */
export interface EngineSettings {
  readonly url: URL
  readonly model: Option.Option<string>
  readonly apiKey: Option.Option<Redacted.Redacted>
  readonly voice: Option.Option<string>
  /** Text to speech: sample rate in Hz of answers that do not name it. Unset: 24000. */
  readonly sampleRate?: number
  /** Text to speech: whether the engine itself turns figures into words, so that the service need not. Unset: false. */
  readonly writesFiguresOut?: boolean
  /** Speech to text: whether the engine is asked for the words so far while the caller still speaks. Unset: true. */
  readonly hasPartials?: boolean
  /** Speech to text: words below this confidence (0 to 0.9) are doubtful; 0: no words are. Unset: the engine's own limit. */
  readonly leastConfidence?: number
  /** Language models: the size of answers. */
  readonly reply?: ReplySettings
}

/** The size of a language model's answers, in tokens. */
export interface ReplySettings {
  /** The limit of the spoken part. */
  readonly maxTokens: number
  /** How much the model thinks before it answers. */
  readonly thinking: "off" | "low" | "medium" | "high"
  /** Added to `maxTokens` if the model thinks, because servers count both together. */
  readonly thinkingTokens: number
  /** The most tokens of prompt and answer together. Unset: the server is asked for it. */
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
